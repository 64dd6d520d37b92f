"""The scenario, the environment and the doubles that the tests of `scenarios/` share."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from config.environment import Environment
from config.services import Service
from scenarios.evidence.recording import Recorder, RecordingEnd
from scenarios.http.messages import Request, Response
from scenarios.language.model import Scenario
from scenarios.language.reader import read_scenario

GOOD = """\
scenario: good
quantities:
  made:
    by: [kind]
    prometheus: made_total{tenant="{{ tenant }}"}
  calls:
    prometheus: calls_total
flow:
  - step: create
    request: POST shop /orders
    json: {owner: "{{ unique }}"}
    expect: {status: 201, json: {state: done}}
    save: {order: id}
    counts:
      made: {a: 1, b: 2}
      calls: 1
  - step: read
    request: GET shop /orders/{{ order }}
    counts: {calls: 1}
profiles:
  once: {users: 1, iterations: 1}
checks:
  latency:
    - {p95: 2s}
  usage: [made, calls]
  promql:
    - name: few
      query: sum(errors_total{tenant="{{ tenant }}"})
      expect: "== 0"
"""

ENVIRONMENT = Environment(
    environment="test",
    services={"shop": Service(url="http://shop.example")},
    headers={"X-Tenant-ID": "{{ tenant }}"},
)


def answered(status: int, content_type: str, body: bytes, broken: str = "") -> Response:
    """Make an answer whose head says what it is."""
    head = f"\r\ncontent-type: {content_type}\r\n".encode() if content_type else b""
    return Response(status, body, broken, head)


CREATED = answered(201, "application/json", b'{"state": "done", "id": 7}')
FOUND = answered(200, "application/json", b"{}")
STEPS = ("create", "read")


def written(folder: Path, text: str = GOOD) -> Path:
    """Write a scenario's file."""
    path = folder / "s.yaml"
    path.write_text(text)
    return path


def changed(folder: Path, old: str, new: str) -> Path:
    """Write the good scenario with one place changed."""
    assert old in GOOD
    return written(folder, GOOD.replace(old, new, 1))


def good_scenario(folder: Path) -> Scenario:
    """Read the good scenario."""
    return read_scenario(written(folder))


class Script:
    """A sender that answers as it was told and remembers what it was sent."""

    def __init__(self, *answers: Response | BaseException) -> None:
        self._answers = list(answers)
        self.requests: list[Request] = []

    def send(self, request: Request) -> Response:
        self.requests.append(request)
        answer = self._answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def parallel(self, count: int) -> list["Script"]:
        """Answer requests that are sent at once in any order."""
        return [self] * count

    def streaming(self) -> "Script":
        return self

    def close(self) -> None:
        """Nothing is open."""


class TickingRecorder(Recorder):
    """A recorder whose clock goes on by a second whenever it is read."""

    _ticks: Iterator[int] | None = None

    def now_s(self) -> float:
        """Return the next second."""
        self._ticks = self._ticks or itertools.count(100)
        return float(next(self._ticks))


@contextmanager
def recorder(
    path: Path,
    kind: Callable[..., Recorder] = TickingRecorder,
    steps: tuple[str, ...] = STEPS,
) -> Iterator[Recorder]:
    """Open a recording and end it."""
    opened = kind(path, "01-once", "once", 1, 1, steps)
    try:
        yield opened
    finally:
        opened.end(RecordingEnd(started=1, dropped=0, cpu_s=0.5, wall_s=2.0))
