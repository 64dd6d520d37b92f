"""Requests over `GeventWait`, in a process of its own: gevent is to stay out of pytest's.

`python -m tests.scenarios.engine.gevent_child send|wake JSON` prints what came of it, as JSON.
"""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tests.clock import ticking
from tests.paths import ROOT

REST_S = 0.03


@dataclass(frozen=True)
class Asked:
    """So many greenlets at once, each with a sender of its own, send so often."""

    url: str
    timeout_s: float = 0.3
    body_bytes: int = 0
    at_once: int = 1
    shorter_s: float = 0.0  # so much shorter is the time-out of each than that of the one before
    times: int = 1
    connect_to: dict[str, str] = field(default_factory=dict)
    ca_file: str | None = None


class Ended(NamedTuple):
    """What came of one request, how long it lasted, and how long the machine went on meanwhile."""

    kind: str
    words: str
    lasted_s: float
    awake_s: float


def in_child(what: str, asked: object) -> Any:
    """Do something in a child process; return what it prints."""
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.scenarios.engine.gevent_child", what,
         json.dumps(asked)],
        cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ""
    return json.loads(ended.stdout)


def send(given: dict[str, Any]) -> dict[str, Any]:
    """Send; return what came of each request, and how many descriptors were open around it."""
    import gevent
    import psutil

    from config.network import Network
    from scenarios.engine.gevent_readiness import GeventWait, expire_waits
    from scenarios.http.client import LeanSender
    from scenarios.http.messages import Answer, Envelope, NoAnswer, Request, split_url

    asked = Asked(**given)
    origin, path = split_url(asked.url)
    body = b"x" * asked.body_bytes or None
    method, has_body = "POST" if body else "GET", body is not None
    network, outcomes = Network(asked.connect_to, asked.ca_file), []

    def told(sender: LeanSender, timeout_s: float) -> tuple[str, str]:
        envelope = Envelope(method, origin, (), timeout_s, has_body)
        try:
            answer: Answer = sender.send(Request(envelope, f"{path}/", "t-1", body))
        except NoAnswer as error:
            return type(error).__name__, str(error)
        return "Answer", f"{answer.status} {answer.body.decode()}{answer.broken}"

    def use(number: int) -> None:
        timeout_s = asked.timeout_s - number * asked.shorter_s
        with closing(LeanSender(network, GeventWait)) as sender:
            for _ in range(asked.times):
                began = time.monotonic()
                outcomes.append((*told(sender, timeout_s), began, time.monotonic()))

    gevent.get_hub()
    gevent.spawn(expire_waits)
    gevent.sleep(0)
    before = psutil.Process().num_fds()
    with ticking() as measured:
        gevent.joinall([gevent.spawn(use, n) for n in range(asked.at_once)], raise_error=True)
    ended = [
        Ended(kind, words, until - since, measured.awake_s(since, until))
        for kind, words, since, until in outcomes
    ]
    return {"outcomes": ended, "before": before, "after": psutil.Process().num_fds(),
            "waits": len(GeventWait.waits)}  # fmt: skip


def wake(all_acts: list[list[str]]) -> list[dict[str, Any]]:
    """Wake a greenlet in each of these ways."""
    return [wake_by(acts) for acts in all_acts]


def wake_by(acts: list[str]) -> dict[str, Any]:
    """Have a greenlet wait, do these to it at once; return how it woke, and how long it rested."""
    import gevent

    from scenarios.engine.gevent_readiness import GeventWait

    ours, theirs = socket.socketpair()
    wait = GeventWait(ours.fileno())
    woken: list[str] = []

    def rest() -> float:
        began = time.monotonic()
        gevent.sleep(REST_S)
        return time.monotonic() - began

    def await_answer() -> float:
        try:
            woken.append(f"readable {wait.readable(time.monotonic() + 60)}")
        except gevent.GreenletExit:
            woken.append("killed")
        return rest()

    waiting = gevent.spawn(await_answer)
    gevent.sleep(0)
    does: dict[str, Callable[[], object]] = {
        "answer": lambda: theirs.send(b"x"),
        "expire": lambda: wait.expire(float("inf")),
        "kill": lambda: waiting.kill(block=False),
    }
    for act in acts:
        does[act]()
    waiting.join()
    wait.close()
    ours.close()
    theirs.close()
    return {"woken": woken, "rested_s": waiting.value}


if __name__ == "__main__":
    CASES: dict[str, Callable[[Any], object]] = {"send": send, "wake": wake}
    print(json.dumps(CASES[sys.argv[1]](json.loads(sys.argv[2]))))
