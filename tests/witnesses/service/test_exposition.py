import pytest

from tests.evidence_factory import exposition
from witnesses.figure import Reason
from witnesses.service.exposition import parse_exposition, unreadable

_URL = "http://shop.example/metrics"


def test_values_are_by_full_sample_name_and_sorted_labels() -> None:
    parsed = parse_exposition(exposition({"tea": 4}, visits=2).encode(), _URL)
    assert parsed.values["uses_total"] == {(("kind", "tea"), ("tenant", "acme")): 4.0}
    assert parsed.values["visits_total"] == {(): 2.0}
    assert (parsed.error, parsed.reason) == ("", None)


def test_a_metric_that_is_declared_without_a_series_is_a_family() -> None:
    assert "uses" in parse_exposition(exposition({}).encode(), _URL).families
    assert "uses" not in parse_exposition(exposition({}, declared=False).encode(), _URL).families


def test_the_start_time_is_that_of_the_process_or_unknown() -> None:
    assert parse_exposition(exposition({}, start_time=512.5).encode(), _URL).start_time == 512.5
    assert parse_exposition(exposition({}, start_time=None).encode(), _URL).start_time is None


@pytest.mark.parametrize(
    "content",
    [b"<html><body>Sign in</body></html>", b"uses_total soon\n", b"\xff\xfe", b'a{b="c} 1\n'],
    ids=["HTML", "no number", "no UTF-8", "open quote"],
)
def test_what_is_no_exposition_has_an_error_that_names_the_address(content: bytes) -> None:
    parsed = parse_exposition(content, _URL)
    assert parsed.reason is Reason.SCRAPE_FAILED
    assert parsed.error.startswith(f"{_URL} does not show metrics: ")
    assert (parsed.values, parsed.families) == ({}, frozenset())


@pytest.mark.parametrize("content", [b"", b"\n", b"# a comment\n"])
def test_an_exposition_without_metrics_is_empty_and_not_one_of_zeros(content: bytes) -> None:
    parsed = parse_exposition(content, _URL)
    assert (parsed.reason, parsed.error) == (Reason.EMPTY_EXPOSITION, f"{_URL} shows no metrics")


def test_a_long_error_of_the_parser_is_cut() -> None:
    parsed = parse_exposition(b"uses_total " + b"x" * 5_000 + b"\n", _URL)
    assert len(parsed.error) < 250


def test_an_unreadable_exposition_shows_nothing_but_its_error() -> None:
    nothing = unreadable(Reason.SCRAPE_FAILED, "responded 500")
    assert (nothing.values, nothing.families, nothing.start_time) == ({}, frozenset(), None)
    assert (nothing.reason, nothing.error) == (Reason.SCRAPE_FAILED, "responded 500")
