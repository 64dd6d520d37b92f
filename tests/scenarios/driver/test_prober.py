"""Each probe of a service's health is recorded as it was."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from config.environment import Environment
from config.services import Service
from scenarios.driver.prober import Prober, StateChange, probers, probing
from scenarios.evidence.probes import Probe, probes_path, read_probes
from tests.scenarios.sockets import Server
from tests.scenarios.sockets import serving as serving_raw
from tests.tiny_server import Canned, nobody_listens_at, serving


def of(url: str) -> Environment:
    return Environment(environment="test", services={"shop": Service(url=url)})


def probed(url: str, folder: Path) -> Probe:
    prober = Prober(of(url), "shop", folder)
    probe = prober.probe()
    prober.close()
    return probe


@pytest.fixture
def well() -> Iterator[str]:
    with serving({"/health": Canned("ok")}) as server:
        yield server.url


def test_a_healthy_service_is_up(tmp_path: Path, well: str) -> None:
    probe = probed(well, tmp_path)
    assert probe.error == ""
    assert probe.sent_at <= probe.done_at <= time.time()
    (read,) = read_probes(probes_path(tmp_path, "shop"))
    assert read.error == ""
    assert read.sent_at == pytest.approx(probe.sent_at, abs=0.001)


def test_a_service_that_responds_503_is_down_with_its_status(tmp_path: Path) -> None:
    with serving({"/health": Canned("no", 503)}) as server:
        assert probed(server.url, tmp_path).error == "status 503"


def test_a_change_is_reported_once_when_it_begins_and_once_when_it_ends(tmp_path: Path) -> None:
    changes: list[StateChange] = []
    answers = {"/health": Canned("no", 503)}
    with serving(answers) as server:
        prober = Prober(of(server.url), "shop", tmp_path, on_change=changes.append)
        down = [prober.probe() for _ in range(3)]
        answers["/health"] = Canned("ok")
        up = [prober.probe() for _ in range(2)]
        prober.close()
    assert changes == [
        StateChange("shop", down[0].sent_at, "status 503"),
        StateChange("shop", up[0].sent_at, "", up[0].sent_at - down[0].sent_at),
    ]


def test_a_service_that_is_up_from_the_beginning_is_no_change(tmp_path: Path, well: str) -> None:
    changes: list[StateChange] = []
    prober = Prober(of(well), "shop", tmp_path, on_change=changes.append)
    prober.probe()
    prober.close()
    assert changes == []


def test_a_service_that_does_not_run_is_down(tmp_path: Path) -> None:
    assert "refused" in probed(nobody_listens_at(), tmp_path).error


def test_a_service_that_does_not_respond_is_down(tmp_path: Path) -> None:
    with serving({"/health": Canned(hangs=True)}) as server:
        probe = probed(server.url, tmp_path)
    assert probe.error == "no response within 1 s"
    assert probe.done_at - probe.sent_at == pytest.approx(1.0, abs=0.5)


def test_a_service_whose_response_drips_is_down_at_the_deadline(tmp_path: Path) -> None:
    """Each byte comes soon after the one before; the whole would take three seconds."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n" + b"x" * 30

    def drip(server: Server, connection: socket.socket) -> None:
        connection.recv(65_536)
        server.trickle(connection, answer)

    with serving_raw(drip) as server:
        probe = probed(server.url, tmp_path)
    assert probe.error == "no response within 1 s"
    assert probe.done_at - probe.sent_at == pytest.approx(1.0, abs=0.5)


def test_a_torn_line_costs_that_line_and_no_other(tmp_path: Path, well: str) -> None:
    probed(well, tmp_path)
    path = probes_path(tmp_path, "shop")
    with path.open("a") as file:
        file.write('[17637, "torn')
    probed(well, tmp_path)
    assert len(path.read_text().splitlines()) == 3
    assert len(read_probes(path)) == 2


def await_probes(path: Path, number: int) -> None:
    """Wait until so many are there; a minute is more than enough."""
    deadline = time.monotonic() + 60
    while len(read_probes(path)) < number:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_service_is_probed_by_the_clock_until_it_is_over(tmp_path: Path, well: str) -> None:
    path = probes_path(tmp_path, "shop")
    began_at = time.monotonic()
    with probers(of(well), tmp_path) as made, probing(made, 0.05):
        await_probes(path, 4)
    lasted_s = time.monotonic() - began_at
    probes = read_probes(path)
    time.sleep(0.2)
    assert read_probes(path) == probes
    assert len(probes) <= lasted_s / 0.05 + 1
    assert not any(each.error for each in probes)


def test_a_service_that_is_down_is_probed_more_often(tmp_path: Path) -> None:
    with probers(of(nobody_listens_at()), tmp_path) as made, probing(made, 3600.0):
        await_probes(probes_path(tmp_path, "shop"), 2)


def test_a_prober_that_cannot_write_ends_the_watch_with_its_error(
    tmp_path: Path, well: str
) -> None:
    with (
        pytest.raises(OSError, match="it is a folder"),
        probers(of(well), tmp_path) as made,
        probing(made, 0.01) as over,
    ):
        path = probes_path(tmp_path, "shop")
        while not path.is_dir():  # between the two, the prober may make it anew
            path.unlink(missing_ok=True)
            with suppress(FileExistsError):
                path.mkdir()
        assert over.wait(60)


def test_no_secret_is_written_down(tmp_path: Path) -> None:
    where = Environment(
        environment="test",
        services={"shop": Service(url="http://127.0.0.1:1/s3cret-token")},
        headers={"Authorization": "Bearer s3cret-token"},
    )
    prober = Prober(where, "shop", tmp_path)
    prober.probe()
    prober.close()
    assert "s3cret-token" not in json.dumps(probes_path(tmp_path, "shop").read_text())
