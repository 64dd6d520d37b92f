"""Doubles of Locust's runner and options, and a load to feed the engine with."""

from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from scenarios.driver.arrivals import ClosedModel
from scenarios.driver.load_state import Load, LoadAssignment
from scenarios.engine.load_task import LoadTask
from tests.scenarios.engine.locust_child import write_task


@dataclass
class FakeRunner:
    """Keeps the messages that are sent, and delivers messages to registered handlers."""

    client_id: str = "worker-1"
    stats: Any = None
    sent: list[tuple[str, Any, str | None]] = field(default_factory=list)
    handlers: dict[str, Callable[..., None]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    last_heartbeat_timestamp: float | None = None
    clients: Any = field(default_factory=lambda: SimpleNamespace(ready=[], all=[]))

    def register_message(self, name: str, handler: Callable[..., None]) -> None:
        self.handlers[name] = handler

    def send_message(self, name: str, data: Any = None, client_id: str | None = None) -> None:
        self.sent.append((name, data, client_id))

    def deliver(self, name: str, data: Any, node_id: str = "") -> None:
        """Deliver a message as Locust does."""
        message = SimpleNamespace(type=name, data=data, node_id=node_id)
        self.handlers[name](environment=None, msg=message)

    def connect(self, *client_ids: str) -> None:
        """Add connected workers."""
        clients = [SimpleNamespace(id=client_id, state="ready") for client_id in client_ids]
        self.clients.ready += clients
        self.clients.all += clients

    def quit(self) -> None:
        self.calls.append("quit")

    def stop(self) -> None:
        self.calls.append("stop")

    def named(self, name: str) -> list[Any]:
        """Return the data of the messages of a name."""
        return [data for sent, data, _ in self.sent if sent == name]


def make_assignment(
    folder: Path, profile: str, url: str = "http://127.0.0.1:9", path: str = "/", more: str = ""
) -> LoadAssignment:
    """Make the assignment of a profile, written as in a scenario file, which may have `more`."""
    files = write_task(folder, f"load: {profile}", url, path, more)
    task = LoadTask(
        scenario=Path(files["scenario"]),
        environment=Path(files["environment"]),
        profile="load",
        run_id="run-1",
        tenant="tenant-1",
        users=0,
        iterations=0,
        rate_per_s=0.0,
        duration_s=0.0,
        stem="load",
        exchanges=folder,
    )
    return task.make_assignment()


def make_load(folder: Path) -> Load:
    """Make a load of one step, `ask`, whose rows a test writes by itself."""
    assignment = make_assignment(folder, "{users: 1, iterations: 9}")
    assert isinstance(assignment.arrivals, ClosedModel)
    return Load(assignment, assignment.recorder(), 0.0)


def options_of(files: dict[str, str], **more: Any) -> Namespace:
    """Return Locust's options for files of `write_task`."""
    given: dict[str, Any] = {
        **files, "profile": "load", "evidence": "", "stem": "", "num_users": None,
        "rate": 0.0, "duration": 0.0,
        "iterations": 0, "earlier": "", "on_order": False, "expect_workers_max_wait": 0,
        "expect_workers": 1,
    }  # fmt: skip
    return Namespace(**{**given, **more})
