from math import ceil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.latency import Timings, allowed_over, judge_latency, latency_row, percentile
from checks.result import Finding
from checks.verdict import Verdict
from scenarios.evidence.exchange import Outcome
from scenarios.evidence.recording import RecordingEnd
from tests.evidence_factory import GOOD, REFUSED, Load, Made, case_of

_PERCENTS = st.sampled_from([50.0, 95.0, 99.0])
_VALUES = st.lists(st.floats(0, 10), min_size=1, max_size=300)


def _timings(*drawn: tuple[float, bool]) -> Timings:
    """Put response times, and whether they were answered, into columns."""
    return Timings(np.array([each for each, _ in drawn]), np.array([each for _, each in drawn]))


def _answered(*values: float) -> Timings:
    return _timings(*((value, True) for value in values))


def _verdict(timings: Timings, percent: float, limit_s: float) -> Verdict:
    return latency_row("step", timings, {percent: limit_s}).objectives[0].verdict


def _judged(
    place: Path, *iterations: tuple[Made, ...], end: RecordingEnd | None = None
) -> list[Finding]:
    count = len(iterations)
    load = Load(iterations, scheduled=count, end=end or RecordingEnd(count, 0, 0.1, 1.0))
    return list(judge_latency(case_of(place, load)).findings)


@given(_VALUES, _PERCENTS)
def test_a_percentile_is_a_measured_value_of_the_nearest_rank(
    values: list[float], percent: float
) -> None:
    ordered = sorted(values)
    found = percentile(ordered, percent)
    at_or_below = sum(value <= found for value in values)
    below = sum(value < found for value in values)
    assert found in values
    assert at_or_below * 100 >= percent * len(values) > below * 100


@given(_VALUES, _PERCENTS, st.floats(0, 10))
def test_a_percentile_is_within_its_limit_exactly_when_the_count_over_it_is_allowed(
    values: list[float], percent: float, limit_s: float
) -> None:
    over = sum(value > limit_s for value in values)
    within = percentile(sorted(values), percent) <= limit_s
    assert within == (over <= allowed_over(len(values), percent))
    assert _verdict(_answered(*values), percent, limit_s) is (
        Verdict.PASS if within else Verdict.FAIL
    )


@given(st.integers(1, 100_000), st.sampled_from([50, 95, 99]))
def test_as_many_as_the_share_beyond_the_percentile_may_be_over(count: int, percent: int) -> None:
    assert allowed_over(count, float(percent)) == count * (100 - percent) // 100
    assert count - allowed_over(count, float(percent)) == ceil(count * percent / 100)


def test_a_hundred_values_of_2_549_seconds_fail_a_p95_of_2_5_seconds() -> None:
    row = latency_row("step", _answered(*[2.549] * 100), {95.0: 2.5})
    assert row.p95 == 2.549
    assert row.over_target == 100
    assert row.objectives[0].verdict is Verdict.FAIL
    assert row.objectives[0].proven


@pytest.mark.parametrize(
    ("over", "verdict"), [(0, Verdict.PASS), (5, Verdict.PASS), (6, Verdict.FAIL)]
)
def test_five_of_a_hundred_values_may_be_over_a_p95_and_six_may_not(
    over: int, verdict: Verdict
) -> None:
    timings = _answered(*[1.0] * (100 - over), *[2.51] * over)
    assert _verdict(timings, 95.0, 2.5) is verdict


def test_a_value_on_the_limit_is_within_it() -> None:
    assert _verdict(_answered(2.5), 95.0, 2.5) is Verdict.PASS


@pytest.mark.parametrize(
    ("silent", "waited_s", "verdict"),
    [
        (5, 1.0, Verdict.PASS),
        (6, 1.0, Verdict.INCONCLUSIVE),
        (6, 3.0, Verdict.FAIL),
        (5, 3.0, Verdict.PASS),
    ],
)
def test_exchanges_without_an_answer_are_inconclusive_only_if_they_could_tip_it(
    silent: int, waited_s: float, verdict: Verdict
) -> None:
    timings = _timings(*[(0.1, True)] * (100 - silent), *[(waited_s, False)] * silent)
    assert _verdict(timings, 95.0, 2.5) is verdict


@given(
    st.lists(st.tuples(st.floats(0, 5), st.booleans()), min_size=1, max_size=150),
    _PERCENTS,
    st.floats(0, 30),
)
def test_no_later_answer_could_overturn_a_verdict(
    drawn: list[tuple[float, bool]], percent: float, later_s: float
) -> None:
    verdict = _verdict(_timings(*drawn), percent, 2.5)
    truth = [response_s + (0 if answered else later_s) for response_s, answered in drawn]
    if verdict is not Verdict.INCONCLUSIVE:
        assert _verdict(_answered(*truth), percent, 2.5) is verdict


@pytest.mark.parametrize(
    ("count", "over", "proven"),
    [
        (58, 0, False),
        (59, 0, True),
        (100, 1, True),
        (100, 2, False),
        (100, 9, False),
        (100, 10, True),
    ],
)
def test_a_verdict_is_proven_only_when_the_binomial_says_so(
    count: int, over: int, proven: bool
) -> None:
    timings = _answered(*[1.0] * (count - over), *[9.0] * over)
    assert latency_row("step", timings, {95.0: 2.5}).objectives[0].proven is proven


def test_an_inconclusive_objective_is_never_proven() -> None:
    timings = _timings(*[(0.1, False)] * 100)
    objective = latency_row("step", timings, {95.0: 2.5}).objectives[0]
    assert objective.verdict is Verdict.INCONCLUSIVE
    assert not objective.proven


def test_the_interval_of_a_hundred_values_is_that_of_ranks_90_and_100() -> None:
    row = latency_row("step", _answered(*map(float, range(1, 101))), {})
    assert (row.p50, row.p95, row.p99, row.max) == (50.0, 95.0, 99.0, 100.0)
    assert (row.p95_low, row.p95_high) == (90.0, 100.0)
    assert row.over_target is None


def test_few_values_bound_no_percentile() -> None:
    row = latency_row("step", _answered(1.0), {})
    assert (row.p95_low, row.p95_high) == (None, None)


def test_a_response_time_just_over_the_limit_is_never_printed_as_the_limit(
    tmp_path: Path,
) -> None:
    slow = (Made("open", duration_s=2.5004), Made("use"))
    finding = next(each for each in _judged(tmp_path, slow) if each.id == "latency/open/p95")
    assert finding.verdict is Verdict.FAIL
    assert "2.5004 s" in finding.observed
    assert "2.500 s" not in finding.observed


def test_a_fast_run_passes_every_objective_of_every_step(tmp_path: Path) -> None:
    findings = _judged(tmp_path, GOOD, GOOD)
    assert {each.id: each.verdict for each in findings} == {
        "latency/open/p95": Verdict.PASS,
        "latency/use/p95": Verdict.PASS,
        "latency/iteration/p50": Verdict.PASS,
    }


def test_an_iteration_lasts_from_when_it_was_due_to_its_last_answer(tmp_path: Path) -> None:
    slow = (Made("open", duration_s=2.0), Made("use", duration_s=2.0))
    finding = _judged(tmp_path, slow)[-1]
    assert (finding.id, finding.verdict) == ("latency/iteration/p50", Verdict.FAIL)
    assert "4.000 s" in finding.observed


def test_an_iteration_that_broke_off_is_not_a_fast_one(tmp_path: Path) -> None:
    broken = (Made("open", Outcome.REJECTED, 500, "status 500, expected 200", duration_s=0.01),)
    judged = {each.id: each.verdict for each in _judged(tmp_path, broken, broken)}
    assert judged["latency/iteration/p50"] is not Verdict.PASS


def test_a_rejected_answer_is_an_answer_with_its_own_time(tmp_path: Path) -> None:
    assert all(each.verdict is Verdict.PASS for each in _judged(tmp_path, REFUSED))


def test_a_busy_generator_makes_a_fast_run_inconclusive_and_says_by_how_much(
    tmp_path: Path,
) -> None:
    findings = _judged(tmp_path, GOOD, end=RecordingEnd(1, 0, 0.95, 1.0))
    assert {each.verdict for each in findings} == {Verdict.INCONCLUSIVE}
    assert "95% of a core used" in findings[0].detail


def test_a_step_without_a_request_is_inconclusive(tmp_path: Path) -> None:
    findings = _judged(tmp_path, (Made("open"),))
    silent = next(each for each in findings if each.id == "latency/use")
    assert silent.verdict is Verdict.INCONCLUSIVE
    assert silent.observed == "no request of this step was sent"


def test_a_run_without_a_phase_is_inconclusive(tmp_path: Path) -> None:
    findings = judge_latency(case_of(tmp_path)).findings
    assert [each.verdict for each in findings] == [Verdict.INCONCLUSIVE]


def test_the_warm_up_is_not_measured(tmp_path: Path) -> None:
    slow = (Made("open", duration_s=9.0), Made("use", duration_s=9.0))
    warm_up = Load((slow,), profile="while", scheduled=None, end=RecordingEnd(1, 0, 0.1, 1.0))
    judgement = judge_latency(case_of(tmp_path, warm_up, Load()))
    assert {row.max < 1 for row in judgement.latency} == {True}
    assert {row.count for row in judgement.latency} == {4}
