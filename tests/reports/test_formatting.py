"""Numbers, times and foreign texts as people read them are true to what was measured."""

import re
import sys
import unicodedata
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reports import formatting as write

seconds = st.floats(min_value=1e-9, max_value=1e6)
ratios = st.floats(min_value=0.0, max_value=1.0)


def number_in(text: str) -> Decimal:
    return Decimal(re.sub(r"[^0-9.e-]", "", text))


def side(value: float | Decimal, limit: float) -> int:
    exact = Decimal(repr(value)) if isinstance(value, float) else value
    return int(exact.compare(Decimal(repr(limit))))


@given(value_s=seconds, limit_s=seconds)
@example(value_s=2.5004, limit_s=2.5)
@example(value_s=2.4999999, limit_s=2.5)
@example(value_s=2.50045, limit_s=2.50045)
def test_seconds_are_never_rounded_across_a_limit(value_s: float, limit_s: float) -> None:
    printed = number_in(write.render_seconds(value_s, limit_s))
    assert side(printed, limit_s) == side(value_s, limit_s)


@given(limit_s=seconds, step=st.integers(min_value=1, max_value=40), above=st.booleans())
def test_a_value_just_beside_the_limit_stays_there(limit_s: float, step: int, above: bool) -> None:
    value_s = limit_s * (1 + (1 if above else -1) * 2.0**-step)
    printed = number_in(write.render_seconds(value_s, limit_s))
    assert side(printed, limit_s) == side(value_s, limit_s)


@given(ratio=ratios, limit=ratios)
@example(ratio=0.94999999, limit=0.95)
@example(ratio=0.999999, limit=0.5)
def test_percentages_are_never_rounded_across_a_limit_nor_to_all_or_nothing(
    ratio: float, limit: float
) -> None:
    printed = number_in(write.render_percentage(ratio, limit)).scaleb(-2)
    assert side(printed, limit) == side(ratio, limit)
    assert (printed == 1, printed == 0) == (ratio == 1.0, ratio == 0.0)


@given(value=st.floats(min_value=0, max_value=1e12))
def test_a_count_is_printed_whole(value: float) -> None:
    assert number_in(write.render_count(value)) == Decimal(repr(value))


@given(value=st.floats(min_value=-1e6, max_value=1e6).filter(bool))
def test_a_difference_shows_its_sign_and_never_rounds_to_nothing(value: float) -> None:
    text = write.render_difference(value)
    assert text[0] == ("+" if value > 0 else "−")
    assert number_in(text[1:]) == abs(Decimal(repr(value)))


@pytest.mark.parametrize("value", [None, float("nan"), float("inf"), float("-inf")])
def test_what_is_not_a_number_is_no_data(value: float | None) -> None:
    rendered = {render(value) for render in (write.render_seconds, write.render_percentage,
                                             write.render_count)}  # fmt: skip
    assert rendered == {"no data"}


def test_thousands_are_apart_and_the_minus_of_nothing_is_dropped() -> None:
    assert write.render_seconds(12345.6) == "12,345.600 s"
    assert write.render_seconds(-0.0001) == "0.000 s"


def test_an_interval_may_be_open_on_either_side() -> None:
    assert write.render_interval(None, 2.4999, 2.5) == "2.4999 s or less"
    assert write.render_interval(2.1, 2.50001, 2.5) == "2.100–2.50001 s"


def test_times_are_utc_whatever_zone_they_came_in() -> None:
    zone = timezone(timedelta(hours=9))
    assert write.render_utc(datetime(2026, 11, 23, 2, 50, tzinfo=zone)) == "2026-11-22 17:50:00 UTC"
    span = write.render_span(datetime(2026, 11, 22, 23, 59, tzinfo=UTC),
                             datetime(2026, 11, 23, 0, 1, tzinfo=UTC))  # fmt: skip
    assert span == "2026-11-22 23:59:00–2026-11-23 00:01:00 UTC"


@given(st.text(alphabet=st.characters(), max_size=300), st.integers(min_value=0, max_value=100))
def test_a_cleaned_text_is_short_writable_and_without_control(text: str, limit: int) -> None:
    cleaned = write.clean(text, limit)
    assert len(cleaned.encode()) <= limit + 60
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", cleaned)


@pytest.mark.parametrize("text", ["plain", "Grüße, 世界", "two\nlines", "tab\there", "👩\u200d🚀"])
def test_a_harmless_text_is_left_alone(text: str) -> None:
    assert write.clean(text) == text


def test_ten_megabytes_are_cut_and_say_so() -> None:
    cut = write.clean("é" * 10_000_000)
    assert len(cut.encode()) < write.CUT_BYTES + 60
    assert cut.endswith("… (cut, 10,000,000 characters in all)")


def test_a_password_in_an_address_is_not_shown() -> None:
    assert "secret" not in write.without_userinfo("postgresql://ada:secret@db/cards")


def test_exactly_the_characters_that_could_do_more_than_be_read_are_replaced() -> None:
    every = "".join(map(chr, range(sys.maxunicode + 1)))
    cleaned = write.clean(every, 1 << 23)
    replaced = {one for one, left in zip(every, cleaned, strict=True) if one != left}
    direction = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    control = {one for one in every if unicodedata.category(one) in ("Cc", "Cs", "Zl", "Zp")}
    assert replaced == {*control, *direction, "\ufffe", "\uffff"} - {"\t", "\n"}


@pytest.mark.parametrize(
    ("text", "is_whole"), [("x" * 10, True), ("x" * 11, False), ("é" * 5, True), ("é" * 6, False)]
)
def test_a_text_is_cut_only_if_it_has_more_bytes_than_allowed(text: str, is_whole: bool) -> None:
    cut = f"{text[: 10 // len(text[0].encode())]} … (cut, {len(text)} characters in all)"
    assert write.clean(text, 10) == (text if is_whole else cut)


def test_one_line_is_cleaned_cut_and_without_breaks() -> None:
    assert write.one_line("a\x1b[31m\r\n  b\u2028c\td") == "a\ufffd[31m b\ufffdc d"
    assert write.one_line("x" * 11, 10) == "xxxxxxxxxx … (cut, 11 characters in all)"
