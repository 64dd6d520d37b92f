from reports.charts.model import Picture, Pictures, Section


def test_a_section_has_its_own_charts_in_order() -> None:
    flow, latency = Picture(Section.FLOW, "a"), Picture(Section.LATENCY, "b")
    assert list(Pictures((latency, flow)).of(Section.FLOW)) == [flow]
    assert list(Pictures(reason="none").of(Section.FLOW)) == []
