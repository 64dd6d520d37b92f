"""The report of an audit in a terminal and as a page: complete, and safe with foreign text."""

import io
import json
import re
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

from checks.audit import audit_json
from reports.audit import print_audit, render_audit_html, render_audit_terminal
from reports.html_template import MOST_BYTES
from reports.terminal_output import TerminalFormat
from tests.reports.attacks import EVIL
from tests.reports.audits import (
    attacked_audit,
    audited,
    crowded_audit,
    failing_audit,
    good_audit,
    unfinished_audit,
)
from tests.reports.test_html import Page
from tests.reports.test_render import golden

PAGE = Path("runs/audit-20261122-175000-7f3a/audit.html")
AUDITS = {
    "PASS": good_audit(),
    "FAIL": failing_audit(),
    "INCONCLUSIVE": unfinished_audit(),
    "INCONCLUSIVE: nothing": unfinished_audit(0),
    "FAIL: attacked": attacked_audit(EVIL),
    "FAIL: attacked at length": attacked_audit(EVIL + "x" * 100_000),
    "FAIL: crowded": crowded_audit(),
}


@cache
def page_of(name: str) -> str:
    return render_audit_html(AUDITS[name])


@pytest.fixture(params=AUDITS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def terminal(name: str, columns: int = 100, encoding: str = "utf-8") -> str:
    return render_audit_terminal(AUDITS[name], TerminalFormat(columns, encoding, False), PAGE)


@pytest.mark.parametrize("name", ["PASS", "FAIL", "INCONCLUSIVE"])
def test_the_terminal_says_what_was_agreed(name: str) -> None:
    golden(f"audit-{name.lower()}.100.txt", terminal(name))
    golden(f"audit-{name.lower()}.80.txt", terminal(name, 80, "ascii"))


@pytest.mark.parametrize("columns", [80, 100])
def test_no_line_is_wider_than_the_paper_but_the_ones_to_copy(name: str, columns: int) -> None:
    wide = [line for line in terminal(name, columns).splitlines() if len(line) > columns]
    assert all(line.startswith(("  report", "  again")) for line in wide)


def test_no_escape_of_a_foreign_string_reaches_the_terminal(name: str) -> None:
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", terminal(name))


def test_colours_are_for_paper_that_takes_them() -> None:
    plain, coloured = (render_audit_terminal(failing_audit(), TerminalFormat(100, "utf-8", colours))
                       for colours in (False, True))  # fmt: skip
    assert "\x1b[" not in plain
    assert "\x1b[31m✕ missed" in coloured


def test_a_file_gets_no_colours() -> None:
    stream = io.StringIO()
    print_audit(good_audit(), PAGE, stream)
    assert "\x1b[" not in stream.getvalue()
    assert str(PAGE) in stream.getvalue()


def test_what_was_missed_comes_first_in_both() -> None:
    text = terminal("FAIL")
    missed = [text.index(f"{each}  ") for each in ("clean run 1", "lost-usage-row", "stall")]
    assert missed == sorted(missed)
    page = Page(page_of("FAIL")).text
    assert page.index("✕ missed") < page.index("✓ caught")
    assert page.index("✕ failed") < page.index("✓ passed")


def test_each_trouble_is_on_the_page_and_in_the_terminal() -> None:
    page, text = Page(page_of("FAIL")).text, " ".join(terminal("FAIL").split())
    for run in AUDITS["FAIL"].runs:
        for error in run.errors:
            assert error in page
            assert error in text


def test_the_banner_counts_faults_and_clean_runs_apart() -> None:
    for rendering in (page_of("PASS"), terminal("PASS")):
        assert "26 of 26 faults caught, 3 of 3 clean runs passed, 6 m 12 s." in rendering
    assert "24 of 26 faults caught, 2 of 3 clean runs passed" in page_of("FAIL")
    assert "Not finished: 26 of 29 planned runs were not made." in page_of("INCONCLUSIVE")


def test_a_run_that_is_not_as_expected_never_reads_as_if_it_were() -> None:
    rows = re.findall(r"<tr class=\"fail\">.*?</tr>", page_of("FAIL"), re.S)
    assert len(rows) == 3
    assert not [row for row in rows if "the same" in row]


def test_the_page_is_well_formed_small_and_without_script(name: str) -> None:
    page = page_of(name)
    parsed = Page(page)
    assert parsed.open == []
    assert len(page.encode()) < MOST_BYTES
    for tag, attributes in parsed.elements:
        assert tag not in {"script", "img", "iframe", "object", "form", "base"}
        assert not [each for each in attributes if each.startswith("on") or each == "style"]
        assert tag != "th" or attributes["scope"] in {"row", "col"}
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffe]", page)


def test_the_page_has_the_policy_of_the_report(name: str) -> None:
    assert "content=\"default-src 'none'; style-src 'sha256-" in page_of(name)
    assert "unsafe" not in page_of(name)


def test_headings_skip_no_level_and_the_title_starts_with_the_verdict(name: str) -> None:
    parsed = Page(page_of(name))
    levels = [int(tag[1]) for tag, _ in parsed.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert f"<title>{name.partition(':')[0]}: " in page_of(name)


def test_an_attack_is_shown_as_text() -> None:
    assert "<script>alert(1)</script>]]>" in Page(page_of("FAIL: attacked")).text


@pytest.mark.parametrize(
    "folder", ["javascript:alert(1)//", "//evil.example/", "\ud800", "a b#c?d"]
)
def test_a_link_stays_in_the_folder_of_the_audit(folder: str) -> None:
    run = audited(good_audit().runs[1].expected, 2, folder=folder)
    page = render_audit_html(good_audit(runs=(run,)))
    links = [str(attributes["href"]) for tag, attributes in Page(page).elements if tag == "a"]
    reports = [link for link in links if link.endswith("report.html")]
    assert len(reports) == 1
    assert re.fullmatch(r"\./[^:?#\s]+/report\.html", reports[0])


def test_a_run_without_a_result_has_no_link() -> None:
    run = AUDITS["FAIL"].runs[5]
    assert run.folder not in page_of("FAIL")
    assert AUDITS["FAIL"].runs[6].folder in page_of("FAIL")


def test_what_was_missed_is_never_cut() -> None:
    page = page_of("FAIL: crowded")
    assert "the last" in page
    assert re.search(r"… \d+ more rows pass\.", page)
    assert "and 992 more" in page
    assert page.count(" passed<br>") <= 8


def test_the_same_audit_gives_the_same_bytes() -> None:
    assert render_audit_html(failing_audit()) == render_audit_html(failing_audit())
    assert audit_json(failing_audit()) == audit_json(failing_audit())
    json.loads(audit_json(AUDITS["FAIL: attacked"]))
