"""Tests of rendering Vega-Lite to SVG."""

import sys
import xml.etree.ElementTree as ET
from types import SimpleNamespace

import pytest

from reports.vega import BLUE, LIMIT, ChartsUnavailable, render_svg

SPEC = {
    "height": 100,
    "data": {"values": [{"x": x, "y": x * x} for x in range(5)]},
    "layer": [
        {
            "mark": {"type": "line", "color": BLUE},
            "encoding": {
                "x": {"field": "x", "type": "quantitative"},
                "y": {"field": "y", "type": "quantitative"},
            },
        },
        {"mark": {"type": "rule", "color": LIMIT}, "encoding": {"y": {"datum": 9}}},
    ],
}


def test_the_picture_has_a_text_alternative_and_colours_of_the_page() -> None:
    picture = ET.fromstring(render_svg(SPEC, "y is\nx squared"))
    assert (picture.get("role"), picture.get("aria-label")) == ("img", "y is x squared")
    strokes = {each.get("stroke") for each in picture.iter()}
    assert {BLUE, LIMIT} <= strokes


def test_the_same_figures_give_the_same_bytes() -> None:
    assert render_svg(SPEC, "x") == render_svg(SPEC, "x")


def test_a_value_that_is_no_number_is_a_gap() -> None:
    values = [{"x": x, "y": float("nan") if x == 2 else x} for x in range(5)]
    assert render_svg({**SPEC, "data": {"values": values}}, "x").startswith("<svg")


def test_the_picture_has_no_style_no_script_no_address_and_no_class() -> None:
    svg = render_svg(SPEC, "x")
    for part in ("style=", "<style", "<script", "href", "class=", "aria-roledescription"):
        assert part not in svg


def test_foreign_text_is_escaped() -> None:
    hostile = "</text><script>alert(1)</script>"
    spec = {"data": {"values": [{"t": hostile}]}, "mark": "text",
            "encoding": {"text": {"field": "t", "type": "nominal"}}}  # fmt: skip
    svg = render_svg(spec, hostile)
    assert "<script" not in svg
    assert ET.fromstring(svg).get("aria-label") == hostile


def test_data_from_the_network_is_refused() -> None:
    spec = {"data": {"url": "http://127.0.0.1:9/x.json"}, "mark": "point"}
    with pytest.raises(ValueError, match="127"):
        render_svg(spec, "x")


def test_without_the_library_the_error_names_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    with pytest.raises(ChartsUnavailable, match="vl_convert is not installed; run make setup"):
        render_svg(SPEC, "x")


def test_a_picture_is_drawn_once_per_process(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[object] = []

    def convert(spec: object, **_: object) -> str:
        drawn.append(spec)
        return "<svg/>"

    monkeypatch.setitem(sys.modules, "vl_convert", SimpleNamespace(vegalite_to_svg=convert))
    for label in ("a", "b", "a"):
        assert f'aria-label="{label}"' in render_svg(SPEC, label)
    assert len(drawn) == 2


def test_a_panic_of_the_renderer_is_no_end_of_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    class Panic(BaseException):
        """What a panic of Rust becomes in Python."""

    def panic(*_: object, **__: object) -> str:
        raise Panic("too many open files")

    library = SimpleNamespace(vegalite_to_svg=panic)
    monkeypatch.setitem(sys.modules, "vl_convert", library)
    with pytest.raises(ChartsUnavailable, match="cannot be drawn: too many open files"):
        render_svg({}, "a chart")
