from collections.abc import Sequence
from math import ceil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.latency import (
    Limit,
    judge_latency,
    latency_row,
    percentile,
    row_remarks,
)  # fmt: skip
from checks.result import Finding
from checks.service_levels import Objective
from checks.timings import Timings
from checks.verdict import Verdict
from scenarios.evidence.exchange import Outcome
from scenarios.evidence.recording import RecordingEnd
from scenarios.http.streams import Event, Stream, StreamEnd
from scenarios.language.objectives import allowed_over
from tests.evidence_factory import GOOD, REFUSED, SCENARIO, Load, Made, case_of

_PERCENTS = st.sampled_from([50.0, 95.0, 99.0])
_VALUES = st.lists(st.floats(0, 10), min_size=1, max_size=300)


def _timings(*drawn: tuple[float, bool], failed: Sequence[float] = ()) -> Timings:
    """Put response times, and whether there was a response, into columns."""
    served, timed_out = ([each for each, is_served in drawn if is_served is wanted]
                         for wanted in (True, False))  # fmt: skip
    return Timings(np.array(served), np.array(timed_out), np.array(failed))


def _answered(*values: float) -> Timings:
    return _timings(*((value, True) for value in values))


def _objective(timings: Timings, percent: float, limit_s: float, strict: bool = False) -> Objective:
    return latency_row("step", timings, [Limit(percent, limit_s, strict)]).objectives[0]


def _verdict(timings: Timings, percent: float, limit_s: float) -> Verdict:
    return _objective(timings, percent, limit_s, strict=True).verdict


def _judged(
    place: Path, *iterations: tuple[Made, ...], end: RecordingEnd | None = None,
    scenario: str = SCENARIO,
) -> list[Finding]:  # fmt: skip
    count = len(iterations)
    load = Load(iterations, scheduled=count, end=end or RecordingEnd(count, 0, 0.1, 1.0))
    return list(judge_latency(case_of(place, load, scenario=scenario)).findings)


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
    row = latency_row("step", _answered(*[2.549] * 100), [Limit(95.0, 2.5)])
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
        (6, 2.5, Verdict.INCONCLUSIVE),
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
        (71, 0, False),
        (72, 0, True),
        (100, 0, True),
        (100, 1, False),
        (100, 10, False),
        (100, 11, True),
    ],
)
def test_a_verdict_is_proven_only_when_the_binomial_says_so(
    count: int, over: int, proven: bool
) -> None:
    timings = _answered(*[1.0] * (count - over), *[9.0] * over)
    assert _objective(timings, 95.0, 2.5).proven is proven


def test_an_inconclusive_objective_is_never_proven() -> None:
    timings = _timings(*[(0.1, False)] * 100)
    objective = _objective(timings, 95.0, 2.5)
    assert objective.verdict is Verdict.INCONCLUSIVE
    assert not objective.proven


def test_the_interval_of_a_hundred_values_is_that_of_ranks_90_and_100() -> None:
    row = latency_row("step", _answered(*map(float, range(1, 101))), [])
    assert (row.p50, row.p95, row.p99, row.max) == (50.0, 95.0, 99.0, 100.0)
    assert (row.p95_low, row.p95_high) == (90.0, 100.0)
    assert row.over_target is None


def test_few_values_bound_no_percentile() -> None:
    row = latency_row("step", _answered(1.0), [])
    assert (row.p95_low, row.p95_high) == (None, None)


def test_a_response_time_just_over_the_limit_is_never_printed_as_the_limit(
    tmp_path: Path,
) -> None:
    slow = (Made("open", duration_s=2.5004), Made("use"))
    judged = _judged(tmp_path, slow, slow)
    finding = next(each for each in judged if each.id == "latency/open/p95")
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
    finding = _judged(tmp_path, *[slow] * 6)[-1]
    assert (finding.id, finding.verdict) == ("latency/iteration/p50", Verdict.FAIL)
    assert "4.000 s" in finding.observed


def test_an_iteration_that_broke_off_is_not_a_fast_one(tmp_path: Path) -> None:
    broken = (Made("open", Outcome.REJECTED, 500, "status 500, expected 200", duration_s=0.01),)
    judged = {each.id: each.verdict for each in _judged(tmp_path, broken, broken)}
    assert judged["latency/iteration"] is Verdict.INCONCLUSIVE


def test_a_step_of_which_nothing_was_served_is_inconclusive(tmp_path: Path) -> None:
    judged = {each.id: each for each in _judged(tmp_path, REFUSED, REFUSED)}
    assert judged["latency/open/p95"].verdict is Verdict.PASS
    assert judged["latency/use"].verdict is Verdict.INCONCLUSIVE
    assert judged["latency/use"].observed == "none of 2 was served"


def test_fast_failures_do_not_flatter_a_percentile() -> None:
    served = [*[0.05] * 33, 0.5, 0.5]
    objective = _objective(Timings(np.array(served), np.empty(0), np.full(15, 0.001)), 95.0, 0.3)
    assert (objective.over_low, objective.count, objective.allowed) == (2, 35, 1)
    assert objective.verdict is Verdict.FAIL
    assert not objective.proven


@given(_VALUES, st.lists(st.floats(0, 10), max_size=100), _PERCENTS, st.floats(0, 10))
def test_no_failure_speaks_for_a_limit(
    served: list[float], failed: list[float], percent: float, limit_s: float
) -> None:
    without = _objective(_answered(*served), percent, limit_s, strict=True)
    beside = _timings(*((each, True) for each in served), failed=failed)
    with_failures = _objective(beside, percent, limit_s, strict=True)
    assert with_failures.over_low - without.over_low == sum(each > limit_s for each in failed)
    if without.verdict is Verdict.FAIL:
        assert with_failures.verdict is Verdict.FAIL


def test_a_failure_that_took_longer_than_the_limit_is_over_it() -> None:
    timings = _timings(*[(0.1, True)] * 10, failed=[30.0, 30.0])
    assert _objective(timings, 95.0, 2.5).verdict is Verdict.FAIL


def test_what_was_not_served_is_shown_beside_what_is_judged(tmp_path: Path) -> None:
    refused = (Made("open", Outcome.REJECTED, 503, "status 503, expected 200", 0.001),)
    finding = _judged(tmp_path, GOOD, GOOD, refused, refused, refused)[0]
    assert finding.expected == "at most 0 of 2 over 2.5 s"
    assert "3 not served, p95 0.001 s: not judged." in finding.detail


@given(st.lists(st.tuples(st.floats(0, 5), st.booleans()), min_size=1, max_size=150), _PERCENTS)
def test_proven_is_what_the_printed_interval_shows(
    drawn: list[tuple[float, bool]], percent: float
) -> None:
    objective = _objective(_timings(*drawn), percent, 2.5)
    low_s, high_s = objective.low_s, objective.high_s
    is_below = high_s is not None and high_s <= 2.5
    is_above = low_s is not None and low_s > 2.5
    assert objective.proven is (is_below or is_above)
    if objective.proven:
        assert objective.verdict is (Verdict.PASS if is_below else Verdict.FAIL)


@pytest.mark.parametrize(
    ("percent", "within", "over", "judged"),
    [
        (50.0, 0, 1, False),
        (95.0, 0, 1, False),
        (99.0, 0, 1, False),
        (50.0, 0, 5, False),  # five of five happen by chance once in 32 runs
        (50.0, 0, 6, True),
        (95.0, 18, 1, False),
        (95.0, 0, 2, True),
        (95.0, 10, 10, True),
        (99.0, 98, 1, False),
        (99.0, 97, 2, True),
    ],
)
def test_a_limit_is_not_judged_where_so_few_values_prove_nothing(
    percent: float, within: int, over: int, judged: bool
) -> None:
    timings = _answered(*[0.1] * within, *[9.0] * over)
    objective = _objective(timings, percent, 2.5)
    assert objective.judged is judged
    assert objective.verdict is (Verdict.FAIL if judged else Verdict.PASS)
    assert _objective(timings, percent, 2.5, strict=True).verdict is Verdict.FAIL


def test_one_slow_request_is_reported_and_does_not_fail_the_run(tmp_path: Path) -> None:
    finding = _judged(tmp_path, (Made("open", duration_s=9.0), Made("use")))[0]
    assert finding.verdict is Verdict.PASS
    assert finding.observed == "1 over; p95 9.000 s"
    assert finding.detail == "1 of 1 value over: nothing is proven, not judged."


def test_a_strict_limit_is_judged_by_one_value(tmp_path: Path) -> None:
    scenario = SCENARIO.replace("{p95: 2.5s}", "{p95: 2.5s, strict: true}")
    slow = (Made("open", duration_s=9.0), Made("use"))
    assert _judged(tmp_path, slow, scenario=scenario)[0].verdict is Verdict.FAIL


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


@pytest.mark.parametrize(
    ("on_limit", "over", "proven"), [(100, 0, True), (96, 4, False), (50, 50, True)]
)
def test_an_interval_that_ends_on_the_limit_is_below_it_and_never_above(
    on_limit: int, over: int, proven: bool
) -> None:
    objective = _objective(_answered(*[2.5] * on_limit, *[9.0] * over), 95.0, 2.5)
    assert (objective.low_s, objective.proven) == (2.5 if over < 50 else 9.0, proven)


def test_as_many_are_allowed_as_the_decimal_percentile_says() -> None:
    """99.9 times 41,000 is 4095900.0000000005 as a float."""
    assert allowed_over(41_000, 99.9) == 41


def test_failures_slower_than_the_limit_and_others_are_told_apart() -> None:
    timings = _timings(*[(0.1, True)] * 10, failed=[0.001, 0.001, 0.001, 30.0, 30.0])
    row = latency_row("step", timings, [Limit(95.0, 2.5)])
    assert list(row_remarks(row, row.objectives[0])) == [
        "3 not served: not judged.",
        "2 not served, but slower than the limit: over it.",
    ]


def test_any_percentile_is_judged_under_an_id_of_its_own(tmp_path: Path) -> None:
    objectives = "latency: [{p90: 2.5s, p99.9: 3s, max: 50ms}]"
    scenario = SCENARIO.replace("latency: [{p95: 2.5s}, {step: iteration, p50: 3s}]", objectives)
    findings = {each.id: each for each in _judged(tmp_path, GOOD, GOOD, GOOD, scenario=scenario)}
    verdicts = {key: each.verdict for key, each in findings.items() if "/open/" in key}
    assert verdicts == {
        "latency/open/p90": Verdict.PASS,
        "latency/open/p99.9": Verdict.PASS,
        "latency/open/max": Verdict.FAIL,
    }
    assert findings["latency/open/max"].reason == ("open max 0.100 s, limit 0.05 s (3 of 3 over)")


def test_one_value_over_the_maximum_is_proven_and_no_value_proves_that_none_will_be() -> None:
    over = _objective(_answered(*[0.1] * 999, 3.0), 100.0, 2.0)
    assert (over.verdict, over.judged, over.proven, over.over_low, over.allowed) == (
        Verdict.FAIL, True, True, 1, 0,
    )  # fmt: skip
    within = _objective(_answered(*[0.1] * 999, 1.9), 100.0, 2.0)
    assert (within.verdict, within.proven) == (Verdict.PASS, False)
    assert (within.low_s, within.measured_s, within.high_s) == (1.9, 1.9, None)


def test_one_value_over_a_high_percentile_of_few_values_proves_nothing() -> None:
    objective = _objective(_answered(*[0.1] * 99, 3.0), 99.9, 2.0)
    assert (objective.judged, objective.verdict) == (False, Verdict.PASS)


@pytest.mark.parametrize(
    ("made", "reasons"),
    [
        (Made("use", stream=Stream((Event("a"),), StreamEnd.ENDED, 0.1)),
         ["no stream had two events"]),
        (Made("use", stream=Stream((), StreamEnd.ENDED)),
         ["no stream had an event", "no stream had two events"]),
        (Made("use", Outcome.REJECTED, 429, "status 429", 0.01),
         ["none of 1 was served", "none of 1 was served"]),
    ],
    ids=["one event", "no event", "no stream"],
)  # fmt: skip
def test_streams_with_too_few_events_are_why_their_times_are_open(
    tmp_path: Path, made: Made, reasons: list[str]
) -> None:
    scenario = SCENARIO.replace(
        "    request: POST shop /use\n", "    request: POST shop /use\n    stream: sse\n"
    ).replace("latency: [", 'latency: [{step: "use: first event", p95: 1s}, '
              '{step: "use: longest gap", p95: 1s}, ')  # fmt: skip
    case = case_of(tmp_path, Load(((Made("open"), made),)), scenario=scenario)
    findings = {each.id: each for each in judge_latency(case).findings}
    names = ["latency/use-first-event", "latency/use-longest-gap"]
    silent = [findings[name] for name in names if name in findings]
    assert {each.verdict for each in silent} == {Verdict.INCONCLUSIVE}
    assert [each.observed for each in silent] == reasons
