"""Does a virtual user wait as it should, for as long as it should? Real sockets, real gevent."""

import itertools
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.engine.gevent_child import REST_S, Asked, Ended, in_child
from tests.scenarios.sockets import answering, free_url, http, serving
from tests.secured_servers import Exchange, sign
from tests.secured_servers import answering as guarding

TIMEOUT_S = 0.3
LATE_S = 0.1
HOST = "shop.example"


@contextmanager
def silent(backlog: int = 512) -> Iterator[str]:
    """Have a server that takes connections and does nothing else."""
    with socket.create_server(("127.0.0.1", 0), backlog=backlog) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@contextmanager
def full() -> Iterator[str]:
    """Have a server to which no further connection can be made: its queue is full."""
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


def sent(url: str, **more: Any) -> dict[str, Any]:
    told: dict[str, Any] = in_child("send", asdict(Asked(url, **more)))
    return {**told, "outcomes": [Ended(*each) for each in told["outcomes"]]}


def outcome(told: dict[str, Any]) -> tuple[str, str]:
    (ended,) = told["outcomes"]
    return ended.kind, ended.words


def test_each_gives_up_in_its_own_time_also_where_others_who_came_before_wait_longer() -> None:
    with silent() as url:
        told = sent(url, timeout_s=0.9, at_once=3, shorter_s=0.3)
    assert [ended.words for ended in told["outcomes"]] == [
        f"no answer within {timeout_s} s" for timeout_s in (0.3, 0.6, 0.9)
    ]
    for ended, timeout_s in zip(told["outcomes"], (0.3, 0.6, 0.9), strict=True):
        assert timeout_s <= ended.lasted_s
        assert ended.awake_s < timeout_s + LATE_S


def test_an_answer_that_does_not_come_is_given_up_in_time_by_each_of_two_hundred() -> None:
    with silent() as url:
        told = sent(url, timeout_s=TIMEOUT_S, at_once=200)
    assert len(told["outcomes"]) == 200
    for ended in told["outcomes"]:
        assert (ended.kind, ended.words) == ("Unanswered", "no answer within 0.3 s")
        assert ended.lasted_s >= TIMEOUT_S
    late_s = sorted(ended.awake_s - TIMEOUT_S for ended in told["outcomes"])
    assert late_s[0] < LATE_S
    assert late_s[-1] < 5 * LATE_S
    assert told["waits"] == 0


def test_one_that_waits_alone_is_woken_within_a_tenth_of_a_second() -> None:
    with silent() as url:
        told = sent(url, timeout_s=TIMEOUT_S, times=3)
    assert len(told["outcomes"]) == 3
    assert min(ended.lasted_s for ended in told["outcomes"]) >= TIMEOUT_S
    assert sorted(ended.awake_s for ended in told["outcomes"])[1] < TIMEOUT_S + LATE_S


def test_a_connection_that_is_not_made_was_not_sent_and_is_given_up_in_time() -> None:
    with full() as url:
        told = sent(url, timeout_s=TIMEOUT_S)
    assert outcome(told) == ("NotSent", "could not connect: no connection in time")
    (ended,) = told["outcomes"]
    assert ended.lasted_s >= TIMEOUT_S
    assert ended.awake_s < TIMEOUT_S + 3 * LATE_S


def test_a_body_that_nobody_reads_is_given_up_in_time_and_leaves_a_doubt() -> None:
    with silent() as url:
        told = sent(url, timeout_s=TIMEOUT_S, body_bytes=20_000_000)
    assert outcome(told) == ("Unanswered", "no answer within 0.3 s")
    (ended,) = told["outcomes"]
    assert ended.lasted_s >= TIMEOUT_S
    assert ended.awake_s < TIMEOUT_S + 3 * LATE_S


def test_a_thousand_connections_leave_no_descriptor_open() -> None:
    with serving(answering(http("200 OK", b"well", "Connection: close"))) as server:
        told = sent(server.url, timeout_s=5, times=1000)
    assert server.connections == 1000
    assert {(ended.kind, ended.words) for ended in told["outcomes"]} == {("Answer", "200 well")}
    assert told["after"] == told["before"]
    assert told["waits"] == 0


def test_neither_do_refusals_and_time_outs() -> None:
    told = sent(free_url(), times=300)
    assert {kind for kind, *_ in told["outcomes"]} == {"NotSent"}
    assert told["after"] == told["before"]
    assert told["waits"] == 0


def test_ipv6_is_reached() -> None:
    with on_ipv6() as url:
        assert outcome(sent(url, timeout_s=5)) == ("Answer", "200 six")


@pytest.mark.parametrize(
    ("names", "trusts", "kind", "words"),
    [
        (f"DNS:{HOST}", "ours", "Answer", "200 well"),
        (f"DNS:{HOST}", "another", "NotSent", "certificate verify failed"),
        ("DNS:else.example", "ours", "NotSent", "certificate verify failed"),
    ],
)
def test_a_certificate_is_judged_by_the_name_that_was_asked_for_and_the_ca_of_ours(
    tmp_path: Path, names: str, trusts: str, kind: str, words: str
) -> None:
    certificates = sign(tmp_path / "ours", names)
    others = sign(tmp_path / "another", names)
    ca = certificates.ca if trusts == "ours" else others.ca

    def answer(exchange: Exchange) -> None:
        exchange.say(b"well")

    with guarding(answer, certificates) as heard:
        port = heard.url.rpartition(":")[2]
        told = sent(f"https://{HOST}:{port}", timeout_s=5, times=2,
                    connect_to={HOST: "127.0.0.1"}, ca_file=str(ca))  # fmt: skip
    assert len(told["outcomes"]) == 2
    for each in told["outcomes"]:
        assert each[0] == kind
        assert words in each[1]
    assert [each["Host"] for each in heard.headers] == [f"{HOST}:{port}"] * (2 * (kind == "Answer"))
    assert told["after"] == told["before"]


def test_whoever_waits_is_woken_once_whatever_comes_at_the_same_time() -> None:
    pairs = [list(pair) for pair in itertools.permutations(["answer", "expire", "kill"], 2)]
    pairs.remove(["expire", "kill"])  # it is given up, and killed while it rests
    for acts, told in zip(pairs, in_child("wake", pairs), strict=True):
        first = "killed" if "kill" in acts else "readable False"
        assert told["woken"] == [first], acts
        assert told["rested_s"] >= REST_S, acts
