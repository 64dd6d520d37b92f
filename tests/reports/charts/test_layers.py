from datetime import UTC, datetime, timedelta

import pytest

from reports.charts.layers import limit_layers, moment_layers, panel, short_name, time_axis
from reports.vega import LIMIT, render_svg

BEGIN = datetime(2026, 11, 22, 2, tzinfo=UTC)


@pytest.mark.parametrize(("hours", "form"), [(1, "%H:%M:%S"), (24, "%H:%M"), (72, "%m-%d %Hh")])
def test_the_axis_shows_the_day_only_where_there_are_several(hours: int, form: str) -> None:
    axis = time_axis(BEGIN, BEGIN + timedelta(hours=hours))
    assert axis["axis"]["format"] == form
    assert axis["scale"]["type"] == "utc"


def test_a_near_limit_is_a_line_in_the_picture_and_a_far_one_is_named() -> None:
    data = [{"data": {"values": [{"value": 1}]}, "mark": "point",
             "encoding": {"y": {"field": "value", "type": "quantitative"}}}]  # fmt: skip
    near = render_svg(panel([*data, *limit_layers(2.0, 1.0)], 80), "x")
    assert f'stroke="{LIMIT}"' in near
    assert "limit 2.000 s" in near
    far = render_svg(panel([*data, *limit_layers(9.0, 1.0)], 80), "x")
    assert f'stroke="{LIMIT}"' not in far
    assert "↑ limit 9.000 s" in far
    assert limit_layers(None, 1.0) == []


def test_an_instant_is_in_milliseconds_of_the_epoch() -> None:
    rule, _ = moment_layers(BEGIN, "x")
    assert rule["data"]["values"] == [{"at": round(BEGIN.timestamp() * 1000)}]


def test_a_foreign_name_is_one_short_line() -> None:
    assert "\n" not in short_name("a\nb" + "x" * 500)
    assert len(short_name("x" * 500)) < 100
