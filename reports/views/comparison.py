"""View a comparison: its headline, steps, findings, quantities, errors and settings."""

from collections.abc import Sequence
from dataclasses import dataclass

from checks.comparison import Change, Estimate, Measure, NotJudged, Outcome, StepComparison
from checks.differences import Comparison, Obstacle
from checks.history.entry import QuantityEntry
from checks.history.prediction import LEAST_OF_NOISE
from checks.verdict import Verdict
from reports import formatting as write
from scenarios.language.objectives import percentile_name

CAPTION = "Intervals have a confidence of 95 %"

_WORDS = {
    Verdict.FAIL: "Regression",
    Verdict.PASS: "No regression",
    Verdict.INCONCLUSIVE: "Not comparable",
}
_MEASURES = {Measure.SHIFT: "all values", Measure.P50: "p50", Measure.P95: "p95"}
_OUTCOMES = {
    Outcome.SLOWER: (Verdict.FAIL, "✕ slower"),
    Outcome.FASTER: (Verdict.PASS, "✓ faster"),
    Outcome.PERHAPS_SLOWER: (Verdict.INCONCLUSIVE, "? perhaps slower"),
    Outcome.PERHAPS_FASTER: (Verdict.PASS, "– perhaps faster"),
    Outcome.ALIKE: (Verdict.PASS, "✓ alike"),
    Outcome.UNPROVEN: (Verdict.PASS, "– not proven"),
}
_PROVES_NOTHING = (Outcome.UNPROVEN, Outcome.PERHAPS_FASTER)
_OBSTACLES = {
    Obstacle.OTHER_SCENARIO: "The runs have different scenarios.",
    Obstacle.OTHER_PROFILE: "The runs have different profiles, or other numbers of users or "
    "iterations.",
    Obstacle.NO_EXCHANGES: "A run has no exchange in its measured phase.",
    Obstacle.SATURATED: "The load generator of a run was saturated: its response times prove "
    "nothing.",
}
_NOT_MEASURED = (
    f"How much runs of one build differ here is not known, so that this proves nothing: make "
    f"{LEAST_OF_NOISE} or more runs before the last one (same machine and scenario file), compare "
    "with --last N, or give --run-noise."
)
_NOT_JUDGED = {
    NotJudged.NOT_IN_BOTH: "only one of the runs has this step",
    NotJudged.NO_VALUES: "nothing was served",
    NotJudged.TOO_FEW: "fewer than 60 values",
    NotJudged.TOO_FEW_RUNS: "fewer than 3 passing runs on this machine",
}


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One measure of one step: how it changed, and the probability that it is noise."""

    step: str
    measure: str
    change: str
    interval: str
    noise: str
    verdict: Verdict
    outcome: str
    tone: str  # a verdict, or neutral


@dataclass(frozen=True, slots=True)
class PercentileRow:
    """One percentile of one step in both runs, with intervals."""

    step: str
    percentile: str
    before: str
    before_interval: str
    after: str
    after_interval: str


@dataclass(frozen=True, slots=True)
class DifferenceRow:
    """Anything else that differs."""

    name: str
    before: str
    after: str
    verdict: Verdict = Verdict.PASS


def word(comparison: Comparison) -> str:
    """Return the outcome in a word or two."""
    is_perhaps = comparison.verdict is Verdict.INCONCLUSIVE and _assumed(comparison)
    return "Not proven" if is_perhaps else _WORDS[comparison.verdict]


def title(comparison: Comparison) -> str:
    """Name the runs."""
    before = comparison.before
    if len(before) == 1:
        return f"{comparison.after} against {before[0]}"
    return f"{comparison.after} against the last {write.render_number_of(len(before), 'run')}"


def sentences(comparison: Comparison) -> list[str]:
    """State what is proven, and what stands in the way."""
    regressed = [each.id for each in comparison.findings if each.is_regression]
    slower, faster = (_proven(comparison.steps, each) for each in (Outcome.SLOWER, Outcome.FASTER))
    sentences = [_OBSTACLES[each] for each in dict.fromkeys(comparison.obstacles)]
    sentences += [f"Slower: {'; '.join(slower)}."] if slower else []
    sentences += [f"Passed before and fails now: {', '.join(regressed)}."] if regressed else []
    sentences += [f"Faster: {'; '.join(faster)}."] if faster else []
    perhaps = _assumed(comparison)
    sentences += [f"Perhaps slower: {'; '.join(perhaps)}.", _NOT_MEASURED] if perhaps else []
    if not comparison.obstacles and not any(each.changes for each in comparison.steps):
        sentences.append("No step could be compared.")
    elif not slower and not comparison.obstacles:
        at_least = write.render_given_share(comparison.rule.at_least)
        sentences.append(f"No step is proven to be more than {at_least} slower.")
        sentences += _not_excluded(comparison)
    return sentences


def _not_excluded(comparison: Comparison) -> list[str]:
    """State the largest change that the runs leave possible: without it, a pass says too much."""
    possible = [
        (change.high, step.step)
        for step in comparison.steps
        for change in step.changes
        if change.outcome is Outcome.UNPROVEN and change.high > 1 + comparison.rule.at_least
    ]
    if not possible:
        return []
    high, step = max(possible)
    return [f"Not excluded: up to {write.render_rough_change(high - 1)} ({step}); "
            "longer runs narrow the intervals."]  # fmt: skip


def _assumed(comparison: Comparison) -> list[str]:
    """Return what would be slower if runs of one build differed as little as is assumed."""
    return _proven(comparison.steps, Outcome.PERHAPS_SLOWER)


def method(comparison: Comparison) -> str:
    """Report how it was judged."""
    rule = comparison.rule
    level, at_least, noise = map(
        write.render_given_share, (rule.level, rule.at_least, rule.run_noise)
    )
    if len(comparison.before) != 1:
        how = "Prediction interval of the earlier runs, on logarithms"
    else:
        origin = "as given"
        if rule.is_noise_assumed:
            few = f"fewer than {LEAST_OF_NOISE} comparable runs before are known"
            origin = f"assumed, not measured: {few}"
        if comparison.measured_noise:
            origin = "or more where the history shows it"
        how = (f"Mann–Whitney and Hodges–Lehmann, and intervals of percentiles, by blocks; "
               f"noise between runs of one build at least {noise}, {origin}")  # fmt: skip
    return (f"{how}. Proven at a level of {level} after Holm's correction, from a difference of "
            f"{at_least} on. {CAPTION}.")  # fmt: skip


def change_rows(comparison: Comparison) -> list[ChangeRow]:
    """Return a row per step and measure; of a step that could not be judged, why."""
    rows = []
    for step in comparison.steps:
        rows += [_change_row(step, each) for each in step.changes]
        if step.not_judged:
            reason = _NOT_JUDGED[step.not_judged]
            rows.append(ChangeRow(step.step, "", write.NO_DATA, "", "", Verdict.INCONCLUSIVE,
                                  f"? {reason}", Verdict.INCONCLUSIVE))  # fmt: skip
    return rows


def percentile_rows(comparison: Comparison) -> list[PercentileRow]:
    """Return a row per step and percentile."""
    return [
        PercentileRow(
            step.step, percentile_name(pair.percentile),
            write.render_seconds(pair.before.value_s), _interval(pair.before),
            write.render_seconds(pair.after.value_s), _interval(pair.after),
        )
        for step in comparison.steps
        for pair in step.percentiles
    ]  # fmt: skip


def finding_rows(comparison: Comparison) -> list[DifferenceRow]:
    """Return a row per check whose verdict differs, regressions first."""
    return [
        DifferenceRow(
            each.id, _verdict(each.before, each.before_observed),
            _verdict(each.after, each.after_observed), each.after or Verdict.INCONCLUSIVE,
        )
        for each in sorted(comparison.findings, key=lambda each: not each.is_regression)
    ]  # fmt: skip


def quantity_rows(comparison: Comparison) -> list[DifferenceRow]:
    """Return a row per quantity that differs."""
    return [
        DifferenceRow(each.quantity, _quantity(each.before), _quantity(each.after),
                      each.after.verdict if each.after else Verdict.INCONCLUSIVE)
        for each in comparison.quantities
    ]  # fmt: skip


def error_rows(comparison: Comparison) -> list[DifferenceRow]:
    """Return a row per step and reason of failed exchanges."""
    return [
        DifferenceRow(f"{each.step}: {each.reason}", _share(each.before, each.before_of),
                      _share(each.after, each.after_of))
        for each in comparison.errors
    ]  # fmt: skip


def setting_rows(comparison: Comparison) -> list[DifferenceRow]:
    """Return a row per setting that differs."""
    return [
        DifferenceRow(each.name, each.before or "none", each.after or "none")
        for each in comparison.settings
    ]


def _change_row(step: StepComparison, change: Change) -> ChangeRow:
    verdict, outcome = _OUTCOMES[change.outcome]
    low, high = (write.render_rough_change(each - 1) for each in (change.low, change.high))
    p = min(change.adjusted_slower_p, change.adjusted_faster_p)
    return ChangeRow(
        step.step, _MEASURES[change.measure], write.render_rough_change(change.ratio - 1),
        f"{low} to {high}", _probability(p), verdict, outcome,
        "neutral" if change.outcome in _PROVES_NOTHING else verdict,
    )  # fmt: skip


def _proven(steps: Sequence[StepComparison], outcome: Outcome) -> list[str]:
    return [
        f"{step.step} {_MEASURES[each.measure]} {write.render_rough_change(each.ratio - 1)}"
        for step in steps
        for each in step.changes
        if each.outcome is outcome
    ]


def _probability(p: float) -> str:
    """Write a probability; a very small one as a bound.

    >>> _probability(0.2), _probability(0.00001)
    ('0.200', '< 0.001')
    """
    least = 0.001
    return f"{p:.3f}" if p >= least else f"< {least}"


def _interval(estimate: Estimate) -> str:
    return write.render_interval(estimate.low_s, estimate.high_s)


def _verdict(verdict: Verdict | None, observed: str) -> str:
    if verdict is None:
        return "none"
    return f"{write.render_verdict(verdict)}{': ' if observed else ''}{observed}"


def _quantity(entry: QuantityEntry | None) -> str:
    if entry is None:
        return "none"
    distance = "" if entry.distance is None else f", {write.render_difference(entry.distance)}"
    return f"{write.render_verdict(entry.verdict)}{distance}"


def _share(part: int, whole: int) -> str:
    return f"{part:,} of {whole:,} ({write.render_share(part, whole)})"
