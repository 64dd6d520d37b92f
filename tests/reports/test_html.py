"""The page of a run is one safe and small file, true to the result."""

import base64
import hashlib
import re
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from checks.result import Kind, RecordGap, Result
from checks.verdict import Verdict
from reports.charts.model import Picture, Pictures, Section
from reports.html import SECTIONS, render_html
from reports.html_template import MOST_BYTES
from tests.reports.attacks import EVIL, attacked, crowded
from tests.reports.results import (
    empty_result,
    failing_result,
    finding,
    good_result,
    latency_row,
    objective,
    usage_row,
)

VOID = {"meta", "link", "br", "img", "input", "hr"}


class Page(HTMLParser):
    """What a browser would see of a page: its elements, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data.strip())

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))


RESULTS = {
    "good": good_result(),
    "failing": failing_result(),
    "empty": empty_result(),
    "attacked": attacked(),
    "crowded": crowded(300),
    "long": attacked(EVIL + "x" * 1_000_000),
}


@cache  # the order of the tests is random: a fixture of the module would be made over and over
def page_of(name: str) -> str:
    return render_html(RESULTS[name])


@pytest.fixture(params=RESULTS)
def page(request: pytest.FixtureRequest) -> str:
    return page_of(request.param)


def test_the_page_is_well_formed_and_small(page: str) -> None:
    parsed = Page(page)
    assert parsed.open == []
    assert len(page.encode()) < MOST_BYTES


def test_the_page_has_no_script_no_image_and_no_handler(page: str) -> None:
    for tag, attributes in Page(page).elements:
        assert tag not in {"script", "img", "iframe", "object", "form", "base"}
        assert not [name for name in attributes if name.startswith("on") or name == "style"]


def test_the_policy_allows_this_style_and_nothing_else(page: str) -> None:
    style = re.search(r"<style>(.*)</style>", page, re.S)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    policy = next(attributes["content"] for _, attributes in Page(page).elements
                  if attributes.get("http-equiv") == "Content-Security-Policy")  # fmt: skip
    assert policy is not None
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:;")
    assert "unsafe" not in policy


def test_sections_are_all_there_in_order_and_headings_skip_no_level(page: str) -> None:
    elements = Page(page).elements
    ids = [attributes["id"] for tag, attributes in elements if tag == "h2"]
    assert ids == [section for section, _ in SECTIONS if section != "availability"]
    levels = [int(tag[1]) for tag, _ in elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_headers_have_a_scope_and_links_lead_somewhere(page: str) -> None:
    elements = Page(page).elements
    ids = {attributes.get("id") for _, attributes in elements}
    for tag, attributes in elements:
        assert tag != "th" or attributes["scope"] in {"row", "col"}
        href = attributes.get("href") or ""
        assert not href.startswith("#") or href[1:] in ids
        assert not re.match(r"(?i)(https?:)?//|javascript:", href)


def test_no_control_character_reaches_the_page(page: str) -> None:
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffe]", page)


@pytest.mark.parametrize("verdict", Verdict)
def test_the_title_begins_with_the_verdict(verdict: Verdict) -> None:
    assert f"<title>{verdict.upper()}: " in render_html(good_result(verdict=verdict))


def test_an_attack_is_shown_as_text() -> None:
    assert "<script>alert(1)</script>]]>" in Page(render_html(attacked())).text


def test_sections_without_content_say_so() -> None:
    text = Page(render_html(empty_result())).text
    for part in (
        "No objectives were judged.",
        "No usage was counted.",
        "No phase was driven.",
        "No latency was measured.",
        "The scenario holds no histogram of a service and no query to a limit.",
        "Nothing was checked.",
    ):
        assert part in text


def test_what_fails_comes_first_and_is_never_cut() -> None:
    page = page_of("crowded")
    balance = page[page.index('id="balance"') : page.index('id="flow"')]
    assert balance.index("the last") < balance.index("300 rows together")
    validity = page[page.index('id="validity"') : page.index('id="failures"')]
    assert "the last" in validity
    assert re.search(r"… [\d,]+ more rows pass\.", validity)


@pytest.mark.parametrize(("passing", "is_folded"), [(12, False), (13, True)])
def test_many_checks_of_validity_that_pass_are_folded_and_others_never(
    passing: int, is_folded: bool
) -> None:
    checks = [finding(f"precondition {number}", Kind.VALIDITY) for number in range(passing)]
    bad = finding("scraped after the load", Kind.VALIDITY, verdict=Verdict.INCONCLUSIVE)
    page = render_html(good_result(findings=(*checks, bad)))
    validity = page[page.index('id="validity"') : page.index('id="failures"')]
    folded = validity.partition("<details>")[2]
    assert ("precondition 3" in folded) is is_folded
    assert bad.title not in folded.partition("</details>")[0]


def test_a_range_no_data_and_not_asked_are_told_apart() -> None:
    text = Page(render_html(failing_result())).text
    assert "sessions 98–101 101 no data 101 0 ? inconclusive" in text
    assert "batch_requests 101 101 101 – 0 ✓ pass" in text


def test_the_limit_stands_in_the_picture_of_each_step() -> None:
    page = render_html(good_result())
    assert page.count('class="limit"') == 4
    assert "limit 2.500 s" in page


def test_a_value_just_over_the_limit_is_printed_over_it_everywhere() -> None:
    late = objective(95.0, 2.5, 2.5004, over_low=6, over_high=6, verdict=Verdict.FAIL)
    row = latency_row("iteration", 2.5004, objectives=(late,), max=2.50041)
    findings = tuple(each for each in good_result().findings if each.kind is not Kind.LATENCY)
    page = render_html(good_result(latency=(row,), findings=findings, verdict=Verdict.FAIL))
    assert page.count("2.5004 s") >= 4
    assert "2.500 s" not in page.replace("≤ 2.500 s", "").replace("limit 2.500 s", "").replace(
        "of 2.500 s", ""
    )


def test_the_words_of_both_sides_are_on_the_page() -> None:
    text = Page(render_html(failing_result())).text
    for part in ("LOST_COUNT", "seeded on purpose: lost_count", "as planned",
                 "100 of 100", "./run.py nightly --env local", "20261122-175000-7f3a-000217",
                 "Bearer $TOKEN", "2026-11-22 17:50:11 UTC"):  # fmt: skip
        assert part in text


def test_the_page_says_where_each_figure_comes_from() -> None:
    text = Page(render_html(good_result())).text
    for part in ("Where each figure comes from", "counted in execute workflow",
                 "cards http://127.0.0.1:8002/metrics", 'cards_used_total{tenant="t"}',
                 "SELECT card_type, count(*) FROM card_usage"):  # fmt: skip
        assert part in text


def test_a_trace_id_is_a_link_where_the_environment_has_one() -> None:
    link = "https://ui.example/t?a=1&id={trace_id}"
    page = render_html(replace(failing_result(), trace_link=link))
    linked = 'href="https://ui.example/t?a=1&amp;id=20261122-175000-7f3a-000217"'
    assert linked in page
    assert "ui.example" not in render_html(failing_result())


def test_a_link_that_no_browser_should_follow_is_none() -> None:
    page = render_html(replace(failing_result(), trace_link="javascript:alert({trace_id})"))
    assert "javascript" not in page


def test_equal_rows_are_folded_only_above_twelve() -> None:
    def folds(rows: int) -> bool:
        usage = tuple(usage_row("cards", 7, labels={"id": f"{each}"}) for each in range(rows))
        return "where every witness agrees" in render_html(good_result(usage=usage))

    assert (folds(12), folds(13)) == (False, True)


@pytest.mark.parametrize("result", [good_result(), failing_result()], ids=["good", "failing"])
def test_the_same_result_gives_the_same_bytes(result: Result) -> None:
    assert render_html(result) == render_html(result)


def test_requests_that_lack_rows_are_named_folded_and_escaped() -> None:
    gap = RecordGap(missing=2, missing_ids=("run-1-load-4", "<b>"))
    row = usage_row("uses", 3, verdict=Verdict.FAIL, records=gap)
    page = render_html(replace(good_result(), usage=(row,)))
    assert "<details><summary>Too few rows: the first by trace id</summary>" in page
    assert "<code>run-1-load-4</code> <code>&lt;b&gt;</code>" in page


def test_what_a_chart_has_for_the_first_screen_stands_there_with_its_link() -> None:
    text = "p95 of <b>use</b> rises"
    pictures = Pictures((Picture(Section.LATENCY, "Over time", "All.", highlight=text),))
    page = render_html(good_result(), pictures)
    header = page[page.index("<header") : page.index("</header>")]
    assert "p95 of &lt;b&gt;use&lt;/b&gt; rises" in header
    assert '<a href="#latency">See the chart</a>' in header
    assert "See the chart" not in render_html(good_result())
