from dataclasses import replace
from pathlib import Path

import pytest

from reports.charts import response_times
from reports.charts.source import ChartSource
from reports.vega import LIMIT, render_svg
from tests.evidence_factory import NOT_SENT, Load, case_of
from tests.reports.charts.conftest import SourceOf
from tests.reports.charts.made_runs import Shape
from tests.reports.charts.specs import only_chart, only_reason, values_of
from tests.reports.results import good_result


def sentence_of(run_of: SourceOf, shape: Shape) -> str:
    return only_chart(response_times.charts(run_of(shape))).sentence


@pytest.mark.parametrize("is_open", [True, False])
def test_a_stall_is_dated(run_of: SourceOf, is_open: bool) -> None:
    sentence = sentence_of(run_of, Shape(stall_at_s=150.0, is_open=is_open))
    assert sentence.startswith("The iteration was slow from 17:52:30 to 17:52:35 UTC: p95 1.8")
    assert "s, usually 0.2" in sentence
    assert "the service and the network took 99.9" in sentence


def test_a_slow_minute_is_dated_with_its_step_and_its_limit(run_of: SourceOf) -> None:
    sentence = sentence_of(run_of, Shape(slow_s=(120, 180)))
    assert "slow from 17:52:00 to 17:53:00 UTC" in sentence
    assert "of the steps, use was slowest" in sentence
    assert "use is over its limit of 0.500 s in 12 of 60 intervals" in sentence


def test_a_saturated_generator_is_blamed_not_the_service(run_of: SourceOf) -> None:
    sentence = sentence_of(run_of, Shape(saturated_from_s=200.0))
    assert "the load generator, not the service, took 9" in sentence


def test_a_steady_run_is_said_to_be_steady(run_of: SourceOf) -> None:
    assert "no period stands out" in sentence_of(run_of, Shape())


def test_the_picture_has_the_limit_and_where_the_period_begins(run_of: SourceOf) -> None:
    chart = only_chart(response_times.charts(run_of(Shape(slow_s=(120, 180)))))
    svg = render_svg(chart.spec, chart.sentence)
    assert f'stroke="{LIMIT}"' in svg
    assert "from 17:52:00" in svg
    assert max(values_of(chart.spec, "p95")) > 1.0


def test_every_interval_of_every_panel_is_in_the_data(run_of: SourceOf) -> None:
    chart = only_chart(response_times.charts(run_of(Shape())))
    assert {row[0] for row in chart.rows} == {"iteration", "open", "use"}
    assert sum(int(row[2].replace(",", "")) for row in chart.rows) == 3 * 6000


def test_without_served_requests_the_reason_is_shown(tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    (tmp_path / "unsent").mkdir()
    none = ChartSource(case_of(tmp_path / "none"), good_result())
    assert only_reason(response_times.charts(none)) == "no request was sent"
    unsent = ChartSource(case_of(tmp_path / "unsent", Load((NOT_SENT,))), good_result())
    assert only_reason(response_times.charts(unsent)) == "no request was served"


def highlight_of(run_of: SourceOf, shape: Shape) -> str:
    return only_chart(response_times.charts(run_of(shape))).highlight


@pytest.mark.parametrize(
    ("shape", "step", "cause"),
    [
        (Shape(stall_at_s=150.0), "use", "the service and the network took"),
        (Shape(saturated_from_s=200.0), "open", "the load generator, not the service, took"),
    ],
    ids=["stall", "saturated"],
)
def test_a_step_over_its_limit_for_a_time_is_for_the_first_screen(
    run_of: SourceOf, shape: Shape, step: str, cause: str
) -> None:
    highlight = highlight_of(run_of, shape)
    assert highlight.startswith(f"Step {step} was slow from 17:5")
    assert f", p95 limit 0.500 s; {cause}" in highlight


def test_what_is_slow_in_the_warm_up_is_not_for_the_first_screen(run_of: SourceOf) -> None:
    assert highlight_of(run_of, Shape(slow_s=(0, 30), warm_up_s=30.0)) == ""
    later = Shape(slow_s=(0, 30), warm_up_s=30.0, stall_at_s=150.0)
    assert "was slow from 17:52:" in highlight_of(run_of, later)


def test_a_period_within_the_limit_is_not_for_the_first_screen(run_of: SourceOf) -> None:
    assert highlight_of(run_of, Shape()) == ""
    source = run_of(Shape(stall_at_s=150.0))
    slower = [replace(row, objectives=()) for row in source.result.latency]
    lenient = ChartSource(source.case, replace(source.result, latency=tuple(slower)))
    assert only_chart(response_times.charts(lenient)).highlight == ""
