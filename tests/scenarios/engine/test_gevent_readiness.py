"""Timeouts and wake-ups with real sockets and real gevent, in a child process."""

import itertools
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.engine.gevent_child import REST_S, Ended, Requests, in_child
from tests.scenarios.sockets import Server, answering, free_url, http, serving
from tests.secured_servers import Exchange, sign
from tests.secured_servers import answering as guarding

TIMEOUT_S = 0.3
LATE_S = 0.1
HANGS_S = 30
HOST = "shop.example"


@contextmanager
def silent(backlog: int = 512) -> Iterator[str]:
    """Run a server that accepts connections and never responds."""
    with socket.create_server(("127.0.0.1", 0), backlog=backlog) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@contextmanager
def full() -> Iterator[str]:
    """Run a server whose queue of connections is full."""
    with ExitStack() as held:
        url = held.enter_context(silent(backlog=0))
        port = int(url.rpartition(":")[2])
        for _ in range(8):
            filler = held.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        yield url


@contextmanager
def on_ipv6() -> Iterator[str]:
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("there is no IPv6 here")

    def answer() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65_536)
            connection.sendall(http("200 OK", b"six"))

    with listener:
        thread = threading.Thread(target=answer)
        thread.start()
        yield f"http://[::1]:{listener.getsockname()[1]}"
        thread.join()


def send(url: str, **more: Any) -> dict[str, Any]:
    report: dict[str, Any] = in_child("send", asdict(Requests(url, **more)))
    return {**report, "outcomes": [Ended(*each) for each in report["outcomes"]]}


def outcome(report: dict[str, Any]) -> tuple[str, str]:
    (ended,) = report["outcomes"]
    return ended.kind, ended.message


def test_each_request_times_out_by_its_own_timeout_also_after_longer_ones() -> None:
    with silent() as url:
        report = send(url, timeout_s=0.9, at_once=3, shorter_s=0.3)
    assert [ended.message for ended in report["outcomes"]] == [
        f"no response within {timeout_s} s" for timeout_s in (0.3, 0.6, 0.9)
    ]
    for ended, timeout_s in zip(report["outcomes"], (0.3, 0.6, 0.9), strict=True):
        assert timeout_s <= ended.duration_s
        assert ended.late_s < LATE_S


def test_each_of_two_hundred_requests_times_out_in_time() -> None:
    timeout_s = 3.0  # so long that a busy machine opens all connections within it
    with silent() as url:
        report = send(url, timeout_s=timeout_s, at_once=200)
    assert len(report["outcomes"]) == 200
    for ended in report["outcomes"]:
        assert (ended.kind, ended.message) == ("ResponseLost", "no response within 3 s")
        assert ended.duration_s >= timeout_s
    late_s = sorted(ended.late_s for ended in report["outcomes"])
    assert late_s[0] < LATE_S
    assert late_s[-1] < 5 * LATE_S
    assert report["watched"] == 0


def test_a_single_request_times_out_within_a_tenth_of_a_second_of_a_timer() -> None:
    with silent() as url:
        report = send(url, timeout_s=TIMEOUT_S, times=3)
    assert len(report["outcomes"]) == 3
    assert min(ended.duration_s for ended in report["outcomes"]) >= TIMEOUT_S
    assert sorted(ended.late_s for ended in report["outcomes"])[1] < LATE_S


def slow(server: Server, connection: socket.socket) -> None:
    """Respond in two parts: in time, but while the client's event loop stands."""
    connection.recv(65_536)
    server.stopping.wait(0.7)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nwe")
    server.stopping.wait(0.1)
    connection.sendall(b"ll")


def test_a_response_that_came_while_the_event_loop_stood_is_read() -> None:
    with serving(slow) as server:
        report = send(server.url, timeout_s=1.0, stalls_s=2.0)
    assert {(each.kind, each.message) for each in report["outcomes"]} == {("Response", "200 well")}


def test_a_request_without_a_response_times_out_also_after_the_event_loop_stood() -> None:
    with silent() as url:
        report = send(url, timeout_s=TIMEOUT_S, times=2, stalls_s=1.0)
    first, second = report["outcomes"]
    assert first.message == second.message == "no response within 0.3 s"
    assert first.duration_s >= TIMEOUT_S + 0.8
    assert second.late_s < LATE_S


def test_a_connection_that_times_out_is_not_sent() -> None:
    with full() as url:
        report = send(url, timeout_s=TIMEOUT_S)
    assert outcome(report) == ("NotSent", "could not connect: no connection in time")
    (ended,) = report["outcomes"]
    assert ended.duration_s >= TIMEOUT_S
    assert ended.late_s < 3 * LATE_S


def test_a_body_that_is_not_read_times_out_and_is_unanswered() -> None:
    timeout_s = 4 * TIMEOUT_S  # in which a busy machine, too, has a connection
    with silent() as url:
        report = send(url, timeout_s=timeout_s, body_bytes=20_000_000)
    assert outcome(report) == ("ResponseLost", "no response within 1.2 s")
    (ended,) = report["outcomes"]
    assert ended.duration_s >= timeout_s
    assert ended.late_s < 3 * LATE_S


def test_a_refusal_of_a_large_body_is_the_response_though_the_server_reads_no_further() -> None:
    def refuse(server: Server, connection: socket.socket) -> None:
        connection.recv(1_000)
        connection.sendall(http("413 Content Too Large", b"too large"))
        assert server.stopping.wait(HANGS_S)

    with serving(refuse) as server:
        report = send(server.url, timeout_s=HANGS_S, body_bytes=30_000_000)
        server.stopping.set()
    assert outcome(report) == ("Response", "413 too large")


def test_a_thousand_connections_leave_no_descriptor_open() -> None:
    with serving(answering(http("200 OK", b"well", "Connection: close"))) as server:
        report = send(server.url, timeout_s=5, times=1000)
    assert server.connections == 1000
    assert {(ended.kind, ended.message) for ended in report["outcomes"]} == {
        ("Response", "200 well")
    }
    assert report["after"] == report["before"]
    assert report["watched"] == 0


def test_refused_connections_leave_no_descriptor_open() -> None:
    report = send(free_url(), times=300)
    assert {kind for kind, *_ in report["outcomes"]} == {"NotSent"}
    assert report["after"] == report["before"]
    assert report["watched"] == 0


def test_ipv6_is_reached() -> None:
    with on_ipv6() as url:
        assert outcome(send(url, timeout_s=5)) == ("Response", "200 six")


@pytest.mark.parametrize(
    ("names", "trusts", "kind", "words"),
    [
        (f"DNS:{HOST}", "ours", "Response", "200 well"),
        (f"DNS:{HOST}", "another", "NotSent", "certificate verify failed"),
        ("DNS:else.example", "ours", "NotSent", "certificate verify failed"),
    ],
)
def test_a_certificate_is_verified_against_the_host_name_and_the_given_ca(
    tmp_path: Path, names: str, trusts: str, kind: str, words: str
) -> None:
    certificates = sign(tmp_path / "ours", names)
    others = sign(tmp_path / "another", names)
    ca = certificates.ca if trusts == "ours" else others.ca

    def answer(exchange: Exchange) -> None:
        exchange.say(b"well")

    with guarding(answer, certificates) as heard:
        port = heard.url.rpartition(":")[2]
        report = send(f"https://{HOST}:{port}", timeout_s=5, times=2,
                    connect_to={HOST: "127.0.0.1"}, ca_file=str(ca))  # fmt: skip
    assert len(report["outcomes"]) == 2
    for each in report["outcomes"]:
        assert each[0] == kind
        assert words in each[1]
    assert [each["Host"] for each in heard.headers] == [f"{HOST}:{port}"] * (
        2 * (kind == "Response")
    )
    assert report["after"] == report["before"]


def test_a_waiting_greenlet_is_woken_once_by_simultaneous_events() -> None:
    pairs = [list(pair) for pair in itertools.permutations(["answer", "expire", "kill"], 2)]
    pairs.remove(["expire", "kill"])  # it times out, and is killed while it sleeps
    for acts, report in zip(pairs, in_child("wake", pairs), strict=True):
        first = "killed" if "kill" in acts else "readable False"
        assert report["woken"] == [first], acts
        assert report["rested_s"] >= REST_S, acts


def test_a_socket_is_not_quiet_with_data_or_after_a_close_and_no_other_user_runs_meanwhile() -> (
    None
):
    assert in_child("hear", None) == [True, False, True, False]
