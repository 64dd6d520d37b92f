"""Health and readiness of services behind real TLS, and the errors of those that do not respond."""

import json
import socket
import time
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path

import pytest

from config.auth import Auth, OAuth2
from config.environment import Environment
from config.services import Service
from scenarios.evidence.run_folder import RunFolder
from tests.secured_servers import Certificates, Exchange, Heard, answering, sign
from tests.tiny_server import nobody_listens_at
from tests.token_server import serving_tokens
from witnesses.health.collector import collect_health, fetch_statuses
from witnesses.health.status import ServiceStatus, read_statuses, statuses_json
from witnesses.model import Moment

HOST = "shop.example"
TOKEN = "s3cret-of-the-test"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return sign(tmp_path_factory.mktemp("tls"), f"DNS:{HOST}")


def respond_well(exchange: Exchange) -> None:
    exchange.say(json.dumps({"status": "ok", "version": "1.2.3"}).encode())


def environment(heard: Heard, ca: Path | None = None, host: str = HOST) -> Environment:
    """Have a host's name lead to a server of the test."""
    scheme, _, address = heard.url.partition("://")
    return Environment(
        environment="test",
        services={"shop": Service(url=f"{scheme}://{host}", ready="/ready", probe="/api/mine?n=1")},
        headers={"Authorization": f"Bearer {TOKEN}", "X-Tenant-ID": "{{ tenant }}"},
        connect_to={host: address},
        ca_file=str(ca) if ca else None,
    )


def status_of(
    answer: Callable[[Exchange], None], made: Certificates | None = None, **changes: object
) -> tuple[ServiceStatus, Heard]:
    with answering(answer, made) as heard:
        ca = made.ca if made else None
        where = environment(heard, ca).model_copy(update=changes)
        return fetch_statuses(where, "acme")["shop"], heard


def test_a_host_is_asked_at_its_route_by_tls_under_its_own_name(
    certificates: Certificates,
) -> None:
    status, heard = status_of(respond_well, certificates)
    assert status.health.status == 200
    assert status.version == "1.2.3"
    assert [each["Host"] for each in heard.headers] == [HOST] * 3
    assert status.certificate_until == pytest.approx(time.time() + 30 * 86_400, abs=3_600)


def test_only_the_probe_carries_credentials() -> None:
    status, heard = status_of(respond_well)
    assert status.probe is not None
    assert heard.paths == ["/health", "/ready", "/api/mine?n=1"]
    assert ["Authorization" in each for each in heard.headers] == [False, False, True]
    assert heard.headers[2]["Authorization"] == f"Bearer {TOKEN}"
    assert heard.headers[2]["X-Tenant-ID"] == "acme"


def test_the_probe_carries_the_headers_of_its_service() -> None:
    with answering(respond_well) as heard:
        where = environment(heard)
        own = where.services["shop"].model_copy(update={"headers": {"authorization": None}})
        fetch_statuses(where.model_copy(update={"services": {"shop": own}}), "acme")
    assert "Authorization" not in heard.headers[2]
    assert heard.headers[2]["X-Tenant-ID"] == "acme"


def test_a_probe_carries_a_token_and_none_is_kept_though_a_response_repeats_it() -> None:
    with serving_tokens() as server:
        auth = Auth(oauth2=OAuth2(**server.auth))
        shop = Service(url=server.url, probe="/api/mine", auth=auth)
        where = Environment(environment="test", services={"shop": shop})
        probe = fetch_statuses(where, "acme")["shop"].probe
    assert probe is not None
    assert (probe.status, probe.snippet) == (200, '{"sent": "Bearer ***"}')
    assert server.paths == ["/health", "/token", "/api/mine"]


def test_a_probe_without_a_token_names_the_endpoint() -> None:
    with serving_tokens(answer=lambda: (401, b'{"error": "invalid_client"}')) as server:
        auth = Auth(oauth2=OAuth2(**server.auth))
        shop = Service(url=server.url, probe="/api/mine", auth=auth)
        where = Environment(environment="test", services={"shop": shop})
        probe = fetch_statuses(where, "acme")["shop"].probe
    assert probe is not None
    assert probe.error == (
        f"was not asked: no token: {server.url}/token refused the client with status 401: "
        "invalid_client"
    )
    assert probe.remedy == "correct oauth2 in the environment's file"
    assert not probe.is_theirs


def test_a_service_that_asks_for_a_client_certificate_is_shown_it(
    certificates: Certificates,
) -> None:
    with answering(respond_well, certificates, certificates.ca) as heard:
        where = environment(heard, certificates.ca)
        refused = fetch_statuses(where, "acme")["shop"].health
        auth = Auth(certificate=certificates.of_client())
        own = where.services["shop"].model_copy(update={"auth": auth})
        well = fetch_statuses(where.model_copy(update={"services": {"shop": own}}), "acme")["shop"]
    assert refused.error == "asks for a client certificate"
    assert refused.remedy == "name one in certificate, of auth or of prometheus"
    assert [each.status for each in (well.health, well.ready, well.probe) if each] == [200] * 3


def test_no_secret_is_kept_though_a_response_repeats_it() -> None:
    def echo(exchange: Exchange) -> None:
        exchange.say(f"who sent {exchange.headers.get('Authorization')}?".encode(), 401)

    status, _ = status_of(echo)
    assert status.probe is not None
    assert status.probe.snippet == "who sent Bearer ***?"
    assert TOKEN.encode() not in statuses_json({"shop": status})


@pytest.mark.parametrize("ahead_s", [-10, 0, 10])
def test_the_clock_skew_is_that_of_the_date_of_a_response(ahead_s: int) -> None:
    def dated(exchange: Exchange) -> None:
        handler = exchange._handler
        handler.date_time_string = lambda *_: formatdate(time.time() + ahead_s, usegmt=True)  # type: ignore[method-assign]
        respond_well(exchange)

    status, _ = status_of(dated)
    assert status.clock_skew_s == pytest.approx(ahead_s, abs=1.0)


def test_an_expired_certificate_is_for_the_service_to_fix(tmp_path: Path) -> None:
    expired = sign(tmp_path, f"DNS:{HOST}", days=-1)
    status, _ = status_of(respond_well, expired)
    assert status.health.error == "shows a bad certificate (certificate has expired)"
    assert (status.health.remedy, status.health.is_theirs) == ("renew it", True)


def test_a_ca_that_did_not_sign_is_ours_to_fix(certificates: Certificates, tmp_path: Path) -> None:
    others = sign(tmp_path, f"DNS:{HOST}")
    status, _ = status_of(respond_well, certificates, ca_file=str(others.ca))
    assert "that nobody trusted here signed" in status.health.error
    assert (status.health.remedy, status.health.is_theirs) == (
        "name another file in ca_file",
        False,
    )


def test_a_certificate_of_another_name_is_ours_to_fix(certificates: Certificates) -> None:
    with answering(respond_well, certificates) as heard:
        where = environment(heard, certificates.ca, host="till.example")
        status = fetch_statuses(where, "acme")["shop"]
    assert status.health.error == "shows a certificate that is not for till.example"
    assert not status.health.is_theirs


def test_a_host_without_an_address_is_ours_to_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)  # a resolver may take its time
    where = Environment(environment="test", services={"shop": Service(url="http://no.such.host")})
    status = fetch_statuses(where, "acme")["shop"].health
    assert status.error == "cannot be reached: no.such.host: name or service not known"
    assert (status.remedy, status.is_theirs) == ("correct services.shop.url", False)


def test_a_service_that_nobody_runs_is_asked_nothing_further() -> None:
    service = Service(url=nobody_listens_at(), ready="/ready", probe="/")
    status = fetch_statuses(Environment(environment="test", services={"shop": service}), "acme")[
        "shop"
    ]
    assert status.health.error == "cannot be reached: connection refused"
    assert status.health.is_theirs
    assert (status.ready, status.probe) == (None, None)


def test_what_was_collected_is_read_as_it_was_reported(
    certificates: Certificates, tmp_path: Path
) -> None:
    folder = RunFolder(tmp_path)
    with answering(respond_well, certificates) as heard:
        collect_health(environment(heard, certificates.ca), "acme", Moment.BEFORE, folder)
    status = read_statuses(folder, Moment.BEFORE)["shop"]
    assert status.health.status == 200
    assert status.version == "1.2.3"
    assert status.certificate_until is not None
    assert read_statuses(folder, Moment.AFTER) == {}


def test_a_service_that_does_not_respond_hides_no_other() -> None:
    with answering(respond_well) as heard:
        services = {"till": Service(url=nobody_listens_at()), "shop": Service(url=heard.url)}
        statuses = fetch_statuses(Environment(environment="test", services=services), "acme")
    assert list(statuses) == ["till", "shop"]
    assert statuses["till"].health.error == "cannot be reached: connection refused"
    assert statuses["shop"].health.status == 200


@pytest.mark.parametrize(
    ("reported", "version"),
    [
        ({"version": "1.14.2", "commit": "4c1f9e0"}, "1.14.2 (4c1f9e0)"),
        ({"version": "", "revision": "4c1f9e0" * 6}, "4c1f9e04c1f9"),
        ({"git_sha": "4c1f9e0", "commit": 7}, "4c1f9e0"),
    ],
)
def test_a_version_has_the_commit_that_the_service_reports(
    reported: dict[str, object], version: str
) -> None:
    status, _ = status_of(lambda exchange: exchange.say(json.dumps(reported).encode()))
    assert status.version == version


@pytest.mark.parametrize("body", [b"", b"[]", b"not JSON", b'{"version": 5}', b"[" * 100_000])
def test_a_service_that_reports_no_version_has_none(body: bytes) -> None:
    status, _ = status_of(lambda exchange: exchange.say(body))
    assert (status.health.status, status.version) == (200, "")
