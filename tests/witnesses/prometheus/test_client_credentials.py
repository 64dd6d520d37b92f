"""Does every question show who asks, and does nobody else get to know the secrets?"""

import json
import logging
import traceback
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import pytest

from checks.promql import take_promql
from config.prometheus import Prometheus
from tests.evidence_factory import vector, write_run
from tests.secured_servers import Exchange, answering
from witnesses.prometheus.client import PrometheusDown, PrometheusQueries
from witnesses.prometheus.witness import PrometheusWitness

TOKEN, PASSWORD, KEY = "token-s3cret", "pass:wörd s3cret", "key-s3cret"
BASIC = {"username": "me", "password": PASSWORD}
BASIC_SENT = "bWU6cGFzczp3w7ZyZCBzM2NyZXQ="
SECRETS = (TOKEN, PASSWORD, KEY, BASIC_SENT, "s3cret")


def settings_of(url: str, **others: object) -> Prometheus:
    return Prometheus.model_validate({"url": url, "timeout": "5s", **others})


def well(exchange: Exchange) -> None:
    body = {**vector(1), "data": {**vector(1)["data"], "version": "3.5.0", "activeTargets": []}}
    exchange.say(json.dumps(body).encode())


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
def test_every_question_shows_who_asks_below_the_prefix_of_the_address(
    stated: dict[str, object], header: str, value: str
) -> None:
    with answering(well) as heard:
        settings = settings_of(f"{heard.url}/prometheus/", **stated)
        with closing(PrometheusQueries(settings)) as queries:
            queries.ask("up", 1.0)
            assert queries.intervals_s() == {}
            assert queries.version() == "3.5.0"
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
    with answering(well) as heard, closing(PrometheusQueries(settings_of(heard.url))) as queries:
        queries.ask("up", None)
        assert queries.version() == "3.5.0"
    assert all("Authorization" not in each for each in heard.headers)


@pytest.mark.parametrize(
    ("status", "stated", "told"),
    [
        (
            401,
            {},
            "wants to know who asks (401: no org id); "
            "set prometheus.bearer_token or prometheus.basic_auth in the environment's file",
        ),
        (
            401,
            {"bearer_token": TOKEN},
            "refused the token (401: no org id); "
            "set prometheus.bearer_token right in the environment's file",
        ),
        (
            403,
            {"basic_auth": BASIC},
            "refused the user or password (403: no org id); "
            "set prometheus.basic_auth right in the environment's file",
        ),
        (
            401,
            {"headers": {"Authorization": KEY}},
            "refused headers.Authorization (401: no org id); "
            "set prometheus.headers.Authorization right in the environment's file",
        ),
    ],
)
def test_a_refusal_names_what_was_refused_and_where_it_is_set(
    status: int, stated: dict[str, object], told: str
) -> None:
    def refuse(exchange: Exchange) -> None:
        exchange.say(b"no org id\n", status, Content_Type="text/plain")

    with (
        answering(refuse) as heard,
        closing(PrometheusQueries(settings_of(heard.url, **stated))) as queries,
        pytest.raises(PrometheusDown) as raised,
    ):
        queries.ask("up", None)
    assert str(raised.value) == f"Prometheus at {heard.url} {told}"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_and_takes_no_token_elsewhere(status: int) -> None:
    def redirect(exchange: Exchange) -> None:
        goal = f"http://{TOKEN}@{other.url.partition('//')[2]}/login?next={TOKEN}"
        exchange.say(b"", status, Location=goal)

    with answering(well) as other, answering(redirect) as heard:
        settings = settings_of(heard.url, bearer_token=TOKEN)
        with closing(PrometheusQueries(settings)) as queries:
            with pytest.raises(PrometheusDown) as raised:
                queries.ask("up", None)
            assert queries.intervals_s() is None
            assert queries.version() == ""
    assert other.paths == []
    assert str(raised.value) == (
        f"Prometheus at {heard.url} sends elsewhere ({status}), to {other.url}/login; correct "
        "prometheus.url, or set prometheus.bearer_token or prometheus.basic_auth "
        "in the environment's file"
    )


def _echo(exchange: Exchange) -> bytes:
    """What a careless server writes: all that it was sent, the password decoded, too."""
    is_basic = "Basic" in exchange.headers.get("Authorization", "")
    password = PASSWORD if is_basic else ""
    return f"bad: {password} {exchange.headers.as_string()}".replace("\n", " ").encode()


def _echo_in_text(exchange: Exchange) -> None:
    exchange.say(_echo(exchange), 401, Content_Type="text/plain")


def _echo_in_json(exchange: Exchange) -> None:
    exchange.say(json.dumps({"error": _echo(exchange).decode()}).encode(), 500)


def _echo_in_redirect(exchange: Exchange) -> None:
    shown = exchange.headers.get("Authorization", "")
    exchange.say(b"", 302, Location=f"/login/{shown}/{KEY}")


def _echo_quoted(exchange: Exchange) -> None:
    shown = PASSWORD if "Basic" in exchange.headers.get("Authorization", "") else TOKEN
    told = " ".join(quote(each, safe=safe) for each in (shown, KEY) for safe in ("", "/"))
    exchange.say(told.encode(), 403, Content_Type="text/plain")


def _echo_where_it_is_cut_off(exchange: Exchange) -> None:
    echo = _echo(exchange).split()
    exchange.say(b" " * 1_990 + b"x" * 195 + echo[-1], 403, Content_Type="text/plain")


def _echo_in_content_type(exchange: Exchange) -> None:
    exchange.say(_echo(exchange), Content_Type=exchange.headers.get("X-Key", ""))


def _echo_and_break_off(exchange: Exchange) -> None:
    exchange.say(_echo(exchange), Content_Length="100000")
    exchange.hang_up()


@pytest.mark.parametrize("stated", [{"bearer_token": TOKEN}, {"basic_auth": BASIC}])
@pytest.mark.parametrize(
    "answer",
    [
        _echo_in_text,
        _echo_in_json,
        _echo_in_redirect,
        _echo_quoted,
        _echo_where_it_is_cut_off,
        _echo_in_content_type,
        _echo_and_break_off,
    ],
)
def test_no_secret_is_told_even_if_the_answer_holds_all_of_them(
    answer: object, stated: dict[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    assert callable(answer)
    with answering(answer) as heard:
        settings = settings_of(heard.url, headers={"X-Key": KEY}, **stated)
        with closing(PrometheusQueries(settings)) as queries:
            with pytest.raises(PrometheusDown) as raised:
                queries.ask("up", None)
            assert queries.intervals_s() is None
            assert queries.version() == ""
    shown = "".join(traceback.format_exception(raised.value)) + caplog.text + repr(settings)
    assert [secret for secret in SECRETS if secret in shown] == []
    assert raised.value.remedy


def test_no_secret_is_in_the_evidence_of_a_prometheus_that_refused_it(tmp_path: Path) -> None:
    folder = write_run(tmp_path)
    with answering(_echo_in_text) as heard:
        settings = settings_of(heard.url, headers={"X-Key": KEY}, basic_auth=BASIC)
        with closing(PrometheusQueries(settings)) as queries:
            witness = PrometheusWitness(queries, ["shop"], folder)
            witness.open(fresh=False)
            take_promql(folder.read_scenario(), witness, "acme", folder)
    assert "refused the user or password" in witness.reading.down
    kept = [path.read_text() for path in tmp_path.rglob("*") if path.is_file()]
    assert any("refused the user or password" in text for text in kept)
    assert [secret for secret in SECRETS for text in kept if secret in text] == []


def test_a_secret_is_blotted_out_and_the_rest_of_the_reason_stands() -> None:
    def refuse(exchange: Exchange) -> None:
        exchange.say(f"unknown token {TOKEN}".encode(), 401, Content_Type="text/plain")

    with (
        answering(refuse) as heard,
        closing(PrometheusQueries(settings_of(heard.url, bearer_token=TOKEN))) as queries,
        pytest.raises(PrometheusDown, match=r"\(401: unknown token \*\*\*\)"),
    ):
        queries.ask("up", None)
