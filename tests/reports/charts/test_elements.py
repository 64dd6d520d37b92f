import xml.etree.ElementTree as ET

from reports.charts.elements import add_text, new_picture, render_picture
from reports.vega import INK


def test_a_long_foreign_text_is_cut_and_escaped() -> None:
    picture = new_picture(100, 10, "a\nlabel")
    add_text(picture, 0, 0, "<b>" + "x" * 100)
    read = ET.fromstring(render_picture(picture))
    (text,) = list(read)
    assert read.get("aria-label") == "a label"
    assert len(text.text or "") == 24
    assert text.get("fill") == INK
