from pathlib import Path

import pytest

from checks.suite import judge
from reports.charts import server_shares
from reports.charts.source import ChartSource
from reports.vega import render_svg
from tests.checks.test_server_shares import FLOW, READ, USE, case_with
from tests.reports.charts.specs import only_chart, only_reason
from tests.witnesses.service.test_durations import page

LIMITED = FLOW.replace("checks: {", "checks: {latency: [{p95: 2.5s}], ")


def source_with(place: Path, after: str, scenario: str = LIMITED) -> ChartSource:
    case = case_with(place, after, scenario=scenario)
    return ChartSource(case, judge(case.folder))


def test_a_step_that_was_slow_outside_of_its_service_is_named_first(tmp_path: Path) -> None:
    after = page((READ, (1, 3, 4)), (USE, (3, 4, 4)))
    chart = only_chart(server_shares.charts(source_with(tmp_path, after)))
    assert chart.sentence == (
        "Of use, 100.00 % ended within 2.500 s at the service and 75.00 % at the client: the rest "
        "of the time is network, a queue before the handler, or the load generator."
    )
    assert [row[0] for row in chart.rows] == ["use", "read"]
    svg = render_svg(chart.spec, chart.sentence)
    assert "use ≤ 2.500 s" in svg
    assert "service (its own histogram)" in svg
    assert "95 %: the limit of p95 is met" in svg


def test_there_is_room_for_the_names_of_the_steps(tmp_path: Path) -> None:
    after = page((READ, (1, 3, 4)), (USE, (3, 4, 4)))
    shares = only_chart(server_shares.charts(source_with(tmp_path, after))).spec["layer"][0]
    assert shares["encoding"]["y"]["axis"]["minExtent"] >= 7.5 * len("read ≤ 2.500 s")


def test_sides_that_agree_are_said_to_agree(tmp_path: Path) -> None:
    after = page((READ, (1, 3, 4)), (USE, (1, 3, 4)))
    sentence = only_chart(server_shares.charts(source_with(tmp_path, after))).sentence
    assert sentence.startswith("Client and service agree: of read, 75.00 % ended within 2.500 s")


def test_a_range_the_requests_of_others_and_untimed_steps_are_said(tmp_path: Path) -> None:
    after = page((READ, (1, 8, 9)), edges=("0.5", "5", "+Inf"))
    chart = only_chart(server_shares.charts(source_with(tmp_path, after)))
    assert "its histogram has no edge at the limit" in chart.sentence
    assert "the service timed 9 requests, the client sent 4" in chart.sentence
    assert "1 step not timed by a service" in chart.sentence
    assert chart.rows[0][4] == "11.11 % – 88.89 %"


@pytest.mark.parametrize(
    ("after", "scenario", "reason"),
    [
        (page(), LIMITED, "no service shows on its metrics page a histogram"),
        (page((READ, (1, 3, 4))), FLOW, "no step has a p95 limit"),
    ],
)
def test_without_histogram_or_limit_there_is_the_reason(
    tmp_path: Path, after: str, scenario: str, reason: str
) -> None:
    drawn = server_shares.charts(source_with(tmp_path, after, scenario))
    assert only_reason(drawn).startswith(reason)
