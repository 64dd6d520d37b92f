"""Objectives as they are written, and every mistake in them with line and remedy."""

from pathlib import Path
from typing import Any

import pytest

from scenarios.language.objectives import Checks, LatencyObjective, percentile_name, percentile_of
from scenarios.language.reader import read_scenario
from tests.scenarios.language.wrong_scenarios import problems_in, with_profile
from tests.scenarios.shop_scenario import GOOD, changed, written

OPEN = GOOD.replace("{users: 1, iterations: 1}", "{rate: 20/s, duration: 9s}")

PERCENTILE = "a percentile is p and a number above 0 and below 100, or max"


def with_checks(folder: Path, checks: str, text: str = GOOD) -> Path:
    """Write the good scenario with other checks, from line 23 on."""
    return written(folder, text.replace("  latency:\n    - {p95: 2s}\n", f"  {checks}\n"))


def test_the_limits_of_any_percentile_are_seconds() -> None:
    written = {"p90": "2s", "p99.9": "500ms", "max": "5s", "p95": "3s", "step": "ask"}
    assert LatencyObjective.model_validate(written).limits() == {
        90.0: 2.0, 99.9: 0.5, 100.0: 5.0, 95.0: 3.0,
    }  # fmt: skip


@pytest.mark.parametrize("key", ["p100", "p0", "p", "p9999", "p99.9999", "95", "mean", "P95"])
def test_other_keys_name_no_percentile(key: str) -> None:
    assert percentile_of(key) is None


@pytest.mark.parametrize("key", ["p50", "p90", "p99.99", "p5", "max"])
def test_a_percentile_has_one_name(key: str) -> None:
    percentile = percentile_of(key)
    assert percentile is not None
    assert percentile_name(percentile) == key


@pytest.mark.parametrize(("checks", "problem"), [
    ("latency: [{p905: 2s}]", f"checks.latency.0.p905: {PERCENTILE}; did you mean p90.5?"),
    ("latency: [{p100: 2s}]", f"checks.latency.0.p100: {PERCENTILE}; did you mean max?"),
    ("latency: [{p101: 2s}]",
     f"checks.latency.0.p101: {PERCENTILE}; write for example p95 or p99.9"),
    ("latency: [{p999: 2s}]", f"checks.latency.0.p999: {PERCENTILE}; did you mean p99.9?"),
    ("latency: [{'p99,9': 2s}]", f"checks.latency.0.p99,9: {PERCENTILE}; did you mean p99.9?"),
    ("latency: [{setp: read, p95: 2s}]", "unknown key 'setp'; did you mean step?"),
    ("latency: [{p90: 2}]",
     "checks.latency.0.p90: 2 is not a duration; write a number and a unit: 500ms, 2.5s, 10m"),
    ("latency: [{max: fast}]", "checks.latency.0.max: 'fast' is not a duration; write a number and "
                               "a unit: 500ms, 2.5s, 10m"),
    ("latency: [{step: read}]",
     "the objective has no limit; add a percentile such as p95, or max"),
    ("latency: [{p99.9: 2s}, {p99.9: 3s}]",
     "the p99.9 of every step has a limit already; remove one"),
    ("latency: [{step: read, max: 2s}, {step: read, max: 3s}]",
     "the max of the step 'read' has a limit already; remove one"),
    ("latency: [{step: raed, p90: 2s}]", "unknown step 'raed'; did you mean read?"),
    ("throughput: {at_least: 50}",
     "checks.throughput.at_least: 50 is not a rate; write for example 20/s, 90/m or 500/h"),
    ("throughput: {}",
     "the key 'checks.throughput.at_least' is missing; add it, as in at_least: 50/s"),
    ("throughput: {at_lest: 5/s}", "unknown key 'at_lest'; did you mean at_least?"),
    ("throughput: {at_least: 0/s}", "every load reaches 0/s; write for example 50/s"),
    ("throughput: [{step: raed, at_least: 5/s}]", "unknown step 'raed'; did you mean read?"),
    ("throughput: [{at_least: 5/s}, {step: iteration, at_least: 6/s}]",
     "the throughput of 'iteration' has a limit already; remove one"),
    ("errors: [{step: read, at_most: 2}]", "checks.errors.0.at_most: 2 is not a percentage from 0% "
                                           "to 100%; write for example 99.5%"),
    ("errors: [{step: raed, at_most: 2%}]", "unknown step 'raed'; did you mean read?"),
    ("errors: [{step: iteration, at_most: 2%}]",
     "success_rate limits the errors of iterations; name a step"),
    ("errors: [{at_most: 1%}, {at_most: 2%}]",
     "the errors of every step have a limit already; remove one"),
    ("errors: [{step: read}]",
     "the key 'checks.errors.0.at_most' is missing; add it, as in at_most: 1%"),
], ids=lambda text: text)  # fmt: skip
def test_a_wrong_objective_is_reported_with_line_and_remedy(
    tmp_path: Path, checks: str, problem: str
) -> None:
    assert f"s.yaml:23: {problem}" in problems_in(with_checks(tmp_path, checks))


def test_a_throughput_that_no_rate_reaches_is_a_mistake(tmp_path: Path) -> None:
    path = with_checks(tmp_path, "throughput: {at_least: 20.1/s}", OPEN)
    assert problems_in(path) == [
        "s.yaml:23: no profile has more than 20 iterations per second; lower it, or raise a rate"
    ]
    assert read_scenario(with_checks(tmp_path, "throughput: {at_least: 20/s}", OPEN))


@pytest.mark.parametrize("checks", [
    "throughput: [{at_least: 5/s}, {step: read, at_least: 5/s}]",
    "errors: [{at_most: 1%}, {step: read, at_most: 0%}]",
    "latency: [{p90: 2s, p99.9: 3s, max: 5s}, {step: iteration, max: 9s}]",
])  # fmt: skip
def test_objectives_are_accepted(tmp_path: Path, checks: str) -> None:
    assert read_scenario(with_checks(tmp_path, checks)).checks


def test_the_errors_of_a_step_are_limited_by_its_own_objective_or_that_of_every_step(
    tmp_path: Path,
) -> None:
    path = with_checks(tmp_path, "errors: [{at_most: 1%}, {step: read, at_most: 0%}]")
    checks = read_scenario(path).checks
    assert [checks.most_errors(step) for step in ("create", "read")] == [0.01, 0.0]
    plain = changed(tmp_path, "p95", "p95")
    assert read_scenario(plain).checks.most_errors("read") is None


@pytest.mark.parametrize(("profile", "problem"), [
    ("abort_on: {over: 5s}", "abort_on has no limit; add a percentile such as p95, or max"),
    ("abort_on: {p905: 5s}",
     f"profiles.once.abort_on.p905: {PERCENTILE}; did you mean p90.5?"),
    ("abort_on: {p95: 5s, ovr: 3s}", "unknown key 'ovr'; did you mean over?"),
    ("abort_on: {p95: 5}",
     "profiles.once.abort_on.p95: 5 is not a duration; write a number and a unit: 500ms, 2.5s, "
     "10m"),
    ("abort_on: {p95: 5s}",
     "abort_on observes 30 s, and the load is measured for 9 s; make over: shorter"),
    ("abort_on: {p95: 5s, over: 9s}",
     "abort_on observes 9 s, and the load is measured for 9 s; make over: shorter"),
    ("abort_on: 5s", "profiles.once.abort_on: must be a mapping; its keys are "
                     "p50, p95, p99, max, over"),
], ids=lambda text: text)  # fmt: skip
def test_a_wrong_limit_of_an_abort_is_reported_with_line_and_remedy(
    tmp_path: Path, profile: str, problem: str
) -> None:
    path = with_profile(tmp_path, f"users: 1, duration: 9s, {profile}")
    assert problems_in(path) == [f"s.yaml:24: {problem}"]


def test_a_load_of_iterations_may_have_any_window(tmp_path: Path) -> None:
    path = with_profile(tmp_path, "users: 1, iterations: 9, abort_on: {p95: 5s, max: 9s}")
    abort_on = read_scenario(path).profiles["once"].abort_on
    assert abort_on
    assert (abort_on.limits(), abort_on.over) == ({95.0: 5.0, 100.0: 9.0}, 30.0)


@pytest.mark.parametrize(
    ("checks", "judge_times"),
    [
        ({"success_rate": "90%"}, False),
        ({"errors": [{"at_most": "1%"}]}, False),
        ({"latency": [{"p95": "1s"}]}, True),
        ({"throughput": {"at_least": "10/s"}}, True),
        ({"promql": [{"name": "few", "query": "up", "expect": "== 1"}]}, True),
    ],
)
def test_a_check_on_times_or_rates_is_known(checks: dict[str, Any], judge_times: bool) -> None:
    assert Checks.model_validate(checks).judge_times is judge_times
