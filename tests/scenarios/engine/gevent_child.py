"""Send requests over `GeventReadiness` in a child process, to keep gevent out of pytest's."""

import socket
import time
import warnings
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tests.scenarios.engine.locust_child import in_unpatched_child

REST_S = 0.03


@dataclass(frozen=True)
class Requests:
    """What to send: `at_once` greenlets, each with its own client, send `times` requests."""

    url: str
    timeout_s: float = 0.3
    body_bytes: int = 0
    at_once: int = 1
    shorter_s: float = 0.0  # by how much each greenlet's timeout is shorter than the previous one's
    times: int = 1
    stalls_s: float = 0.0  # for how long the event loop stands, from half of the timeout on
    connect_to: dict[str, str] = field(default_factory=dict)
    ca_file: str | None = None


class Ended(NamedTuple):
    """The outcome of one request, its duration, and the duration of a timer with its timeout.

    Both start together in one event loop, so a slow machine delays both. If the request ended
    first, the timer's duration is infinite. `stalled_s` is how long the loop stood meanwhile.
    """

    kind: str
    message: str
    duration_s: float
    timer_s: float
    stalled_s: float

    @property
    def late_s(self) -> float:
        """How much later than the timer the request ended, unless the loop stood."""
        return self.duration_s - self.timer_s - self.stalled_s


def in_child(command: str, argument: object) -> Any:
    """Run a command in a child process; return its result."""
    return in_unpatched_child(strictly, command, argument)


def strictly(command: str, argument: Any) -> object:
    """Run a command; a warning is an error, or else the process writes it to stderr."""
    warnings.simplefilter("error")
    commands: dict[str, Callable[[Any], object]] = {"send": send, "wake": wake, "hear": hear}
    return commands[command](argument)


def send(given: dict[str, Any]) -> dict[str, Any]:
    """Send; return the outcome of each request, and the open descriptors before and after."""
    import gevent
    import psutil

    from config.network import Network
    from scenarios.engine.gevent_readiness import GeventReadiness, expire_deadlines
    from scenarios.http.client import HttpClient
    from scenarios.http.messages import NoResponse, Request, RequestTemplate, Response, split_url

    requests = Requests(**given)
    origin, path = split_url(requests.url)
    body = b"x" * requests.body_bytes or None
    method = "POST" if body else "GET"
    network, outcomes = Network(requests.connect_to, requests.ca_file), list[Ended]()

    def outcome_of(sender: HttpClient, timeout_s: float) -> tuple[str, str]:
        template = RequestTemplate(method, origin, (), timeout_s)
        try:
            answer: Response = sender.send(Request(template, f"{path}/", "t-1", body))
        except NoResponse as error:
            return type(error).__name__, str(error)
        return "Response", f"{answer.status} {answer.body.decode()}{answer.body_error}"

    def use(number: int) -> None:
        timeout_s = requests.timeout_s - number * requests.shorter_s
        with closing(HttpClient(network, GeventReadiness)) as sender:
            for _ in range(requests.times):
                timer, began = gevent.spawn(rest, timeout_s), time.monotonic()
                stalled_s = GeventReadiness.stalled_s
                ended = outcome_of(sender, timeout_s)
                duration_s = time.monotonic() - began
                timer_s = timer.value if timer.ready() else float("inf")
                timer.kill(block=False)
                stalled_s = GeventReadiness.stalled_s - stalled_s
                outcomes.append(Ended(*ended, duration_s, timer_s, stalled_s))

    gevent.get_hub()
    gevent.spawn(expire_deadlines)
    gevent.sleep(0)
    if requests.stalls_s:
        gevent.spawn_later(requests.timeout_s / 2, time.sleep, requests.stalls_s)
    before = psutil.Process().num_fds()
    gevent.joinall([gevent.spawn(use, n) for n in range(requests.at_once)], raise_error=True)
    return {"outcomes": outcomes, "before": before, "after": psutil.Process().num_fds(),
            "watched": len(GeventReadiness.sockets)}  # fmt: skip


def rest(duration_s: float) -> float:
    """Sleep in this greenlet; return how long it took."""
    import gevent

    began = time.monotonic()
    gevent.sleep(duration_s)
    return time.monotonic() - began


def wake(all_acts: list[list[str]]) -> list[dict[str, Any]]:
    """Wake a waiting greenlet by each combination of events."""
    return [wake_by(acts) for acts in all_acts]


def wake_by(acts: list[str]) -> dict[str, Any]:
    """Let a greenlet wait, cause these events at once; return how it woke and how long it slept."""
    import gevent

    from scenarios.engine.gevent_readiness import GeventReadiness

    ours, theirs = socket.socketpair()
    wait = GeventReadiness(ours.fileno())
    woken: list[str] = []

    def await_answer() -> float:
        try:
            woken.append(f"readable {wait.readable(time.monotonic() + 60)}")
        except gevent.GreenletExit:
            woken.append("killed")
        return rest(REST_S)

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


def hear(_: object) -> list[bool]:
    """Return whether a socket is quiet: at first, with data, without it again, and closed.

    gevent has patched the modules, as in a load; no other greenlet runs meanwhile.
    """
    from gevent import monkey

    monkey.patch_all()
    import gevent

    from scenarios.engine.gevent_readiness import GeventReadiness

    ours, theirs = socket.socketpair()
    wait, quiet = GeventReadiness(ours.fileno()), list[bool]()
    other = gevent.spawn(lambda: None)
    acts: list[Callable[[], object]] = [
        lambda: None, lambda: theirs.send(b"x"), lambda: ours.recv(1), theirs.close
    ]  # fmt: skip
    for act in acts:
        act()
        quiet.append(wait.is_quiet())
    assert not other.ready()
    wait.close()
    ours.close()
    return quiet
