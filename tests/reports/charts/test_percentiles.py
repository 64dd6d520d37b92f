import math
from pathlib import Path

import pytest

from checks.latency import percentile
from reports.charts import percentiles
from reports.charts.source import ChartSource
from reports.vega import LIMIT, render_svg
from tests.evidence_factory import NOT_SENT, Load, case_of
from tests.reports.charts.conftest import SourceOf
from tests.reports.charts.made_runs import Shape
from tests.reports.charts.specs import layers_of, only_chart, only_reason, values_of
from tests.reports.results import good_result


def test_the_curve_is_that_of_the_judged_percentiles(run_of: SourceOf) -> None:
    source = run_of(Shape())
    chart = only_chart(percentiles.charts(source))
    row = source.latency_of("use")
    assert row is not None
    shown = values_of(chart.spec, "use")
    assert shown[0] == pytest.approx(row.p50)
    times = sorted(source.exchanges.query("step == 'use'")["response_s"])
    assert shown[-1] == percentile(times, 99.9)
    assert shown == sorted(shown)


def test_each_limit_is_a_line_in_the_picture(run_of: SourceOf) -> None:
    chart = only_chart(percentiles.charts(run_of(Shape())))
    svg = render_svg(chart.spec, "x")
    assert f'stroke="{LIMIT}"' in svg
    assert "limit p95 0.500 s" in svg
    assert "limit p99 1.000 s" in svg


def test_the_tail_ends_where_one_value_is_left(tmp_path: Path) -> None:
    source = ChartSource(case_of(tmp_path, Load()), good_result(latency=()))
    chart = only_chart(percentiles.charts(source))
    (line, *_) = layers_of(chart.spec)
    assert max(each["x"] for each in line["data"]["values"]) <= math.log10(4) + 1e-3
    assert chart.rows[0][-1] == "no data"  # p99.9 of four values


def test_the_sentence_names_the_slowest_step(run_of: SourceOf) -> None:
    sentence = only_chart(percentiles.charts(run_of(Shape()))).sentence
    assert sentence.startswith("p95 of iteration is 0.2")
    assert "the slowest step is use with 0.1" in sentence


@pytest.mark.parametrize("loads", [(), (Load((NOT_SENT,)),)])
def test_without_response_times_the_reason_is_shown(
    tmp_path: Path, loads: tuple[Load, ...]
) -> None:
    source = ChartSource(case_of(tmp_path, *loads), good_result())
    assert only_reason(percentiles.charts(source)) == "no step has two response times"
