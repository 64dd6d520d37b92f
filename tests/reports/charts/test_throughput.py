from pathlib import Path

from reports.charts import throughput
from reports.charts.source import ChartSource
from reports.vega import FAIL, render_svg
from scenarios.evidence.exchange import Outcome
from tests.evidence_factory import Load, Made, case_of
from tests.reports.charts.conftest import SourceOf
from tests.reports.charts.made_runs import Shape, source_of
from tests.reports.charts.specs import layers_of, only_chart, only_reason
from tests.reports.results import good_result


def test_a_burst_of_failures_is_dated_with_step_and_reason(run_of: SourceOf) -> None:
    chart = only_chart(throughput.charts(run_of(Shape(burst_s=(150, 160)))))
    assert "200 failures" in chart.sentence
    assert "use: status 503, expected 200 (200, from 17:52:30 to 17:52:40 UTC)" in chart.sentence
    assert f'fill="{FAIL}"' in render_svg(chart.spec, "x")
    assert sum(int(row[3]) for row in chart.rows) == 200


def test_each_expected_response_is_counted_once(run_of: SourceOf) -> None:
    chart = only_chart(throughput.charts(run_of(Shape())))
    assert sum(int(row[1].replace(",", "")) for row in chart.rows) == 12_000
    assert "no request failed" in chart.sentence


def test_a_run_of_two_seconds_has_intervals_of_a_tenth(tmp_path: Path) -> None:
    source = source_of(tmp_path, Shape(duration_s=2.0))
    chart = only_chart(throughput.charts(source))
    assert len(chart.rows) >= 20
    assert sum(int(row[1]) for row in chart.rows) == 80
    assert chart.rows[1][0] == "17:50:00.1"


def test_an_interval_without_a_response_is_a_rate_of_zero(run_of: SourceOf) -> None:
    chart = only_chart(throughput.charts(run_of(Shape(dropped_s=(200, 230)))))
    assert [row[2] for row in chart.rows].count("0.0/s") == 5


def test_rare_reasons_stand_together_and_failures_are_stacked(tmp_path: Path) -> None:
    failed = [
        (Made("open", Outcome.REJECTED, 500, f"reason {number % 9}"),) for number in range(20)
    ]
    source = ChartSource(case_of(tmp_path, Load(failed, scheduled=20)), good_result())
    chart = only_chart(throughput.charts(source))
    bars = [value for layer in layers_of(chart.spec) for value in layer["data"]["values"]
            if "below" in value]  # fmt: skip
    kinds = {each["series"] for each in bars}
    assert len(kinds) == throughput.MOST_REASONS + 1
    assert any(throughput.OTHERS in each for each in kinds)
    assert sum(each["value"] - each["below"] for each in bars) == 20


def test_without_requests_the_reason_is_shown(tmp_path: Path) -> None:
    source = ChartSource(case_of(tmp_path), good_result())
    assert only_reason(throughput.charts(source)) == "no request was sent"
