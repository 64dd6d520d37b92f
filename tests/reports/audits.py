"""A good audit, and ways to spoil it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from checks.audit import CLEAN, EXPECTATIONS, Audit, AuditedRun, Expectation
from checks.result import Code
from checks.verdict import Verdict

_FAULTS = EXPECTATIONS[:26]  # so that a further fault changes no golden file
STARTED_AT = datetime(2026, 11, 22, 17, 50, tzinfo=UTC)
SENTENCE = "Lose one use in a hundred: commit it, and do not count it."
EXPLANATION = (
    "usage cards_used: service 98, prometheus 98, database 101 voice: service and prometheus "
    "stand 3 below, and the database agrees with the client: the counter missed what was done."
)


def audited(expected: Expectation, place: int, **changes: Any) -> AuditedRun:
    """Make a run that came to what it must."""
    name = expected.name
    good = AuditedRun(
        fault=expected.fault,
        sentence=SENTENCE if expected.fault else "",
        expected=expected,
        verdict=expected.verdict,
        findings=expected.findings,
        explanation=EXPLANATION if expected.fault else "",
        errors=(),
        duration_s=12.3456 + place / 7,
        folder=f"{place:02}-{name}/20261122-175000-7f3a",
    )
    return replace(good, **changes)


def good_audit(**changes: Any) -> Audit:
    """Make an audit in which every fault was caught."""
    clean = Expectation(CLEAN, Verdict.PASS, {})
    planned = [clean, *_FAULTS[:13], clean, *_FAULTS[13:], clean]
    good = Audit(
        started_at=STARTED_AT,
        finished_at=STARTED_AT + timedelta(minutes=6, seconds=12, milliseconds=300),
        runs=tuple(audited(each, place) for place, each in enumerate(planned, 1)),
        planned=len(planned),
        versions={"trial-balance": "0.1.0", "python": "3.11.7"},
        repeat="./run.py audit",
    )
    return replace(good, **changes)


def failing_audit() -> Audit:
    """Make an audit with every kind of error, and one run without a result."""
    runs = list(good_audit().runs)
    spoiled = {"usage/sessions": Code.MISMATCH}
    runs[0] = replace(
        runs[0], verdict=Verdict.FAIL, findings=spoiled, explanation=EXPLANATION,
        errors=("the verdict is fail, not pass", "usage/sessions did not pass"),
    )  # fmt: skip
    error = "the run ended with exit code -9 and without a result"
    runs[5] = replace(runs[5], verdict=None, findings={}, explanation="", errors=(error,),
                      folder="06-wrong-label-value")  # fmt: skip
    found = dict.fromkeys(list(runs[8].findings)[1:]) | spoiled
    runs[8] = replace(
        runs[8], findings=found,
        errors=("usage/cards_used passed", "usage/sessions did not pass",
                  "no explanation has 'database stands'"),
    )  # fmt: skip
    return good_audit(runs=tuple(runs))


def unfinished_audit(made: int = 3) -> Audit:
    """Make an audit that was interrupted after some runs."""
    good = good_audit()
    return replace(good, runs=good.runs[:made], finished_at=STARTED_AT + timedelta(seconds=41.6))


def attacked_audit(text: str) -> Audit:
    """Put a text wherever one can come from outside."""
    base = failing_audit()
    runs = tuple(
        replace(each, fault=text, expected=replace(each.expected, fault=text), sentence=text,
                findings={text: None, f"{text}2": Code.LATE}, explanation=text,
                errors=(text, text), folder=text)
        for each in base.runs
    )  # fmt: skip
    return replace(base, runs=runs, versions={text: text}, repeat=text)


def crowded_audit(findings: int = 1000, runs: int = 300) -> Audit:
    """Give every run many findings and errors, and add runs; the one missed comes last."""
    found: dict[str, Code | None] = {f"usage/{place}": Code.LOST_ROW for place in range(findings)}
    expected = Expectation("crowded", Verdict.FAIL, found)
    crowd = [audited(expected, place) for place in range(runs)]
    errors = tuple(f"{name} passed" for name in found)
    last = audited(replace(expected, fault="the last"), runs, findings={}, errors=errors)
    return good_audit(runs=(*crowd, last), planned=runs + 1)
