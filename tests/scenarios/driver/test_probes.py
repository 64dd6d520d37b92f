"""Is each look at a service's health written down as it was, and none lost or made up?"""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Event

import pytest

from config.environment import Environment, Service
from scenarios.driver.probes import Probe, Prober, probers, probes_path, probing, read_probes
from tests.scenarios.sockets import Server
from tests.scenarios.sockets import serving as serving_raw
from tests.tiny_server import Says, nobody_listens_at, serving


def of(url: str) -> Environment:
    return Environment(environment="test", services={"shop": Service(url=url)})


def looked(url: str, folder: Path) -> Probe:
    prober = Prober(of(url), "shop", folder)
    probe = prober.look()
    prober.close()
    return probe


@pytest.fixture
def well() -> Iterator[str]:
    with serving({"/health": Says("ok")}) as server:
        yield server.url


def test_a_service_that_is_well_is_there(tmp_path: Path, well: str) -> None:
    probe = looked(well, tmp_path)
    assert probe.trouble == ""
    assert probe.sent_at <= probe.done_at <= time.time()
    (read,) = read_probes(probes_path(tmp_path, "shop"))
    assert read.trouble == ""
    assert read.sent_at == pytest.approx(probe.sent_at, abs=0.001)


def test_a_service_that_is_unwell_is_away_with_its_status(tmp_path: Path) -> None:
    with serving({"/health": Says("no", 503)}) as server:
        assert looked(server.url, tmp_path).trouble == "status 503"


def test_a_service_that_nobody_runs_is_away(tmp_path: Path) -> None:
    assert "refused" in looked(nobody_listens_at(), tmp_path).trouble


def test_a_service_that_says_nothing_is_given_up(tmp_path: Path) -> None:
    with serving({"/health": Says(hangs=True)}) as server:
        probe = looked(server.url, tmp_path)
    assert probe.trouble == "no answer within 1 s"
    assert probe.done_at - probe.sent_at == pytest.approx(1.0, abs=0.5)


def test_a_service_whose_answer_drips_is_given_up_in_time(tmp_path: Path) -> None:
    """Each byte comes soon after the one before; the whole would take three seconds."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n" + b"x" * 30

    def drip(server: Server, connection: socket.socket) -> None:
        connection.recv(65_536)
        server.trickle(connection, answer)

    with serving_raw(drip) as server:
        probe = looked(server.url, tmp_path)
    assert probe.trouble == "no answer within 1 s"
    assert probe.done_at - probe.sent_at == pytest.approx(1.0, abs=0.5)


def test_a_torn_line_costs_that_line_and_no_other(tmp_path: Path, well: str) -> None:
    looked(well, tmp_path)
    path = probes_path(tmp_path, "shop")
    with path.open("a") as file:
        file.write('[17637, "torn')
    looked(well, tmp_path)
    assert len(path.read_text().splitlines()) == 3
    assert len(read_probes(path)) == 2


def test_probes_are_read_in_order_of_time_and_rubbish_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "shop.jsonl"
    path.write_text('[3, 4, ""]\nrubbish\n[]\n[1, 2, "away"]\n["a", 2, ""]\n\n')
    assert read_probes(path) == [Probe(1.0, 2.0, "away"), Probe(3.0, 4.0, "")]
    assert read_probes(tmp_path / "none.jsonl") == []


def test_a_service_is_probed_by_the_clock_until_it_is_over(tmp_path: Path, well: str) -> None:
    with probers(of(well), tmp_path) as made, probing(made, 0.05):
        Event().wait(0.4)
    probes = read_probes(probes_path(tmp_path, "shop"))
    assert 4 <= len(probes) <= 9
    assert not any(each.trouble for each in probes)


def test_a_service_that_is_away_is_probed_more_often(tmp_path: Path) -> None:
    with probers(of(nobody_listens_at()), tmp_path) as made, probing(made, 60.0):
        Event().wait(0.7)
    assert len(read_probes(probes_path(tmp_path, "shop"))) >= 2


def test_a_prober_that_cannot_write_ends_the_watch_with_its_error(
    tmp_path: Path, well: str
) -> None:
    with (
        pytest.raises(IsADirectoryError),
        probers(of(well), tmp_path) as made,
        probing(made, 0.01) as over,
    ):
        path = probes_path(tmp_path, "shop")
        while not path.is_dir():  # between the two, the prober may make it anew
            path.unlink(missing_ok=True)
            with suppress(FileExistsError):
                path.mkdir()
        assert over.wait(5)


def test_no_secret_is_written_down(tmp_path: Path) -> None:
    where = Environment(
        environment="test",
        services={"shop": Service(url="http://127.0.0.1:1/s3cret-token")},
        headers={"Authorization": "Bearer s3cret-token"},
    )
    prober = Prober(where, "shop", tmp_path)
    prober.look()
    prober.close()
    assert "s3cret-token" not in json.dumps(probes_path(tmp_path, "shop").read_text())
