import xml.etree.ElementTree as ET

from reports.charts.curve import Curve, draw_curve
from reports.vega import BLUE, LIMIT


def _drawn(limit: float | None = None, values: tuple[float, ...] = (0.0, 2.0, 1.0)) -> ET.Element:
    return ET.fromstring(draw_curve(Curve("Rate", (0.0, 1.0, 2.0), values, BLUE, limit)))


def test_a_curve_has_a_text_alternative_with_its_newest_value_and_limit() -> None:
    picture = _drawn(3.0)
    assert picture.get("role") == "img"
    assert picture.get("aria-label") == "Rate: 1 now, limit 3"


def test_each_value_is_a_point_within_the_picture() -> None:
    (line,) = _drawn().iter("polyline")
    points = [tuple(map(float, each.split(","))) for each in (line.get("points") or "").split()]
    assert len(points) == 3
    assert all(0 <= x <= 760 and 0 <= y <= 170 for x, y in points)


def test_a_near_limit_is_a_line_and_a_far_one_is_not() -> None:
    assert [each.get("stroke") for each in _drawn(3.0).iter("line")].count(LIMIT) == 1
    assert [each.get("stroke") for each in _drawn(30.0).iter("line")].count(LIMIT) == 0


def test_a_curve_that_is_zero_throughout_is_drawn() -> None:
    assert len(list(_drawn(values=(0.0, 0.0, 0.0)).iter("polyline"))) == 1
