"""Group the exchanges that failed, with some of each group to look at and to repeat."""

import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from checks.case import Case
from checks.failure_reasons import FailureGroup, failure_groups, sent_at
from checks.observations import Failure, FailureSample
from config.headers import override
from config.shell import quote
from scenarios.evidence.exchange import Exchange
from scenarios.evidence.exchanges import CODES, Exchanges
from scenarios.evidence.recording import Recording
from scenarios.evidence.trace_ids import trace_value_of

_MOST_GROUPS = 50


def failures_of(case: Case) -> tuple[Failure, ...]:
    """Group the exchanges that were not ok by step, outcome and reason, most frequent first."""
    recordings = list(case.recordings)
    groups = failure_groups(recordings)[:_MOST_GROUPS]
    if not groups:
        return ()
    of_step: Counter[str] = Counter()
    for step, _, _, count in (each for one in recordings for each in one.exchanges.tally()):
        of_step[step] += count
    failed = [(each, each.exchanges[~each.exchanges.ok]) for each in recordings]
    return tuple(
        Failure(
            group.step, group.outcome, group.reason, group.count, of_step[group.step],
            group.first_at, group.last_at, _samples(case, group, failed),
        )
        for group in groups
    )  # fmt: skip


def _samples(
    case: Case, group: FailureGroup, failed: Sequence[tuple[Recording, Exchanges]]
) -> tuple[FailureSample, ...]:
    """Return the first, the middle and the last of a group, of those whose detail was kept."""
    samples = []
    for recording, exchanges in failed:
        alike = _of_group(exchanges, group)
        detailed = alike[np.isin(alike.sequence, list(recording.details))]
        chosen = _spread(detailed if len(detailed) else alike)
        samples += [_sample(case, recording, each) for each in chosen]
    kept = [each for each in samples if each.request] or samples
    kept.sort(key=lambda each: each.sent_at)
    return tuple(kept[place] for place in _places(len(kept)))


def _of_group(failed: Exchanges, group: FailureGroup) -> Exchanges:
    reasons = [number for number, name in enumerate(failed.groups) if name == group.group]
    is_alike = np.isin(failed.column("reason"), reasons)
    return failed[is_alike & (failed.column("outcome") == CODES[group.outcome])].of_step(group.step)


def _spread(exchanges: Exchanges) -> Iterator[Exchange]:
    """Yield the first, the middle and the last in the order in which they were sent."""
    order = np.argsort(exchanges.column("sent_s"), kind="stable")
    return iter(exchanges[order[_places(len(exchanges))]])


def _places(number: int) -> list[int]:
    """Return the places of the first, the middle and the last of a number.

    >>> _places(20), _places(2), _places(0)
    ([0, 10, 19], [0, 1], [])
    """
    return sorted({0, number // 2, number - 1}) if number else []


def _sample(case: Case, recording: Recording, exchange: Exchange) -> FailureSample:
    detail = recording.details.get(exchange.sequence, {})
    generator, sequence = exchange.generator, exchange.sequence
    value = trace_value_of(case.run.trace_header)(case.run.run_id, generator, sequence)
    return FailureSample(
        sent_at=sent_at(recording, exchange.sent_s),
        duration_s=exchange.done_s - exchange.sent_s,
        status=exchange.status,
        reason=exchange.reason,
        trace_id=case.trace_ids.shown(generator, sequence),
        request=f"{detail['method']} {detail['url']}" if detail.get("url") else "",
        response_snippet=detail.get("answer_head", ""),
        repeat=_curl(case, exchange.step, detail, value),
    )


def _headers(case: Case, step: str) -> Mapping[str, str]:
    """Return the headers of a step's requests that are those of its service."""
    found = next((each for each in case.scenario.steps if each.step == step), None)
    headers = case.run.headers.get(found.request_parts()[1], {}) if found else {}
    # the type is that of the body, and noted with it
    own = {**dict.fromkeys(found.headers if found else ()), "Content-Type": None}
    return override(headers, own)


def _curl(case: Case, step: str, request: Mapping[str, Any], trace: str) -> str:
    """Write one curl command; a header whose value may be a secret is a variable in it."""
    if "url" not in request:
        return ""
    header = f"{case.run.trace_header}: {trace}"
    plain = ["curl", "-sS", "-X", request["method"], request["url"], "-H", header]
    arguments = [shlex.quote(word) for word in plain]
    for name, value in _headers(case, step).items():
        arguments += ["-H", quote(f"{name}: {value}")]
    if request.get("body") is not None:
        if content_type := request.get("content_type"):
            arguments += ["-H", shlex.quote(f"Content-Type: {content_type}")]
        # unlike -d, it reads no file where a body begins with @
        arguments += ["--data-raw", shlex.quote(request["body"])]
    return " ".join(arguments)
