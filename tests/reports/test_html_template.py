import base64
import hashlib
import re

import pytest
from jinja2 import UndefinedError

from reports.html import render_html
from reports.html_template import MOST_BYTES, render_page
from tests.reports.attacks import CONTROL, EVIL, attacked, control_in, crowded
from tests.reports.results import good_result


def test_the_policy_permits_the_style_of_the_page_and_nothing_else() -> None:
    page = render_html(good_result())
    (style,) = re.findall(r"<style[^>]*>(.*?)</style>", page, re.DOTALL)
    allowed = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    (policy,) = re.findall(r'content="(default-src [^"]*)"', page)
    assert f"'sha256-{allowed}'" in policy
    assert "default-src 'none'" in policy


def test_a_page_that_would_be_too_large_is_shortened_and_shows_it() -> None:
    pages = [render_html(result) for result in (crowded(300), attacked("x" * 100_000))]
    assert all(len(page.encode()) < MOST_BYTES for page in pages)


def test_every_foreign_string_is_escaped() -> None:
    assert EVIL not in render_html(attacked(EVIL))


def test_a_name_that_the_template_lacks_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        render_page("report.html.j2", lambda _: {})


def test_no_control_character_of_a_foreign_string_is_rendered() -> None:
    page = render_html(attacked(CONTROL))
    assert "a\ufffd[31mb" in page
    assert control_in(page) == set()
