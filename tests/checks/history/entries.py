"""Runs as the history remembers them: one that passed, and ways to change it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from checks.history.baseline import Conditions
from checks.history.entry import Entry, StepEntry, UsageEntry
from checks.verdict import Verdict

FIRST_AT = datetime(2026, 10, 1, 3, 0, tzinfo=UTC)
HERE = "x86_64, 2 cores, A Processor"
SAME = Conditions(HERE, "51d0" * 16)
STEPS = ("open", "use", "iteration")


def step_entry(p95_s: float, **changes: Any) -> StepEntry:
    good = StepEntry(100, p95_s * 0.6, p95_s, p95_s * 0.96, p95_s * 1.05, p95_s * 1.2)
    return replace(good, **changes)


def entry(number: int = 1, p95_s: float = 0.2, **changes: Any) -> Entry:
    """Make the run of one night, on which all checks passed."""
    started_at = FIRST_AT + timedelta(days=number)
    good = Entry(
        run_id=f"{started_at:%Y%m%d-%H%M%S}-0000",
        started_at=started_at,
        finished_at=started_at + timedelta(seconds=20),
        environment="test",
        scenario="shop",
        scenario_sha256="51d0" * 16,
        profile="load",
        verdict=Verdict.PASS,
        fault=None,
        partial=False,
        machine=HERE,
        checks={"success rate": Verdict.PASS, "usage/uses": Verdict.PASS},
        latency={step: step_entry(p95_s) for step in STEPS},
        completed=4,
        scheduled=4,
        usage=UsageEntry(3, 0, 0),
    )
    return replace(good, **changes)


def nights(*p95s_s: float, **changes: Any) -> tuple[Entry, ...]:
    """Make a run a night, oldest first."""
    return tuple(entry(number, p95_s, **changes) for number, p95_s in enumerate(p95s_s, start=1))
