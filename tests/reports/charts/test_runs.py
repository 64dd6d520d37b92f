from checks.verdict import Verdict
from reports.charts.runs import CurvePoint, draw_points
from reports.vega import LIMIT

NEAR = CurvePoint(0.7, 0.6, 0.8, Verdict.PASS, True)


def test_a_near_limit_is_a_line_and_a_far_one_a_word() -> None:
    assert f'stroke="{LIMIT}"' in draw_points([NEAR], 1.0, None, "x")
    far = draw_points([NEAR], 100.0, None, "x")
    assert f'stroke="{LIMIT}"' not in far
    assert "↑ limit 100.000 s" in far


def test_a_run_that_did_not_pass_has_its_mark() -> None:
    failed = CurvePoint(0.7, 0.6, 0.8, Verdict.FAIL, True)
    assert "✕" in draw_points([NEAR, failed, None], None, None, "x")
