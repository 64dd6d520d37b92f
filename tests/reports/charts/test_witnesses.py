from dataclasses import replace
from pathlib import Path

from checks.result import UsageRow
from checks.verdict import Verdict
from reports.charts import witnesses
from reports.charts.model import Chart
from reports.charts.source import ChartSource
from reports.vega import render_svg
from tests.evidence_factory import case_of
from tests.reports.charts.conftest import SourceOf
from tests.reports.charts.made_runs import Shape
from tests.reports.charts.specs import only_chart, only_reason
from tests.reports.results import good_result
from witnesses.figure import Figure

LOST = Shape(lost_from_s=150.0)


def test_a_counter_that_loses_from_the_middle_on_is_named_and_dated(run_of: SourceOf) -> None:
    chart = only_chart(witnesses.charts(run_of(LOST)))
    assert chart.title == "uses tea over time"
    assert chart.sentence == (
        "Prometheus differs from the client since 17:52:35 UTC, by −60. At the end: "
        "client 6,000, service 5,940, prometheus 5,940, database:main 6,000."
    )
    assert "differs since 17:52:35" in render_svg(chart.spec, chart.sentence)
    first = next(row for row in chart.rows if row[-1] != "0")
    assert first[0] == "17:52:35"


def test_where_all_agree_one_chart_shows_it(run_of: SourceOf) -> None:
    sentence = only_chart(witnesses.charts(run_of(Shape()))).sentence
    assert sentence.startswith("Prometheus agrees with the client at the last of ")


def test_at_most_three_rows_are_drawn_those_that_differ_first(run_of: SourceOf) -> None:
    source = run_of(LOST)
    rows = source.result.usage

    def failing(row: UsageRow) -> UsageRow:
        return replace(row, verdict=Verdict.FAIL)

    result = replace(source.result, usage=(*rows, *map(failing, rows), *map(failing, rows)))
    drawn = list(witnesses.charts(ChartSource(source.case, result)))
    assert len(drawn) == witnesses.MOST_CHARTS
    assert all(isinstance(each, Chart) for each in drawn)


def test_a_row_of_which_prometheus_has_no_scrape_says_so(run_of: SourceOf) -> None:
    source = run_of(Shape())
    row = replace(source.result.usage[0], labels={"kind": "nobody"})
    drawn = witnesses.charts(ChartSource(source.case, replace(source.result, usage=(row,))))
    assert only_reason(drawn) == "Prometheus has no scrape of it during the run"


def test_without_prometheus_the_reason_is_shown(tmp_path: Path) -> None:
    case = case_of(tmp_path)
    row = replace(good_result().usage[0], figures={"service": Figure.exact(1.0)})
    without = ChartSource(case, good_result(usage=(row,)))
    assert only_reason(witnesses.charts(without)) == "no quantity is counted by Prometheus"
    unread = ChartSource(case, good_result())
    assert only_reason(witnesses.charts(unread)) == "Prometheus was not read"
