"""Compute the share of each step's requests within its limit, at the client and at its service.

    client   due ├──── lag ──── network ──┤ handler ├── network ────┤ done
    service                               ├─────────┤

What the client saw and the service did not is network, a queue before the handler, or the load
generator. Both sides are of the whole run, since pages are scraped before it and after it.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from checks.case import Case
from scenarios.evidence.exchanges import Column
from scenarios.language.steps import Step
from witnesses.service.durations import DurationSeries, read_durations

_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"))
_PLACEHOLDER = re.compile(r"\{\{.*?\}\}")
_ANY = "\0"
_VARIABLE = re.compile(r"\{.*\}|<.*>|:.+|\*+|\$\w+")

_Score = tuple[bool, int]


@dataclass(frozen=True, slots=True)
class StepShares:
    """One step: the ratios within the limit, the service's as a range, and of how many requests.

    The range is a point where the histogram has an edge at the limit.
    """

    step: str
    limit_s: float
    client_ratio: float
    client_count: int
    server_ratios: tuple[float, float]
    server_count: int
    metric: str


def shares_of(case: Case, limits_s: Mapping[str, float]) -> list[StepShares]:
    """Return the shares of each step that has a limit and that its service timed by itself.

    Steps that share a series are left out: the service does not tell them apart.
    """
    durations, found = read_durations(case.services), dict[str, list[DurationSeries]]()
    sent_s = {step.step: _response_times(case, step.step) for step in case.scenario.steps}
    for step in case.scenario.steps:
        found[step.step] = _series_of(case, step, durations, len(sent_s[step.step]))
    users = Counter(id(each) for series in found.values() for each in series)
    return [
        _shares(step, limits_s[step], sent_s[step], series)
        for step, series in found.items()
        if step in limits_s and series and len(sent_s[step])
        and not any(users[id(each)] > 1 for each in series)
    ]  # fmt: skip


def _response_times(case: Case, step: str) -> Column:
    """Return the response times of all requests of a step that were sent, in the whole run."""
    times_s = [
        each.response_s[each.sent]
        for each in (recording.exchanges.of_step(step) for recording in case.recordings)
    ]
    return np.concatenate([np.empty(0), *times_s])


def _shares(
    step: str, limit_s: float, times_s: Column, series: Sequence[DurationSeries]
) -> StepShares:
    count = sum(each.count for each in series)
    bounds = [each.within(limit_s) for each in series]
    low, high = (sum(each) / count for each in zip(*bounds, strict=True))
    ratio = float(np.count_nonzero(times_s <= limit_s)) / len(times_s)
    return StepShares(
        step, limit_s, ratio, len(times_s), (low, high), round(count), series[0].metric
    )


def _series_of(
    case: Case, step: Step, durations: Iterable[DurationSeries], sent: int
) -> list[DurationSeries]:
    """Return the series that timed a step; of several metrics, the one that counts most alike."""
    method, service, path = step.request_parts()
    of_metric: dict[str, list[DurationSeries]] = {}
    for each in durations:
        if each.service == service and _method_of(each) in ("", method.upper()):
            of_metric.setdefault(each.metric, []).append(each)
    is_only = sum(other.request_parts()[1] == service for other in case.scenario.steps) == 1
    found = [
        _of_path(path, series) or (_of_run(case, series, sent) if is_only else [])
        for _, series in sorted(of_metric.items())
    ]
    return min(filter(None, found), key=lambda each: abs(_count(each) - sent), default=[])


def _of_path(path: str, series: Iterable[DurationSeries]) -> list[DurationSeries]:
    """Return the series of the route that a path fits best."""
    scored: dict[_Score, list[DurationSeries]] = {}
    for each in series:
        if score := max(filter(None, (route_score(value, path) for value in _routes(each))),
                        default=None):  # fmt: skip
            scored.setdefault(score, []).append(each)
    return scored[max(scored)] if scored else []


def _of_run(case: Case, series: Sequence[DurationSeries], sent: int) -> list[DurationSeries]:
    """Return the series without a route, if they timed as many requests as the only step sent."""
    tenant = case.run.tenant
    own = [each for each in series if tenant in each.labels.values()]
    chosen = [each for each in own or series if not any(_routes(each))]
    return chosen if _count(chosen) == sent else []


def _count(series: Iterable[DurationSeries]) -> float:
    return sum(each.count for each in series)


def _method_of(series: DurationSeries) -> str:
    values = (value.upper() for value in series.labels.values())
    return next((value for value in values if value in _METHODS), "")


def _routes(series: DurationSeries) -> Iterator[str]:
    return (value for value in series.labels.values() if value.startswith("/"))


def route_score(route: str, path: str) -> _Score | None:
    """Return how well a path (a template) fits a route, or None: more is better.

    A service may show a route without the prefix under which it is mounted, and vice versa.

    >>> route_score("/users/{id}", "/users/{{ user }}"), route_score("/users/me", "/users/7")
    ((True, 2), None)
    >>> route_score("/batch", "/api/v1/cards/batch?limit=3")
    (False, 1)
    """
    segments = _PLACEHOLDER.sub(_ANY, path).split("?")[0].strip("/").split("/")
    shown = route.strip("/").split("/")
    shorter = min(len(shown), len(segments))
    pairs = list(zip(shown[-shorter:], segments[-shorter:], strict=True))
    fits = [_fits(*pair) for pair in pairs]
    is_whole = len(shown) == len(segments)
    score = sum(name == value or (_ANY in value and bool(_VARIABLE.fullmatch(name)))
                for name, value in pairs)  # fmt: skip
    # of a part, the last segment at least must be the same word
    return (is_whole, score) if all(fits) and (is_whole or pairs[-1][0] == pairs[-1][1]) else None


def _fits(name: str, value: str) -> bool:
    return name == value or _ANY in value or bool(_VARIABLE.fullmatch(name))
