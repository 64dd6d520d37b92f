"""Judge for how long each service was up, and what is left of its error budget.

Time is counted, not probes, since those come faster while a service is down. Between a probe that
succeeded and one that failed lies an edge: when exactly the state changed is not known, so the
downtime lies between two bounds.

    probes   ●────●────●──────✕──✕──✕──────●────●
             │   up    │ edge │ down │ edge │ up │
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from checks.case import Case
from checks.judgement import Judgement
from checks.precision import print_apart
from checks.result import Finding, Kind, finding_id
from checks.service_levels import AvailabilityRow, Incident
from checks.verdict import Verdict
from scenarios.evidence.probes import TIMEOUT_S, Probe, probes_path, read_probes
from scenarios.evidence.run_folder import Watch

# Times the pause between two probes, beside the timeouts of both: a longer gap was not observed.
_APART = 3.0
_MAX_INCIDENTS = 3


@dataclass(frozen=True, slots=True)
class Outage:
    """A time of failed probes, in epoch seconds: it began and ended within an edge each.

    `ended` is None while it lasts.
    """

    began: tuple[float, float]
    ended: tuple[float, float] | None
    error: str
    failed: int


@dataclass(frozen=True, slots=True)
class ObservedTime:
    """What probes show of a span of time. All in seconds, which add up to the span.

    In `edge_s` the state changed at an unknown moment; `unseen_s` was not probed.
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
        """The share of the time seen in which it was up, an edge counted half; or None."""
        seen_s = self.whole_s - self.unseen_s
        return (self.up_s + self.edge_s / 2) / seen_s if seen_s > 0 else None


def longest_gap_s(watch: Watch) -> float:
    """Return the longest time between two probes of which it is known what was between them."""
    return _APART * watch.every_s + 2 * TIMEOUT_S


def observe(probes: Sequence[Probe], begin: float, end: float, apart_s: float) -> ObservedTime:
    """Compute what probes (in order of time) show from `begin` to `end`, in epoch seconds.

    What was between two further apart than `apart_s` is not known. A watch may go on for a
    moment after its end, until its last pass is over; what it sees then does not count.
    """
    probes = [
        replace(each, done_at=min(each.done_at, end))
        for each in probes
        if begin <= each.sent_at < end
    ]
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
    down_s += sum(each.done_at - each.sent_at for each in probes if each.error)
    return ObservedTime(up_s, down_s, edge_s, unseen_s, tuple(_outages(probes, apart_s)))


def _gaps(
    probes: Sequence[Probe], begin: float, end: float
) -> Iterator[tuple[float, float, bool | None, bool | None]]:
    """Yield each time between two probes, and whether the service was up before and after it.

    A success shows the moment at which it came, a failure all of its duration.

        sent  done          sent     done     sent  done
         ├─────● up          ├─ failed ┤       ├─────● up
               └───── edge ──┘  (down) └─ edge ──────┘

    An edge is a gap between different states: half of it counts as up, and all of it widens the
    bounds.
    """
    since, before = begin, None
    for each in probes:
        is_up = not each.error
        yield since, each.done_at if is_up else each.sent_at, before, is_up
        since, before = each.done_at, is_up
    yield since, end, before, None


def _outages(probes: Sequence[Probe], apart_s: float) -> Iterator[Outage]:
    """Yield each run of failures; a time without any probe ends one."""
    run: list[Probe] = []
    last: Probe | None = None
    for each in probes:
        if run and (not each.error or each.sent_at - run[-1].done_at > apart_s):
            yield _outage(run, last, each if not each.error else None, each.sent_at)
            last, run = run[-1], []
        if each.error:
            run.append(each)
        else:
            last = each
    if run:
        yield _outage(run, last, None, None)


# A success shows the moment at which it came, a failure all of its duration:
#
#     up ●───────────├ failed ┤── … ──├ failed ┤───────────● up
#        └── began ──┘                         └── ended ──┘
#
# Where a failure follows a time without probes, the end is bounded by when that one was sent.
def _outage(
    run: Sequence[Probe], before: Probe | None, after: Probe | None, next_at: float | None
) -> Outage:
    earliest = before.done_at if before else run[0].sent_at
    ended = (run[-1].done_at, after.done_at) if after else None
    if ended is None and next_at is not None:
        ended = (run[-1].done_at, next_at)
    return Outage((earliest, run[0].sent_at), ended, run[0].error, len(run))


def judge_availability(case: Case) -> Judgement:
    """Judge each service of a watch against its objective."""
    watch = case.run.watch
    if watch is None:
        return Judgement()
    probes = {
        name: read_probes(probes_path(case.folder.evidence, name)) for name in case.run.services
    }
    begin = case.run.started_at.timestamp()
    # A watch that goes on is judged up to its last probe.
    end = max((each[-1].done_at for each in probes.values() if each), default=begin)
    if case.run.finished_at:
        end = case.run.finished_at.timestamp()
    rows = tuple(_row(name, each, watch, begin, end) for name, each in probes.items())
    return Judgement(tuple(map(_finding, rows)), availability=rows)


def _row(
    name: str, probes: Sequence[Probe], watch: Watch, begin: float, end: float
) -> AvailabilityRow:
    seen = observe(probes, begin, end, longest_gap_s(watch))
    whole_s = seen.whole_s
    budget_s = (1 - watch.objective) * whole_s
    most_s = seen.down_s + seen.edge_s + seen.unseen_s
    verdict = Verdict.INCONCLUSIVE  # where the bounds lie on different sides of the budget
    if seen.ratio is not None and seen.down_s > budget_s:
        verdict = Verdict.FAIL
    elif seen.ratio is not None and most_s <= budget_s:
        verdict = Verdict.PASS
    return AvailabilityRow(
        service=name, objective_ratio=watch.objective, ratio=seen.ratio,
        low_ratio=1 - most_s / whole_s if whole_s else None,
        high_ratio=1 - seen.down_s / whole_s if whole_s else None,
        watched_s=whole_s - seen.unseen_s, unwatched_s=seen.unseen_s,
        down_s=seen.down_s + seen.edge_s / 2,
        down_low_s=seen.down_s, down_high_s=seen.down_s + seen.edge_s, budget_s=budget_s,
        probes=len(probes), failed=sum(bool(each.error) for each in probes),
        incidents=tuple(map(_incident, seen.outages)),
        verdict=verdict,
    )  # fmt: skip


def _incident(outage: Outage) -> Incident:
    """Return an outage with each edge at its middle, and how far off that may be."""
    began, ended = outage.began, outage.ended
    uncertain_s = (began[1] - began[0] + (ended[1] - ended[0] if ended else 0.0)) / 2
    began_at, ended_at = _middle(began), _middle(ended) if ended else None
    return Incident(
        began_at=datetime.fromtimestamp(began_at, UTC),
        ended_at=datetime.fromtimestamp(ended_at, UTC) if ended_at else None,
        duration_s=ended_at - began_at if ended_at else None,
        uncertain_s=uncertain_s,
        error=outage.error,
        failed=outage.failed,
    )


def _middle(edge: tuple[float, float]) -> float:
    return sum(edge) / 2


def _finding(row: AvailabilityRow) -> Finding:
    span = f"{row.watched_s + row.unwatched_s:,.0f} s"
    if row.ratio is None or row.low_ratio is None or row.high_ratio is None:
        observed = "it was not probed"
    else:
        limit = row.objective_ratio * 100
        shown = [
            f"{print_apart(ratio * 100, 2, limit)} %"
            for ratio in (row.ratio, row.low_ratio, row.high_ratio)
        ]
        observed = f"{shown[0]} ({shown[1]} to {shown[2]}), down for {row.down_s:,.3f} s"
    return Finding(
        id=finding_id("availability", row.service),
        title=f"availability of {row.service}",
        kind=Kind.AVAILABILITY,
        verdict=row.verdict,
        expected=f"at least {row.objective_ratio * 100:g} % of {span}",
        observed=observed,
        detail=" ".join(_details(row)),
    )


def _details(row: AvailabilityRow) -> Iterator[str]:
    left_s = row.budget_s - row.down_s
    spent = f"{left_s:,.3f} s are left" if left_s >= 0 else f"overspent by {-left_s:,.3f} s"
    yield f"Budget {row.budget_s:,.3f} s, used {row.down_s:,.3f} s: {spent}."
    if row.unwatched_s:
        yield f"Not observed for {row.unwatched_s:,.3f} s."
    for each in row.incidents[:_MAX_INCIDENTS]:
        until = f"to {each.ended_at:%H:%M:%S}" if each.ended_at else "and since"
        yield f"From {each.began_at:%H:%M:%S} {until} UTC: {each.error}."
    more = len(row.incidents) - _MAX_INCIDENTS
    if more > 0:
        yield f"{more:,} more incidents."
