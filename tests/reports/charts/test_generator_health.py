from dataclasses import replace
from pathlib import Path

import numpy as np

from checks.case import Case
from reports.charts import generator_health
from reports.charts.source import ChartSource
from reports.vega import render_svg
from scenarios.evidence.generator_health import HEALTH_ROW
from scenarios.evidence.recording import Recording
from tests.evidence_factory import case_of
from tests.reports.charts.conftest import SourceOf
from tests.reports.charts.made_runs import Shape
from tests.reports.charts.specs import only_chart, only_reason, points_of
from tests.reports.results import good_result

SATURATED = Shape(saturated_from_s=200.0)


def with_recordings(source: ChartSource, recordings: tuple[Recording, ...]) -> ChartSource:
    driven = replace(source.case.driven[-1], recordings=recordings)
    case: Case = replace(source.case, driven=(driven,))
    return ChartSource(case, source.result)


def test_a_saturated_generator_is_dated_and_named_with_its_limits(run_of: SourceOf) -> None:
    chart = only_chart(generator_health.charts(run_of(SATURATED)))
    since = "over the limit in 20 of 60 intervals, first from 17:53:20 UTC; "
    assert f"CPU at most 99.00 % of a core, {since}" in chart.sentence
    assert f"event loop delay at most 0.700 s, {since}" in chart.sentence
    svg = render_svg(chart.spec, chart.sentence)
    assert "limit 90.00 %" in svg
    assert "limit 0.500 s" in svg


def test_a_generator_at_rest_passes_no_limit(run_of: SourceOf) -> None:
    sentence = only_chart(generator_health.charts(run_of(Shape()))).sentence
    assert sentence.startswith("CPU at most 20.00 % of a core, in the interval from ")
    assert sentence.endswith("at most 4 iterations in flight.")


def test_of_several_processes_the_busiest_counts_and_what_is_in_flight_adds_up(
    run_of: SourceOf,
) -> None:
    source = run_of(Shape())
    (first,) = source.recordings
    busy = first.health.copy()
    busy["cpu_s"][100:105] = 0.97
    second = replace(first, start=replace(first.start, generator="load-w2"), health=busy)
    chart = only_chart(generator_health.charts(with_recordings(source, (first, second))))
    assert (
        "97.00 % of a core (load-w2), over the limit in 1 of 60 intervals, first from 17:51:40"
        in chart.sentence
    )
    assert "8 iterations in flight" in chart.sentence
    assert [row[4] for row in chart.rows].count("load-w2") > 0


def test_a_killed_worker_without_health_leaves_that_of_the_others(run_of: SourceOf) -> None:
    source = run_of(Shape())
    (first,) = source.recordings
    killed = replace(first, end=None, health=np.empty(0, HEALTH_ROW))
    chart = only_chart(generator_health.charts(with_recordings(source, (killed, first))))
    assert "at most 4 iterations in flight" in chart.sentence


def test_a_short_load_has_a_point_a_second(run_of: SourceOf) -> None:
    chart = only_chart(generator_health.charts(run_of(Shape(duration_s=6.0))))
    assert len(chart.rows) == 6
    for panel in chart.spec["vconcat"]:
        instants = [each["at"] for each in panel["layer"][0]["data"]["values"]]
        assert instants[-1] == panel["layer"][0]["encoding"]["x"]["scale"]["domain"][1]


def test_a_day_has_no_more_points_than_a_minute(run_of: SourceOf) -> None:
    source = run_of(Shape(rate_per_s=0.05, duration_s=86_400.0))
    chart = only_chart(generator_health.charts(source))
    assert points_of(chart.spec) < 300


def test_without_requests_or_health_there_is_the_reason(tmp_path: Path, run_of: SourceOf) -> None:
    none = ChartSource(case_of(tmp_path), good_result())
    assert only_reason(generator_health.charts(none)) == "no request was sent"
    source = run_of(Shape())
    single = replace(source.recordings[0], health=np.empty(0, HEALTH_ROW))
    drawn = generator_health.charts(with_recordings(source, (single,)))
    assert only_reason(drawn) == "recorded under load only"
