"""View the failures: by step and reason, with samples of each."""

from dataclasses import dataclass

from checks.observations import FailureSample
from checks.result import Result
from reports import formatting as write

_WITH_EVERY_SAMPLE = 10  # of the groups; of each further one, the first sample only


@dataclass(frozen=True, slots=True)
class SampleRow:
    """One exchange that failed."""

    when: str
    outcome: str
    trace_id: str
    request: str
    response: str
    repeat: str


@dataclass(frozen=True, slots=True)
class FailureRow:
    """The exchanges of one step that failed for one reason."""

    step: str
    outcome: str
    reason: str
    count: str
    share: str
    first: str
    last: str
    samples: tuple[SampleRow, ...]


def failure_rows(result: Result) -> list[FailureRow]:
    """Return a row per step and reason, the most frequent first."""
    rows = []
    for place, failure in enumerate(result.failures):
        samples = failure.samples if place < _WITH_EVERY_SAMPLE else failure.samples[:1]
        rows.append(FailureRow(
            failure.step, failure.outcome, failure.reason, write.render_count(failure.count),
            write.render_share(failure.count, failure.step_count),
            write.render_utc(failure.first_at), write.render_utc(failure.last_at),
            tuple(map(_sample, samples)),
        ))  # fmt: skip
    return rows


def _sample(sample: FailureSample) -> SampleRow:
    status = "no response" if sample.status is None else f"status {sample.status}"
    return SampleRow(
        when=write.render_instant(sample.sent_at),
        outcome=f"{status} after {write.render_seconds(sample.duration_s)}",
        trace_id=sample.trace_id,
        request=sample.request,
        response=sample.response_snippet,
        repeat=sample.repeat,
    )
