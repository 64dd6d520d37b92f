"""Requests carry the credentials of the settings, and no other host receives them."""

from contextlib import closing
from pathlib import Path

import pytest

from config.auth import OAuth2
from config.network import Network
from tests.secured_servers import Exchange, answering, sign
from tests.token_server import serving_tokens
from tests.witnesses.prometheus.secrets_of_prometheus import (
    BASIC,
    BASIC_SENT,
    KEY,
    TOKEN,
    respond_well,
    settings_of,
)
from witnesses.prometheus.client import PrometheusClient, PrometheusDown
from witnesses.prometheus.session import ApiResponse, PrometheusSession


@pytest.mark.parametrize(
    ("stated", "header", "value"),
    [
        ({"bearer_token": TOKEN}, "Authorization", f"Bearer {TOKEN}"),
        ({"basic_auth": BASIC}, "Authorization", f"Basic {BASIC_SENT}"),
        ({"headers": {"X-Scope-OrgID": "acme"}}, "X-Scope-OrgID", "acme"),
        ({"headers": {"authorization": f"ApiKey {KEY}"}}, "authorization", f"ApiKey {KEY}"),
    ],
    ids=["bearer", "basic", "header", "own Authorization"],
)
def test_every_request_carries_the_credentials_below_the_prefix_of_the_address(
    stated: dict[str, object], header: str, value: str
) -> None:
    with answering(respond_well) as heard:
        settings = settings_of(f"{heard.url}/prometheus/", **stated)
        with closing(PrometheusClient(settings)) as client:
            client.query("up", 1.0)
            assert client.intervals_s() == {}
            assert client.version() == "3.5.0"
    paths = [path.partition("?")[0] for path in heard.paths]
    api = "/prometheus/api/v1"
    assert paths == [f"{api}/query", f"{api}/targets", f"{api}/status/buildinfo"]
    assert [each.get(header) for each in heard.headers] == [value] * 3


def test_no_proxy_and_no_password_of_the_machine_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text(f"machine 127.0.0.1 login me password {KEY}\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with (
        answering(respond_well) as heard,
        closing(PrometheusClient(settings_of(heard.url))) as client,
    ):
        client.query("up", None)
        assert client.version() == "3.5.0"
    assert all("Authorization" not in each for each in heard.headers)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_and_takes_no_token_elsewhere(status: int) -> None:
    def redirect(exchange: Exchange) -> None:
        goal = f"http://{TOKEN}@{other.url.partition('//')[2]}/login?next={TOKEN}"
        exchange.say(b"", status, Location=goal)

    with answering(respond_well) as other, answering(redirect) as heard:
        settings = settings_of(heard.url, bearer_token=TOKEN)
        with closing(PrometheusClient(settings)) as client:
            with pytest.raises(PrometheusDown) as raised:
                client.query("up", None)
            assert client.intervals_s() is None
            assert client.version() == ""
    assert other.paths == []
    assert str(raised.value) == (
        f"Prometheus at {heard.url} sends elsewhere ({status}), to {other.url}/login; correct "
        "prometheus.url, or set prometheus.bearer_token or prometheus.basic_auth "
        "in the environment's file"
    )


def test_a_host_is_reached_at_its_route_under_its_own_name() -> None:
    with answering(respond_well) as heard:
        address = heard.url.partition("://")[2]
        network = Network({"prometheus.example": address})
        settings = settings_of("http://prometheus.example/")
        with closing(PrometheusClient(settings, network)) as client:
            client.query("up", None)
    assert heard.headers[0]["Host"] == "prometheus.example"


def test_the_last_response_is_kept_and_read_once() -> None:
    with (
        answering(respond_well) as heard,
        PrometheusSession(settings_of(heard.url), Network()) as session,
    ):
        session.get(f"{heard.url}/api/v1/query")
        assert isinstance(session.last, ApiResponse)
        assert session.last.body is session.last.json()
        assert session.last.body["data"]["version"] == "3.5.0"


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"[" * 100_000, b'{"data": 5}'])
def test_what_is_no_response_of_the_interface_is_a_value_error(content: bytes) -> None:
    answer = ApiResponse()
    answer._content = content
    with pytest.raises(ValueError, match=r".+"):
        _ = answer.body


def test_a_token_is_fetched_and_used_for_every_query() -> None:
    with serving_tokens() as server, answering(respond_well) as heard:
        settings = settings_of(heard.url, oauth2=OAuth2(**server.auth))
        with closing(PrometheusClient(settings)) as client:
            client.query("up", 1.0)
            assert client.version() == "3.5.0"
    sent = f"Bearer {server.endpoint.issued[0][0]}"
    assert [each.get("Authorization") for each in heard.headers] == [sent] * 2
    assert server.paths == ["/token"]


def test_without_a_token_nothing_is_asked_and_the_endpoint_is_named() -> None:
    with (
        serving_tokens(answer=lambda: (401, b"")) as server,
        answering(respond_well) as heard,
        closing(PrometheusClient(settings_of(heard.url, oauth2=OAuth2(**server.auth)))) as client,
        pytest.raises(PrometheusDown) as raised,
    ):
        client.query("up", None)
    assert heard.paths == []
    assert str(raised.value) == (
        f"Prometheus at {heard.url} was not asked: no token: {server.url}/token refused the client "
        "with status 401; correct oauth2 in the environment's file"
    )


def test_a_client_certificate_is_shown_to_a_prometheus_that_asks_for_it(tmp_path: Path) -> None:
    made = sign(tmp_path)
    with answering(respond_well, made, made.ca) as heard:
        well = settings_of(heard.url, ca_file=str(made.ca), certificate=made.of_client())
        with closing(PrometheusClient(well)) as client:
            assert client.version() == "3.5.0"
        without = settings_of(heard.url, ca_file=str(made.ca))
        with closing(PrometheusClient(without)) as client, pytest.raises(PrometheusDown) as raised:
            client.query("up", None)
    assert "asks for a client certificate; name one in certificate" in str(raised.value)
