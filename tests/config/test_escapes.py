"""Escapes are decoded layer by layer, and decoded characters found where they stand."""

import html
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.escapes import as_written, decoded_views

ESCAPED = {
    "a%2Fb": "a/b",
    "%c3%a9": "é",
    "%E2%82%AC": "€",
    "a+b%2Fc": "a b/c",
    r"\u0061\/b": "a/b",
    r"\ud83d\ude00": "😀",
    r"\x61\xc3\xa9": "aé",
    r"say \"no\"": 'say "no"',
    "&#97;&#x62;&amp;": "ab&",
    "%255C%22": '\\"',
}


def readings(text: str) -> set[str]:
    return {view.text for view in decoded_views(text)}


@pytest.mark.parametrize(("escaped", "text"), ESCAPED.items(), ids=ESCAPED)
def test_a_text_is_read_with_its_escapes_decoded(escaped: str, text: str) -> None:
    assert {escaped, text} <= readings(escaped)


@pytest.mark.parametrize(
    "text", ["%", "%zz", "%ff", "\\", r"\u12", r"\x", "&;", "&nothing;", "a%2"]
)
def test_what_is_no_escape_stays(text: str) -> None:
    assert text in readings(text)


@pytest.mark.parametrize(("written", "needle"), [
    ("x%2Fy", "/"), (r"x\u00e9y", "é"), ("x&#233;y", "é"), ("x%2525y", "%"), ("1%2F2%2F3/y", "3"),
    ("a%2Fx+y", "x y"), (r"%5Cu0061 b", "a b"),
])  # fmt: skip
def test_decoded_characters_are_found_where_they_stand(written: str, needle: str) -> None:
    spans = {
        as_written(view, (at, at + len(needle)))
        for view in decoded_views(written)
        if (at := view.text.find(needle)) >= 0
    }
    shortest = {written[slice(*span)] for span in spans}
    assert any(needle in readings(each) for each in shortest)


@given(st.text(max_size=20), st.text(min_size=1, max_size=20), st.text(max_size=20))
def test_a_decoded_text_is_found_between_its_neighbours(before: str, text: str, after: str) -> None:
    for encode in (quote_plus, lambda each: json.dumps(each)[1:-1], html.escape):
        try:
            written = "".join(map(encode, (before, text, after)))
        except UnicodeEncodeError:
            continue
        first, end = len(encode(before)), len(encode(before + text))
        spans = [
            as_written(view, (len(before), len(before) + len(text)))
            for view in decoded_views(written)
            if view.text == before + text + after
        ]
        # A neighbour may itself read like an escape, and be decoded more than once.
        assert not spans or (first, end) in spans


def test_a_text_of_nothing_but_escapes_has_few_readings() -> None:
    assert len(list(decoded_views("%2525" * 50 + "\\\\\\\\" * 50 + "&amp;amp;" * 50))) < 60


def test_quoting_for_a_url_is_undone_up_to_four_times() -> None:
    written = "/"
    for _ in range(4):
        written = quote(written, safe="")
        assert "/" in readings(written)
