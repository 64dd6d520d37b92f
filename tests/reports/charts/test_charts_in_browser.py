"""The charts in a real browser: in every width and colour scheme, and for screen readers."""

import pytest
from playwright.sync_api import Browser

from reports.charts.rendering import draw_charts
from reports.html import render_html
from tests.reports.browsing import (
    NEEDS_BROWSER,
    WIDTHS,
    fits_on_paper,
    shows_quietly,
    stands_out,
    violations,
    written,
)
from tests.reports.charts.made_runs import Shape, judged, make_run

pytestmark = NEEDS_BROWSER
SHAPES = {
    "FAIL": Shape(slow_s=(120, 180), burst_s=(150, 160), lost_from_s=150.0),
    "INCONCLUSIVE": Shape(saturated_from_s=200.0),
}


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder, pages = tmp_path_factory.mktemp("charts"), {}
    for name, shape in SHAPES.items():
        run = make_run(folder / name, shape)
        result = judged(run)
        pages[name] = render_html(result, draw_charts(result, run.path))
    return written(folder, pages)


@pytest.mark.parametrize("name", SHAPES)
def test_the_page_is_quiet_asks_nobody_and_fits(
    browser: Browser, pages: dict[str, str], name: str
) -> None:
    page = browser.new_page()
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 844})
        shows_quietly(page, pages[name], name)
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_from_their_background(
    browser: Browser, pages: dict[str, str], scheme: str
) -> None:
    stands_out(browser, pages["FAIL"], scheme)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_wrong(browser: Browser, pages: dict[str, str], scheme: str) -> None:
    page = browser.new_page(color_scheme="dark" if scheme == "dark" else "light")
    page.goto(pages["FAIL"])
    assert violations(page) == []
    page.close()


def test_on_paper_charts_are_whole_and_their_data_is_open(
    browser: Browser, pages: dict[str, str]
) -> None:
    page = fits_on_paper(browser, pages["FAIL"])
    for drawing in page.locator(".drawing svg").all():
        box = drawing.bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= 1047
    assert page.get_by_text("At (UTC)").first.bounding_box() is not None
    page.close()
