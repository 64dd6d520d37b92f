"""Put what decided a run into one sentence with one set of numbers."""

from collections.abc import Callable, Mapping
from datetime import datetime

from checks.balance.sentences import row_sentences
from checks.latency import objective_id
from checks.result import (
    NOT_SATURATED,
    Code,
    Finding,
    Kind,
    RecordGap,
    Result,
    UsageRow,
    finding_id,
)
from checks.verdict import Verdict
from checks.wording import capitalized, listed, shortened
from reports import formatting as write
from scenarios.language.model import ITERATION
from scenarios.language.objectives import percentile_name
from witnesses.figure import Amount
from witnesses.prometheus.reading import NAME as PROMETHEUS

MOST_CHARACTERS = 180  # two lines of the page at 1280 px, with how many more checks fail
_MOST_NAME = 40

# Why these rows fail is not by how much a witness stands apart.
_NOT_BY_DISTANCE = (Code.WRONG_LABEL, Code.UNBOUNDED_LABEL, Code.LATE, Code.MISMATCH, Code.NOT_DONE)


def deciding_sentence(result: Result, finding: Finding) -> str:
    """State what a finding that does not pass found, for a person who does not know the checks."""
    say = _SAY.get(finding.kind) if finding.verdict is Verdict.FAIL else None
    sentence = (say(result, finding) if say else "") or _plain(finding)
    # which a reader of such a run would ask next
    sentence += " Counts are not affected." if finding.id == NOT_SATURATED else ""
    return shortened(write.clean(sentence), MOST_CHARACTERS)


def _plain(finding: Finding) -> str:
    """Return the reason, as in `use: status 503, expected 200 (12 of 100)`, or else the outcome."""
    if finding.id == NOT_SATURATED and finding.reason:
        return f"{capitalized(finding.reason)}."
    if finding.reason:
        return f"{finding.reason}."
    expected, observed, title = (
        shortened(write.clean(text), most)
        for text, most in ((finding.expected, 60), (finding.observed, 80), (finding.title, 60))
    )
    return f"{title}: expected {expected}, observed {observed}. {finding.detail}".strip()


def _failed(result: Result, finding: Finding) -> str:
    """Add to the reason when it was: `use: status 503, expected 200 (4 of 9), from … to … UTC.`."""
    # of several phases, only the failures of a step are known to be those of the reason
    is_only = finding.kind is Kind.SUCCESS and len(result.phases) == 1
    for each in result.failures:
        if finding.reason and (is_only or finding.id == finding_id("flow", each.step)):
            return f"{finding.reason}, {_period(each.first_at, each.last_at)}."
    return ""


def _period(first_at: datetime, last_at: datetime) -> str:
    first, last = (f"{each:%H:%M:%S}" for each in (first_at, last_at))
    return f"at {first} UTC" if first == last else f"from {first} to {last} UTC"


def _usage(result: Result, finding: Finding) -> str:
    """Name who stands how far from the client, in the row that is furthest from it."""
    rows = [
        row
        for row in result.usage
        if row.verdict is Verdict.FAIL and finding_id("usage", row.quantity) == finding.id
    ]
    if not rows:
        return f"{finding.title}: {finding.detail}" if finding.detail else ""
    row = max(rows, key=lambda each: _size(each.worst_distance or 0))
    if row.code is Code.COUNTED_THOUGH_REJECTED and row.records:
        return _rejected(row, row.records, _steps(result, row.quantity))
    if row.worst_distance and row.code not in _NOT_BY_DISTANCE:
        return _apart(row, row.worst_distance, _steps(result, row.quantity))
    return f"{_named(row)}: {' '.join(row_sentences(row))}"


def _rejected(row: UsageRow, gap: RecordGap, steps: str) -> str:
    """As in `1 request was rejected and counted all the same: 7 tokens done, trace id …-4.`."""
    were = "request was" if gap.rejected == 1 else "requests were"
    done = write.render_range(row.client.confirmed, row.client.most)
    first = f", {'' if gap.rejected == 1 else 'first '}trace id {gap.rejected_ids[0]}"
    return (f"{write.render_count(gap.rejected)} {were} rejected{steps} and counted all the same: "
            f"{_named(row)}, {done} done{first}.")  # fmt: skip


def _apart(row: UsageRow, distance: Amount, steps: str) -> str:
    """As in `The database cards is 7 requests short in step ask: 93 of 100 counted.`."""
    apart = [name for name, each in row.figures.items() if row.client.distance_to(each) == distance]
    verb = "is" if len(apart) == 1 else "are"
    figure = row.figures[apart[0]]
    counted = write.render_count(figure.high if distance < 0 else figure.low)
    done = write.render_range(row.client.confirmed, row.client.most)
    by = "short" if distance < 0 else "too many"
    who = listed([_witness(name) for name in apart])
    size = write.render_count(_size(distance))
    since = f"; Prometheus differs since {row.since:%H:%M:%S} UTC" if row.since else ""
    gap = row.records if row.code is Code.LOST_ROW else None
    lost_at = gap.first_missing_at if gap else None
    since += f"; the first was sent at {lost_at:%H:%M:%S} UTC" if lost_at else ""
    return (f"{capitalized(who)} {verb} {size} {_named(row)} "
            f"{by}{steps}: {counted} counted, {done} done{since}.")  # fmt: skip


def _size(distance: Amount) -> Amount:
    return -distance if distance < 0 else distance


def _named(row: UsageRow) -> str:
    quantity = write.one_line(row.quantity, _MOST_NAME)
    labels = shortened(", ".join(row.labels.values()), _MOST_NAME)
    return f"{quantity} ({labels})" if labels else quantity


def _witness(name: str) -> str:
    """Name a witness for people.

    >>> [_witness(name) for name in ("service", "prometheus", "database:cards", "api:invoices")]
    ['the service', 'Prometheus', 'the database cards', 'the API invoices']
    """
    kind, _, store = name.partition(":")
    if kind == PROMETHEUS:
        return "Prometheus"
    return f"the {'API' if kind == 'api' else kind} {store}".strip()


def _steps(result: Result, quantity: str) -> str:
    """Name the step that moves a quantity; of several, it is not known which moved a row."""
    steps = next((each.steps for each in result.origins if each.quantity == quantity), ())
    return f" in step {write.one_line(steps[0], _MOST_NAME)}" if len(steps) == 1 else ""


def _slow(result: Result, finding: Finding) -> str:
    """Name the percentile, its limit, and how many took longer."""
    for row in result.latency:
        for each in row.objectives:
            if objective_id(row.step, each.percentile) == finding.id:
                step = write.one_line(row.step, _MOST_NAME)
                of = "the whole iteration" if row.step == ITERATION else f"step {step}"
                measured = write.render_seconds(each.measured_s, each.limit_s)
                return (f"The {percentile_name(each.percentile)} of {of} is {measured}, "
                        f"and the limit is {write.render_limit(each.limit_s)}: "
                        f"{write.render_range(each.over_low, each.over_high)} of "
                        f"{write.render_count(each.count)} took longer.")  # fmt: skip
    return ""


def _down(result: Result, finding: Finding) -> str:
    """Name the service that was down, and what its objective allows."""
    rows = (each for each in result.availability
            if finding_id("availability", each.service) == finding.id)  # fmt: skip
    return next((
        f"{write.one_line(each.service, _MOST_NAME)} was down for "
        f"{write.render_seconds(each.down_s, each.budget_s)}, and the objective of "
        f"{write.render_percentage(each.objective_ratio)} allows "
        f"{write.render_seconds(each.budget_s)}."
        for each in rows), "")  # fmt: skip


_SAY: Mapping[Kind, Callable[[Result, Finding], str]] = {
    Kind.FLOW: _failed,
    Kind.SUCCESS: _failed,
    Kind.USAGE: _usage,
    Kind.LATENCY: _slow,
    Kind.AVAILABILITY: _down,
}
