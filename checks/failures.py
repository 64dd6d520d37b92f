"""Group the exchanges that failed, with one of each group to repeat."""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from checks.case import Case
from checks.result import Failure
from config.headers import override
from scenarios.evidence.exchange import Outcome
from scenarios.evidence.exchanges import Exchanges
from scenarios.evidence.recording import Recording
from scenarios.evidence.trace_ids import trace_value_of

_MOST_GROUPS = 50

Key = tuple[str, Outcome, str]


def failures_of(case: Case) -> tuple[Failure, ...]:
    """Group the exchanges that were not ok by step, outcome and reason, most frequent first."""
    groups: dict[Key, list[_Group]] = {}
    for recording in case.recordings:
        failed = recording.exchanges[~recording.exchanges.ok]
        rows = failed.rows[["step", "outcome", "reason"]]
        _, first, which = np.unique(rows, return_index=True, return_inverse=True)
        # np.unique sorts by value; equally frequent groups stay in the order of their first one.
        for number in np.argsort(first):
            of_group = failed[which == number]
            one = of_group.first()
            key = one.step, one.outcome, one.reason
            groups.setdefault(key, []).append(_Group(recording, of_group))
    ranked = sorted(groups.items(), key=lambda each: -sum(len(one.exchanges) for one in each[1]))
    return tuple(_failure(case, *each) for each in ranked[:_MOST_GROUPS])


@dataclass(frozen=True)
class _Group:
    """Exchanges of one generator that failed alike."""

    recording: Recording
    exchanges: Exchanges

    def at(self, instant: str) -> datetime:
        """Return when the first or the last of them was sent."""
        sent_s = self.exchanges.column("sent_s")
        at_s = float(sent_s.min() if instant == "first" else sent_s.max())
        return datetime.fromtimestamp(self.recording.start.anchor_at + at_s, UTC)


def _failure(case: Case, key: Key, groups: list[_Group]) -> Failure:
    first = groups[0]
    one = first.exchanges.first()
    trace = case.trace_ids.shown(one.generator, one.sequence)
    value = trace_value_of(case.run.trace_header)(case.run.run_id, one.generator, one.sequence)
    detail = first.recording.details.get(one.sequence, {})
    step, outcome, reason = key
    return Failure(
        step=step,
        outcome=outcome,
        reason=reason,
        count=sum(len(each.exchanges) for each in groups),
        first_at=min(each.at("first") for each in groups),
        last_at=max(each.at("last") for each in groups),
        trace_id=trace,
        repeat=_curl(case, step, detail, value),
        answer_head=detail.get("answer_head", ""),
    )


def _headers(case: Case, step: str) -> Mapping[str, str]:
    """Return the headers of a step's requests that are those of its service."""
    found = next((each for each in case.scenario.steps if each.step == step), None)
    headers = case.run.headers.get(found.request_parts()[1], {}) if found else {}
    # the type is that of the body, and noted with it
    own = {**dict.fromkeys(found.headers if found else ()), "Content-Type": None}
    return override(headers, own)


def _curl(case: Case, step: str, request: Mapping[str, Any], trace: str) -> str:
    """Write one curl command; a header whose value may be a secret stands as a variable."""
    if "url" not in request:
        return ""
    header = f"{case.run.trace_header}: {trace}"
    plain = ["curl", "-sS", "-X", request["method"], request["url"], "-H", header]
    arguments = [shlex.quote(word) for word in plain]
    for name, value in _headers(case, step).items():
        header = f"{name}: {value}"
        quoted = shlex.quote(header)
        if "${" in header:
            # In double quotes the shell expands ${VARIABLE}, which stands for a secret, only.
            quoted = '"' + re.sub(r'(["`\\]|\$(?!\{))', r"\\\1", header) + '"'
        arguments += ["-H", quoted]
    if request.get("body") is not None:
        if content_type := request.get("content_type"):
            arguments += ["-H", shlex.quote(f"Content-Type: {content_type}")]
        # unlike -d, it reads no file where a body begins with @
        arguments += ["--data-raw", shlex.quote(request["body"])]
    return " ".join(arguments)
