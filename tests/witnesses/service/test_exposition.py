import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.evidence_factory import exposition
from witnesses.figure import Reason
from witnesses.service.exposition import parse_exposition, refusal_of_page, unreadable

_URL = "http://shop.example/metrics"


def test_values_are_by_full_sample_name_and_sorted_labels() -> None:
    parsed = parse_exposition(exposition({"tea": 4}, visits=2).encode(), _URL)
    assert parsed.values["uses_total"] == {(("kind", "tea"), ("tenant", "acme")): 4.0}
    assert parsed.values["visits_total"] == {(): 2.0}
    assert (parsed.error, parsed.reason) == ("", None)


def test_a_metric_may_be_declared_without_a_series() -> None:
    assert parse_exposition(exposition({}).encode(), _URL).declares("uses_total")
    undeclared = parse_exposition(exposition({}, declared=False).encode(), _URL)
    assert not undeclared.declares("uses_total")


def test_the_start_time_is_that_of_the_process_or_unknown() -> None:
    shown = parse_exposition(exposition({}, start_time=512.5).encode(), _URL)
    assert shown.start_times == {(): 512.5}
    assert parse_exposition(exposition({}, start_time=None).encode(), _URL).start_times == {}


_PAGE = """# HELP hits Hits.
# TYPE hits counter
hits 3
# TYPE handles_total gauge
handles_total 4
# HELP only_helped Nothing more is known.
# TYPE took_seconds histogram
took_seconds_bucket{le="+Inf"} 2
took_seconds_count 2
took_seconds_sum 0.5
Upper_Case{Label="a } b"} 1 1700000000000
"""


def test_samples_keep_the_names_that_they_have_on_the_page() -> None:
    shown = parse_exposition(_PAGE.encode(), _URL)
    assert set(shown.values) == {
        "hits", "handles_total", "took_seconds_bucket", "took_seconds_count", "took_seconds_sum",
        "Upper_Case",
    }  # fmt: skip
    assert shown.values["Upper_Case"] == {(("Label", "a } b"),): 1.0}


@pytest.mark.parametrize(
    ("name", "of_type"),
    [
        ("hits", "counter"), ("hits_total", "counter"), ("handles_total", "gauge"),
        ("took_seconds_count", "counter"), ("took_seconds_bucket", "counter"),
        ("only_helped", ""), ("unheard_of_total", ""), ("Upper_Case", ""),
    ],
)  # fmt: skip
def test_the_type_decides_what_a_metric_is_and_not_its_name(name: str, of_type: str) -> None:
    assert parse_exposition(_PAGE.encode(), _URL).type_of(name) == of_type


def test_openmetrics_with_exemplars_is_read_too() -> None:
    page = (
        "# TYPE hits counter\n"
        'hits_total{kind="a"} 3 # {trace_id="17"} 1.0\nhits_created{kind="a"} 1700000000.5\n# EOF\n'
    )
    shown = parse_exposition(page.encode(), _URL)
    assert shown.values["hits_total"] == {(("kind", "a"),): 3.0}
    assert shown.declares("hits_total")


def test_a_page_that_only_ends_like_openmetrics_is_read_as_text() -> None:
    shown = parse_exposition(b"# TYPE hits counter\nhits 3\n# EOF\n", _URL)
    assert shown.values["hits"] == {(): 3.0}


def test_names_outside_of_the_classic_ones_are_read() -> None:
    page = b'# TYPE "shop.orders" counter\n{"shop.orders",kind="a"} 3\n'
    shown = parse_exposition(page, _URL)
    assert shown.values["shop.orders"] == {(("kind", "a"),): 3.0}
    assert shown.type_of("shop.orders") == "counter"


@pytest.mark.parametrize(
    "content",
    [b"<html><body>Sign in</body></html>", b"uses_total soon\n", b"\xff\xfe", b'a{b="c} 1\n'],
    ids=["HTML", "no number", "no UTF-8", "open quote"],
)
def test_what_is_no_exposition_has_an_error_that_names_the_address(content: bytes) -> None:
    parsed = parse_exposition(content, _URL)
    assert parsed.reason is Reason.SCRAPE_FAILED
    assert parsed.error.startswith(f"{_URL} does not show metrics: ")
    assert (parsed.values, parsed.types) == ({}, {})


def test_a_byte_that_is_no_utf_8_is_named_by_its_line() -> None:
    """Prometheus refuses such a page, too: no label of it may be guessed."""
    page = b'# TYPE a counter\na{b="c"} 1\na{b="\xe4"} 2\n'
    parsed = parse_exposition(page, _URL)
    assert parsed.reason is Reason.SCRAPE_FAILED
    assert parsed.error == f"{_URL} does not show metrics: line 3 is not UTF-8"


@pytest.mark.parametrize("content", [b"", b"\n", b"# a comment\n"])
def test_an_exposition_without_metrics_is_empty_and_not_one_of_zeros(content: bytes) -> None:
    parsed = parse_exposition(content, _URL)
    assert (parsed.reason, parsed.error) == (Reason.EMPTY_EXPOSITION, f"{_URL} shows no metrics")


@pytest.mark.parametrize(
    ("page", "fault"),
    [
        (b"\n <!DOCTYPE html><html>s3cret</html>", "it is HTML or XML"),
        (b'# HELP a b\na 1\na{b="s3cret} 1\n', "line 3 is not a sample"),
        (b"a 1\n\na soon\n", "line 3 is not a sample"),
        (b"a 1\n# TYPE a counter\n{} 1\n# EOF\n", "line 3 is not a sample"),
        (b'a{b="c"} 1\n' * 1000 + b"x" * 9000, "line 1,001 is not a sample"),
    ],
)
def test_the_error_names_the_line_and_quotes_nothing_of_it(page: bytes, fault: str) -> None:
    assert parse_exposition(page, _URL).error == f"{_URL} does not show metrics: {fault}"


@given(st.binary() | st.text(alphabet='a1{}",=# \n\\TYPEcountr.\r', max_size=60).map(str.encode))
def test_any_bytes_are_metrics_or_an_error(content: bytes) -> None:
    parsed = parse_exposition(content, _URL)
    assert not (parsed.error and parsed.values)


def test_a_series_with_two_values_has_none_and_casts_no_doubt_on_others() -> None:
    page = b'a{b="c",d="e"} 1\na{d="e",b="c"} 2\na{b="x"} 5\na{b="x"} 5\nf 1\n'
    parsed = parse_exposition(page, _URL)
    assert parsed.contradictory == {("a", (("b", "c"), ("d", "e")))}
    assert not parsed.error


@pytest.mark.parametrize(
    "lines",
    [("a 1 1600000001000", "a 2 1600000002000"), ("a 2 1600000002000", "a 1 1600000001000")],
)
def test_of_a_series_at_two_moments_the_newest_counts(lines: tuple[str, ...]) -> None:
    parsed = parse_exposition("\n".join([*lines, ""]).encode(), _URL)
    assert (parsed.values["a"][()], parsed.stamps["a"][()]) == (2.0, 1_600_000_002.0)
    assert not parsed.contradictory


@pytest.mark.parametrize(
    "line",
    [
        'a_total 7 # {c="1 # {"} 1 9',
        'a_total{b=" # {} 1 2"} 7 # {} 1',
        "a_total 7 # {} 1 1.5",
    ],
)
def test_an_exemplar_beside_a_sample_is_not_its_timestamp(line: str) -> None:
    parsed = parse_exposition(f"# TYPE a counter\n{line}\n".encode(), _URL)
    assert list(parsed.values["a_total"].values()) == [7.0]
    assert not parsed.stamps


@pytest.mark.parametrize("number", ["NaN", "+Inf", "-Inf", "1e999"])
def test_an_instant_that_is_not_finite_is_none(number: str) -> None:
    page = f"process_start_time_seconds {number}\na 1 {number}\n"
    parsed = parse_exposition(page.encode(), _URL)
    assert (parsed.start_times, parsed.newest_stamp) == ({}, None)


def test_an_unreadable_exposition_shows_nothing_but_its_error() -> None:
    nothing = unreadable(Reason.SCRAPE_FAILED, "responded 500")
    assert (nothing.values, nothing.types, nothing.start_times) == ({}, {}, {})
    assert (nothing.reason, nothing.error) == (Reason.SCRAPE_FAILED, "responded 500")


@pytest.mark.parametrize(
    "page",
    [
        b"a_total 1 1700000000500\n",
        b"# TYPE a counter\na_total 1 1700000000.5\n# EOF\n",
        b"a_total 1 1700000000.5\nb 2\n# EOF\n",
    ],
    ids=["milliseconds", "openmetrics", "ends like openmetrics"],
)
def test_timestamps_of_the_page_are_read_in_seconds(page: bytes) -> None:
    assert parse_exposition(page, _URL).stamps == {"a_total": {(): 1_700_000_000.5}}


@pytest.mark.parametrize(("asked_s", "is_stale"), [(0.0, False), (1.0, False), (1.1, True)])
def test_a_value_older_than_the_question_is_stale(asked_s: float, is_stale: bool) -> None:
    page = b'a_total{b="1"} 1 1700000000000\nlive_total 3\n'
    shown = parse_exposition(page, _URL, 1_700_000_000.0 + asked_s)
    assert shown.is_stale("a_total", (("b", "1"),)) is is_stale
    assert shown.is_stale("a_total", (("b", "2"),)) is is_stale
    assert shown.is_stale("absent_total", ()) is is_stale
    assert not shown.is_stale("live_total", ())
    assert not shown.is_stale("live_total", (("b", "2"),))


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        (b"a 1\n" * 3, ""),
        (b"# HELP a b\n# TYPE a counter\na 1\n" * 3, ""),
        (b"", ""),
        (b"a 1\n" * 4, "shows more than 3 samples"),
        (b"\n" * 4, "shows more than 3 samples"),
        (b"#\n" * 10, "shows more than 9 lines"),
        (b"a 1\n" + b"b" * 41, "shows a line of more than 40 bytes"),
        (b"b" * 41 + b"\na 1\n", "shows a line of more than 40 bytes"),
    ],
)
def test_a_page_that_is_too_much_to_be_parsed_is_refused(page: bytes, reason: str) -> None:
    assert refusal_of_page(page, max_samples=3, max_line_bytes=40) == reason
