"""For how long was each service there, and what is left of the budget for errors?

Time is counted, not probes, since those come faster while a service is away. Between a probe that
was answered and one that was not lies an edge: when exactly it changed is not known, so the time
away lies between two bounds.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from checks.case import Case
from checks.result import AvailabilityRow, Finding, Incident, Judgement, Kind
from checks.verdict import Verdict
from scenarios.driver.probes import TIMEOUT_S, Probe, probes_path, read_probes
from scenarios.evidence.run_folder import Watch

_APART = 3.0
_MOST_TOLD = 3


@dataclass(frozen=True, slots=True)
class Outage:
    """A time without a good answer, in epoch seconds: it began and ended within two edges each.

    `ended` is None while it lasts.
    """

    began: tuple[float, float]
    ended: tuple[float, float] | None
    trouble: str
    failed: int


@dataclass(frozen=True, slots=True)
class Observed:
    """What probes show of a span of time. All in seconds, which add up to the span.

    In `edge_s` it changed at an unknown moment; in `unseen_s` nobody looked.
    """

    up_s: float
    down_s: float
    edge_s: float
    unseen_s: float
    outages: tuple[Outage, ...]

    @property
    def whole_s(self) -> float:
        """The length of the span."""
        return self.up_s + self.down_s + self.edge_s + self.unseen_s

    @property
    def ratio(self) -> float | None:
        """The share of the time seen in which it was there, an edge counted half; or None."""
        seen_s = self.whole_s - self.unseen_s
        return (self.up_s + self.edge_s / 2) / seen_s if seen_s > 0 else None


def observe(probes: Sequence[Probe], begin: float, end: float, apart_s: float) -> Observed:
    """Reckon what probes (in order of time) show from `begin` to `end`, in epoch seconds.

    Of two further apart than `apart_s` nobody knows what was between them. A watch may go on for a
    moment after its end, until its last pass is over; what it sees then does not count.
    """
    probes = _within(probes, begin, end)
    up_s = down_s = edge_s = unseen_s = 0.0
    for since, until, before, after in _gaps(probes, begin, end):
        length_s = max(0.0, until - since)
        if length_s > apart_s or (before is None and after is None):
            unseen_s += length_s
        elif before is None or after is None or before == after:
            if before is False or after is False:
                down_s += length_s
            else:
                up_s += length_s
        else:
            edge_s += length_s
    down_s += sum(each.done_at - each.sent_at for each in probes if each.trouble)
    return Observed(up_s, down_s, edge_s, unseen_s, tuple(_outages(probes, apart_s)))


def _within(probes: Sequence[Probe], begin: float, end: float) -> list[Probe]:
    return [
        replace(each, done_at=min(each.done_at, end))
        for each in probes
        if begin <= each.sent_at < end
    ]


def _gaps(
    probes: Sequence[Probe], begin: float, end: float
) -> Iterator[tuple[float, float, bool | None, bool | None]]:
    """Yield each time between two probes, and whether it was there before and after it.

    A good answer shows the moment at which it came, a failure all the time that it took.
    """
    since, before = begin, None
    for each in probes:
        is_there = not each.trouble
        yield since, each.done_at if is_there else each.sent_at, before, is_there
        since, before = each.done_at, is_there
    yield since, end, before, None


def _outages(probes: Sequence[Probe], apart_s: float) -> Iterator[Outage]:
    """Yield each run of failures; a time without any probe ends one."""
    run: list[Probe] = []
    last: Probe | None = None
    for each in probes:
        if run and (not each.trouble or each.sent_at - run[-1].done_at > apart_s):
            yield _outage(run, last, each if not each.trouble else None, each.sent_at)
            last, run = run[-1], []
        if each.trouble:
            run.append(each)
        else:
            last = each
    if run:
        yield _outage(run, last, None, None)


def _outage(
    run: Sequence[Probe], before: Probe | None, after: Probe | None, next_at: float | None
) -> Outage:
    earliest = before.done_at if before else run[0].sent_at
    ended = (run[-1].done_at, after.done_at) if after else None
    if ended is None and next_at is not None:
        ended = (run[-1].done_at, next_at)
    return Outage((earliest, run[0].sent_at), ended, run[0].trouble, len(run))


def judge_availability(case: Case) -> Judgement:
    """Judge each service of a watch against its objective."""
    watch = case.run.watch
    if watch is None:
        return Judgement()
    probes = {
        name: read_probes(probes_path(case.folder.evidence, name)) for name in case.run.services
    }
    begin = case.run.started_at.timestamp()
    end = _end(case, probes.values())
    rows = tuple(_row(name, each, watch, begin, end) for name, each in probes.items())
    return Judgement(tuple(map(_finding, rows)), availability=rows)


def _end(case: Case, probes: Iterable[Sequence[Probe]]) -> float:
    """A watch that goes on is judged up to its last probe."""
    if case.run.finished_at:
        return case.run.finished_at.timestamp()
    begin = case.run.started_at.timestamp()
    return max((each[-1].done_at for each in probes if each), default=begin)


def _row(
    name: str, probes: Sequence[Probe], watch: Watch, begin: float, end: float
) -> AvailabilityRow:
    seen = observe(probes, begin, end, _APART * watch.every_s + 2 * TIMEOUT_S)
    whole_s = seen.whole_s
    budget_s = (1 - watch.objective) * whole_s
    most_s = seen.down_s + seen.edge_s + seen.unseen_s
    return AvailabilityRow(
        service=name,
        objective_ratio=watch.objective,
        ratio=seen.ratio,
        low_ratio=1 - most_s / whole_s if whole_s else None,
        high_ratio=1 - seen.down_s / whole_s if whole_s else None,
        watched_s=whole_s - seen.unseen_s,
        unwatched_s=seen.unseen_s,
        down_s=seen.down_s + seen.edge_s / 2,
        down_low_s=seen.down_s,
        down_high_s=seen.down_s + seen.edge_s,
        budget_s=budget_s,
        probes=len(probes),
        failed=sum(bool(each.trouble) for each in probes),
        incidents=tuple(map(_incident, seen.outages)),
        verdict=_verdict(seen, budget_s, most_s),
    )


def _verdict(seen: Observed, budget_s: float, most_s: float) -> Verdict:
    """Where the bounds lie on both sides of the budget, nobody knows."""
    if seen.ratio is None:
        return Verdict.INCONCLUSIVE
    if seen.down_s > budget_s:
        return Verdict.FAIL
    return Verdict.PASS if most_s <= budget_s else Verdict.INCONCLUSIVE


def _incident(outage: Outage) -> Incident:
    """Say an edge by its middle, and how far off that may be."""
    began, ended = outage.began, outage.ended
    off_s = (began[1] - began[0] + (ended[1] - ended[0] if ended else 0.0)) / 2
    began_at, ended_at = _middle(began), _middle(ended) if ended else None
    return Incident(
        began_at=datetime.fromtimestamp(began_at, UTC),
        ended_at=datetime.fromtimestamp(ended_at, UTC) if ended_at else None,
        lasted_s=ended_at - began_at if ended_at else None,
        uncertain_s=off_s,
        trouble=outage.trouble,
        failed=outage.failed,
    )


def _middle(edge: tuple[float, float]) -> float:
    return sum(edge) / 2


def _finding(row: AvailabilityRow) -> Finding:
    span = f"{row.watched_s + row.unwatched_s:,.0f} s"
    if row.ratio is None or row.low_ratio is None or row.high_ratio is None:
        observed = "it was not probed"
    else:
        shown = [percent(each, row.objective_ratio)
                 for each in (row.ratio, row.low_ratio, row.high_ratio)]  # fmt: skip
        observed = f"{shown[0]} ({shown[1]} to {shown[2]}), away for {row.down_s:,.3f} s"
    return Finding(
        check=f"availability of {row.service}",
        kind=Kind.AVAILABILITY,
        verdict=row.verdict,
        expected=f"at least {row.objective_ratio * 100:g} % of {span}",
        observed=observed,
        detail=" ".join(_told(row)),
    )


def _told(row: AvailabilityRow) -> Iterator[str]:
    left_s = row.budget_s - row.down_s
    spent = f"{left_s:,.3f} s are left" if left_s >= 0 else f"overspent by {-left_s:,.3f} s"
    yield f"Budget {row.budget_s:,.3f} s, used {row.down_s:,.3f} s: {spent}."
    if row.unwatched_s:
        yield f"Nobody looked for {row.unwatched_s:,.3f} s."
    for each in row.incidents[:_MOST_TOLD]:
        until = f"to {each.ended_at:%H:%M:%S}" if each.ended_at else "and since"
        yield f"From {each.began_at:%H:%M:%S} {until} UTC: {each.trouble}."
    more = len(row.incidents) - _MOST_TOLD
    if more > 0:
        yield f"{more:,} more incidents."


def percent(ratio: float, limit: float) -> str:
    """Write a share with as many digits as it takes to stand on its own side of a limit.

    >>> percent(0.99949, 0.9995), percent(0.95, 0.999)
    ('99.949 %', '95.00 %')
    """
    for digits in range(2, 15):
        shown = f"{ratio * 100:.{digits}f}"
        if (float(shown) < limit * 100) == (ratio < limit):
            return f"{shown} %"
    return f"{ratio * 100!r} %"
