from pathlib import Path
from typing import Any

import pytest

from checks.case import read_case
from checks.promql import judge_promql
from checks.result import Finding
from checks.verdict import Verdict
from tests.evidence_factory import SCENARIO, vector, write_promql, write_run

FAILS_ON_MISSING = SCENARIO.replace('"<= 3"', '"<= 3", on_missing: fail')


def _judged(place: Path, answer: Any, scenario: str = SCENARIO) -> Finding:
    folder = write_run(place, scenario=scenario)
    write_promql(folder, {"query": "errors_total", "response": answer})
    return judge_promql(read_case(folder)).findings[0]


def _scalar(value: str) -> dict[str, Any]:
    return {"data": {"resultType": "scalar", "result": [0, value]}}


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (vector(3), Verdict.PASS),
        (vector(0, 3), Verdict.PASS),
        (vector(3.0001), Verdict.FAIL),
        (vector(0, 4), Verdict.FAIL),
        (vector("+Inf"), Verdict.FAIL),
        (vector(), Verdict.INCONCLUSIVE),
        (vector("NaN"), Verdict.INCONCLUSIVE),
        (vector(1, "NaN"), Verdict.INCONCLUSIVE),
        (vector(1, warnings=["partial"]), Verdict.INCONCLUSIVE),
        (_scalar("2"), Verdict.PASS),
        (_scalar("4"), Verdict.FAIL),
        ({"data": {"resultType": "matrix", "result": [{"values": []}]}}, Verdict.INCONCLUSIVE),
        ({"data": {"resultType": "string", "result": [0, "two"]}}, Verdict.INCONCLUSIVE),
        ({"error": "Prometheus cannot be reached"}, Verdict.INCONCLUSIVE),
        ({}, Verdict.INCONCLUSIVE),
    ],
)
def test_an_answer_is_judged_by_every_one_of_its_values(
    tmp_path: Path, answer: dict[str, Any], verdict: Verdict
) -> None:
    assert _judged(tmp_path, answer).verdict is verdict


@pytest.mark.parametrize(
    ("comparison", "held", "missed"),
    [
        (">= 2", 2, 1.9),
        ("<= 2", 2, 2.1),
        ("== 2", 2, 2.0001),
        ("!= 2", 3, 2),
        ("> 2", 2.1, 2),
        ("< 2", 1.9, 2),
        (">= -1.5", -1.5, -1.6),
    ],
)
def test_each_comparison_holds_on_its_own_side_only(
    tmp_path: Path, comparison: str, held: float, missed: float
) -> None:
    scenario = SCENARIO.replace("<= 3", comparison)
    for value, verdict in ((held, Verdict.PASS), (missed, Verdict.FAIL)):
        place = tmp_path / str(value)
        place.mkdir()
        assert _judged(place, vector(value), scenario).verdict is verdict


def test_missing_data_fail_where_the_scenario_says_so(tmp_path: Path) -> None:
    finding = _judged(tmp_path, vector(), FAILS_ON_MISSING)
    assert (finding.verdict, finding.observed) == (Verdict.FAIL, "no data")


def test_a_prometheus_that_is_down_is_inconclusive_even_where_missing_data_fail(
    tmp_path: Path,
) -> None:
    finding = _judged(tmp_path, {"error": "down"}, FAILS_ON_MISSING)
    assert (finding.verdict, finding.observed) == (Verdict.INCONCLUSIVE, "down")


@pytest.mark.parametrize("values", [(4,), ()])
def test_an_answer_with_warnings_never_fails(tmp_path: Path, values: tuple[float, ...]) -> None:
    answer = vector(*values, warnings=["partial"])
    assert _judged(tmp_path, answer, FAILS_ON_MISSING).verdict is Verdict.INCONCLUSIVE


def test_a_query_that_was_never_asked_is_inconclusive(tmp_path: Path) -> None:
    finding = judge_promql(read_case(write_run(tmp_path))).findings[0]
    assert (finding.verdict, finding.observed) == (
        Verdict.INCONCLUSIVE,
        "Prometheus was not asked",
    )


def test_a_query_that_may_have_selected_other_targets_says_so(tmp_path: Path) -> None:
    folder = write_run(tmp_path)
    asked = {"query": "errors_total default 0", "response": vector(3), "is_restricted": False}
    write_promql(folder, asked)
    finding = judge_promql(read_case(folder)).findings[0]
    assert "not restricted to prometheus.match" in finding.detail
    assert finding.verdict is Verdict.PASS
