"""Is what a service says of itself taken as it is, and is silence said with who is to mend it?"""

import json
import socket
import time
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path

import pytest

from config.environment import Environment, Service
from tests.secured_servers import Certificates, Exchange, Heard, answering, sign
from tests.tiny_server import nobody_listens_at
from witnesses.health.status import Reached, ask_services, parse_reached, reached_json

HOST = "shop.example"
TOKEN = "s3cret-of-the-test"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return sign(tmp_path_factory.mktemp("tls"), f"DNS:{HOST}")


def well(exchange: Exchange) -> None:
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


def reached(
    answer: Callable[[Exchange], None], made: Certificates | None = None, **changes: object
) -> tuple[Reached, Heard]:
    with answering(answer, made) as heard:
        ca = made.ca if made else None
        where = environment(heard, ca).model_copy(update=changes)
        return ask_services(where, "acme")["shop"], heard


def test_a_host_is_reached_where_the_environment_says_by_tls_under_its_own_name(
    certificates: Certificates,
) -> None:
    told, heard = reached(well, certificates)
    assert told.health.status == 200
    assert told.version == "1.2.3"
    assert [each["Host"] for each in heard.headers] == [HOST] * 3
    assert told.certificate_until == pytest.approx(time.time() + 30 * 86_400, abs=3_600)


def test_only_the_probe_shows_who_asks() -> None:
    told, heard = reached(well)
    assert told.probe is not None
    assert heard.paths == ["/health", "/ready", "/api/mine?n=1"]
    assert ["Authorization" in each for each in heard.headers] == [False, False, True]
    assert heard.headers[2]["Authorization"] == f"Bearer {TOKEN}"
    assert heard.headers[2]["X-Tenant-ID"] == "acme"


def test_no_secret_is_kept_though_an_answer_tells_it() -> None:
    def echo(exchange: Exchange) -> None:
        exchange.say(f"who sent {exchange.headers.get('Authorization')}?".encode(), 401)

    told, _ = reached(echo)
    assert told.probe is not None
    assert told.probe.head == "who sent Bearer ***?"
    assert TOKEN.encode() not in reached_json({"shop": told})


@pytest.mark.parametrize("ahead_s", [-10, 0, 10])
def test_a_clock_is_told_by_the_date_of_an_answer(ahead_s: int) -> None:
    def dated(exchange: Exchange) -> None:
        handler = exchange._handler
        handler.date_time_string = lambda *_: formatdate(time.time() + ahead_s, usegmt=True)  # type: ignore[method-assign]
        well(exchange)

    told, _ = reached(dated)
    assert told.clock_skew_s == pytest.approx(ahead_s, abs=1.0)


def test_an_expired_certificate_is_the_services_to_mend(tmp_path: Path) -> None:
    expired = sign(tmp_path, f"DNS:{HOST}", days=-1)
    told, _ = reached(well, expired)
    assert told.health.trouble == "shows a bad certificate (certificate has expired)"
    assert (told.health.remedy, told.health.is_theirs) == ("renew it", True)


def test_a_ca_that_did_not_sign_is_ours_to_mend(certificates: Certificates, tmp_path: Path) -> None:
    others = sign(tmp_path, f"DNS:{HOST}")
    told, _ = reached(well, certificates, ca_file=str(others.ca))
    assert "that nobody trusted here signed" in told.health.trouble
    assert (told.health.remedy, told.health.is_theirs) == ("name another file in ca_file", False)


def test_a_certificate_of_another_name_is_ours_to_mend(certificates: Certificates) -> None:
    with answering(well, certificates) as heard:
        where = environment(heard, certificates.ca, host="till.example")
        told = ask_services(where, "acme")["shop"]
    assert told.health.trouble == "shows a certificate that is not for till.example"
    assert not told.health.is_theirs


def test_a_host_without_an_address_is_ours_to_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)  # a resolver may take its time
    where = Environment(environment="test", services={"shop": Service(url="http://no.such.host")})
    told = ask_services(where, "acme")["shop"].health
    assert told.trouble == "cannot be reached: no.such.host: name or service not known"
    assert (told.remedy, told.is_theirs) == ("correct services.shop.url", False)


def test_a_service_that_nobody_runs_is_asked_nothing_further() -> None:
    service = Service(url=nobody_listens_at(), ready="/ready", probe="/")
    told = ask_services(Environment(environment="test", services={"shop": service}), "acme")["shop"]
    assert told.health.trouble == "cannot be reached: connection refused"
    assert told.health.is_theirs
    assert (told.ready, told.probe) == (None, None)


def test_what_was_said_is_read_as_it_was_written(certificates: Certificates) -> None:
    told, _ = reached(well, certificates)
    assert parse_reached(reached_json({"shop": told})) == {"shop": told}
