"""Sort the response times of a step by what they prove: served, timed out, or failed.

A refusal within a millisecond would flatter every percentile, and a timeout that is left out would,
too. So each exchange belongs to one of three groups:

    served      ├──●                 the expected response: its time is exact
    timed out   ├────────────▶       no response in time: it would have taken at least as long
    failed      ├✕                   any other response, or a connection that broke: of what was
                                     served it proves nothing; over a limit, it counts as over it
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from checks.case import Case, DrivenProfile
from scenarios.evidence.exchange import Mark
from scenarios.evidence.exchanges import Column, Exchanges
from scenarios.language.blocks import placed_steps
from scenarios.language.model import ITERATION, iteration_of
from scenarios.language.steps import Step

# A timer may fire a little early by another clock.
_OF_TIMEOUT_RATIO = 0.99


@dataclass(frozen=True, slots=True, eq=False)
class Timings:
    """Response times of one step in seconds, by group.

    Those of `timed_out_s` are lower bounds; the end of the load cuts off a response like a timeout.
    """

    served_s: Column
    timed_out_s: Column
    failed_s: Column

    def __len__(self) -> int:
        """Return the number of values that a percentile is computed from."""
        return len(self.served_s) + len(self.timed_out_s)

    def judged_by(self, limit_s: float) -> "Timings":
        """Return the values to judge a limit by: a failure only counts if it was slower."""
        slow_s = self.failed_s[self.failed_s > limit_s]
        return Timings(np.concatenate([self.served_s, slow_s]), self.timed_out_s, _NONE)


_NONE: Column = np.empty(0)
NO_TIMINGS = Timings(_NONE, _NONE, _NONE)


@dataclass(frozen=True, slots=True, eq=False)
class _Durations:
    """Durations of one generator, when each was due (seconds since the epoch), and its group."""

    times_s: Column
    due_at: Column
    served: Column
    failed: Column


def timings_by_step(case: Case, driven: DrivenProfile) -> dict[str, Timings]:
    """Return every response time by step, and of whole iterations, in the scenario's order."""
    return {
        step: _joined(
            Timings(
                each.times_s[each.served],
                each.times_s[~each.served & ~each.failed],
                each.times_s[each.failed],
            )
            for each in parts
        )
        for step, parts in _durations(case, driven)
    }


def due_order_by_step(case: Case, driven: DrivenProfile) -> dict[str, Column]:
    """Return what was served or timed out by step, in the order in which it was due."""
    ordered = {}
    for step, parts in _durations(case, driven):
        judged = [each.served | ~each.failed for each in parts]
        times_s, due_at = (
            np.concatenate([_NONE, *(column[mask] for column, mask in zip(columns, judged,
                                                                          strict=True))])
            for columns in ([each.times_s for each in parts], [each.due_at for each in parts])
        )  # fmt: skip
        ordered[step] = times_s[np.argsort(due_at, kind="stable")]
    return ordered


def _durations(case: Case, driven: DrivenProfile) -> Iterator[tuple[str, list[_Durations]]]:
    flow = case.scenario.flow_steps
    anchors = [each.start.anchor_at for each in driven.recordings]
    generators = list(zip(driven.measured, anchors, strict=True))
    for step in flow:
        parts = [(each.of_step(step.step), anchor_at) for each, anchor_at in generators]
        yield (step.step, [
            _Durations(each.response_s, anchor_at + each.column("due_s"), each.ok,
                       _failed(each, step.timeout))
            for each, anchor_at in parts
        ])  # fmt: skip
        if step.wait:
            yield step.wait, [_of_waits(*part, step.timeout) for part in parts]
        if step.first_event and step.longest_gap:
            yield step.first_event, [_of_first_events(*part, step.timeout) for part in parts]
            yield step.longest_gap, [_of_longest_gaps(*part, step.timeout) for part in parts]
    for name, shared in case.scenario.flows.items():
        steps = [step.step for _, step in placed_steps(shared.steps, ())]
        yield (
            iteration_of(name),
            [
                _of_iterations(each.begun_with(steps), anchor_at, flow)
                for each, anchor_at in generators
            ],
        )
    yield ITERATION, [_of_iterations(*each, flow) for each in generators]


def _of_waits(polls: Exchanges, anchor_at: float, timeout_s: float) -> _Durations:
    """Group the polls of a step into waits; one that nothing ended was cut off."""
    order = np.argsort(polls.column("iteration"), kind="stable")
    number, due_s, done_s = (polls.column(name)[order] for name in ("iteration", "due_s", "done_s"))
    is_ok, is_over = polls.ok[order], (polls.column("marks") & Mark.WAIT != 0)[order]
    ends = np.flatnonzero(is_over | ~is_ok | (np.diff(number, append=0) != 0))
    starts = np.append(0, ends + 1)[: len(ends)]
    failed = _failed(polls, timeout_s)[order] & ~is_over
    return _Durations(
        done_s[ends] - due_s[starts], anchor_at + due_s[starts], (is_ok & is_over)[ends],
        failed[ends],
    )  # fmt: skip


def _of_first_events(streams: Exchanges, anchor_at: float, timeout_s: float) -> _Durations:
    """Return the times from due to the first event; without one, of those that failed.

    Nothing is known of one that the end of the load cut off.
    """
    rows, due_s, sent_s = streams.stream_rows(), *map(streams.column, ("due_s", "sent_s"))
    has_event = rows["events"] > 0
    times_s = np.where(has_event, sent_s - due_s + rows["first_s"], streams.response_s)
    served = has_event & streams.ok
    failed = ~served & (has_event | _failed(streams, timeout_s))
    kept = has_event | ~(streams.ok | streams.cut_off)
    return _Durations(*(each[kept] for each in (times_s, anchor_at + due_s, served, failed)))


def _of_longest_gaps(streams: Exchanges, anchor_at: float, timeout_s: float) -> _Durations:
    """Return the longest gap of each stream that has one; that of a timeout is a lower bound."""
    rows, failed = streams.stream_rows(), _failed(streams, timeout_s)
    kept = (rows["end"] != 0) & (rows["longest_gap_s"] >= 0)
    columns = rows["longest_gap_s"], anchor_at + streams.column("due_s"), streams.ok, failed
    return _Durations(*(each[kept] for each in columns))


def _of_iterations(exchanges: Exchanges, anchor_at: float, flow: Sequence[Step]) -> _Durations:
    """Group iterations by the exchange that ended them; one that nothing ended was cut off."""
    failed = np.zeros(len(exchanges), bool)
    for number, name in enumerate(exchanges.steps):
        timeout_s = next((step.timeout for step in flow if step.step == name), 0.0)
        failed |= (exchanges.column("step") == number) & _failed(exchanges, timeout_s)
    iterations = exchanges.iterations
    return _Durations(
        iterations.done_s - iterations.due_s, anchor_at + iterations.due_s,
        iterations.is_complete, iterations.any_of(failed),
    )  # fmt: skip


def _failed(exchanges: Exchanges, timeout_s: float) -> Column:
    """Return a mask of the exchanges that failed before their timeout."""
    lasted_s = exchanges.column("done_s") - exchanges.column("sent_s")
    mask: Column = ~exchanges.ok & ~exchanges.cut_off & (lasted_s < timeout_s * _OF_TIMEOUT_RATIO)
    return mask


def _joined(parts: Iterable[Timings]) -> Timings:
    """Put the timings of several generators together."""
    kept = [NO_TIMINGS, *parts]
    return Timings(
        np.concatenate([each.served_s for each in kept]),
        np.concatenate([each.timed_out_s for each in kept]),
        np.concatenate([each.failed_s for each in kept]),
    )
