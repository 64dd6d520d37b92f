import xml.etree.ElementTree as ET

import pytest

from checks.observations import StepTiming
from checks.verdict import Verdict
from reports.charts.steps import (
    draw_bar,
    draw_intervals,
    draw_waterfall,
    intervals_sentence,
    waterfall_sentence,
)
from reports.views.objectives import LatencyBar
from tests.reports.attacks import CONTROL, control_in
from tests.reports.results import latency_row, objective

EVIL = "<script>alert(1)</script>\x00\ud800"
TIMINGS = (StepTiming("open", 0.0, 0.2, "ok"), StepTiming("use", 0.2, 0.6, "rejected"))


@pytest.mark.parametrize(
    "picture",
    [
        draw_bar(LatencyBar(0.1, 0.2, 0.3, 0.9), Verdict.PASS, EVIL),
        draw_waterfall([StepTiming(EVIL, 0.0, 0.1, EVIL)]),
        draw_waterfall([]),
        draw_intervals([latency_row(EVIL, 0.1)]),
        draw_intervals([]),
    ],
)
def test_a_picture_is_xml_without_script_and_without_style(picture: str) -> None:
    names = {each.tag.rpartition("}")[2] for each in ET.fromstring(picture).iter()}
    assert names <= {"svg", "title", "line", "rect", "circle", "text", "path", "polyline"}
    assert "style=" not in picture


def test_a_waterfall_has_a_bar_per_step_whose_length_is_its_duration() -> None:
    picture = ET.fromstring(draw_waterfall(TIMINGS))
    first, second = (
        float(each.get("width", 0)) for each in picture.iter() if each.tag.endswith("rect")
    )
    assert second == pytest.approx(3 * first, rel=0.05)


def test_the_sentences_name_the_slowest_step_and_the_nearest_limit() -> None:
    assert "use" in waterfall_sentence(TIMINGS)
    assert waterfall_sentence([]) == "No iteration was timed."
    rows = [latency_row("open", 0.1), latency_row("use", 2.0)]
    assert intervals_sentence(rows).startswith("use comes nearest to its limit")
    assert intervals_sentence([latency_row("open", 0.1, objectives=())]) == (
        "No step has a p95 limit."
    )


def test_of_two_p95_objectives_the_strictest_counts() -> None:
    loose, strict = objective(95.0, 2.5, 0.1), objective(95.0, 0.5, 0.1)
    row = latency_row("open", 0.1, objectives=(loose, strict, objective(50.0, 0.2, 0.1)))
    assert row.p95_objective is strict


@pytest.mark.parametrize(
    "picture",
    [
        draw_bar(LatencyBar(0.1, 0.2, 0.3, 0.9), Verdict.PASS, CONTROL),
        draw_waterfall([StepTiming(CONTROL, 0.0, 0.1, CONTROL)]),
        draw_intervals([latency_row(CONTROL, 0.1)]),
    ],
)
def test_no_control_character_of_a_name_is_drawn(picture: str) -> None:
    assert "a\ufffd[31mb" in picture
    assert control_in(picture) == set()


@pytest.mark.parametrize(("p95", "has_origin"), [(1.0, True), (40.0, False)])
def test_the_label_of_a_limit_near_the_origin_stands_alone(p95: float, has_origin: bool) -> None:
    row = latency_row("ask", p95, objectives=(objective(95.0, 1.0, p95),))
    assert (">0 s<" in draw_intervals([row])) is has_origin
