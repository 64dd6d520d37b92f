"""What went wrong on the wire, how often, and how can one repeat it?"""

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from checks.case import Case
from checks.result import Failure
from scenarios.exchange import Exchange, Outcome, trace_id

_MOST_GROUPS = 50


@dataclass(frozen=True)
class _Occurrence:
    exchange: Exchange
    at: datetime
    detail: Mapping[str, Any]


def failures_of(case: Case) -> tuple[Failure, ...]:
    """Group the exchanges that were not ok by step, outcome and reason, most frequent first."""
    groups: dict[tuple[str, str, str], list[_Occurrence]] = {}
    for occurrence in _occurrences(case):
        exchange = occurrence.exchange
        key = (exchange.step, exchange.outcome, exchange.reason)
        groups.setdefault(key, []).append(occurrence)
    ranked = sorted(groups.values(), key=len, reverse=True)[:_MOST_GROUPS]
    return tuple(_failure(case, group) for group in ranked)


def _occurrences(case: Case) -> Iterator[_Occurrence]:
    for driven in case.driven:
        for recording in driven.recordings:
            for exchange in recording.exchanges:
                if exchange.outcome is not Outcome.OK:
                    at = datetime.fromtimestamp(recording.start.anchor_at + exchange.sent_s, UTC)
                    detail = recording.details.get(exchange.sequence, {})
                    yield _Occurrence(exchange, at, detail)


def _failure(case: Case, group: list[_Occurrence]) -> Failure:
    one = group[0]
    trace = trace_id(case.run.run_id, one.exchange.generator, one.exchange.sequence)
    return Failure(
        step=one.exchange.step,
        outcome=one.exchange.outcome,
        reason=one.exchange.reason,
        count=len(group),
        first_at=min(each.at for each in group),
        last_at=max(each.at for each in group),
        trace_id=trace,
        repeat=_curl(case, one.detail, trace),
        answer_head=one.detail.get("answer_head", ""),
    )


def _curl(case: Case, detail: Mapping[str, Any], trace: str) -> str:
    """Write one curl command; a header whose value may be a secret stands as a variable."""
    if "url" not in detail:
        return ""
    plain = ["curl", "-sS", "-X", detail["method"], detail["url"], "-H", f"X-Trace-ID: {trace}"]
    words = [shlex.quote(word) for word in plain]
    for name, value in case.run.headers.items():
        words += ["-H", _with_variables(f"{name}: {value}")]
    if detail.get("body") is not None:
        body = shlex.quote(detail["body"])
        words += ["-H", shlex.quote("Content-Type: application/json"), "-d", body]
    return " ".join(words)


def _with_variables(header: str) -> str:
    """Quote a header, but let the shell put in a `${VARIABLE}` that stands for a secret."""
    if "${" not in header:
        return shlex.quote(header)
    return '"' + re.sub(r'(["`\\]|\$(?!\{))', r"\\\1", header) + '"'
