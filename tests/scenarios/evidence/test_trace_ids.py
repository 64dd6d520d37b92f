import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.evidence.exchange import trace_id
from scenarios.evidence.trace_ids import TraceIds, id_in, trace_value_of

RUN = "20261127-104357-ab12"
IDS = TraceIds(RUN, "traceparent", ("load", "load-w1", "load-w2", "01-once"))


@given(generator=st.sampled_from(IDS.generators), sequence=st.integers(0, 2**40 - 1))
def test_a_traceparent_leads_back_to_its_request(generator: str, sequence: int) -> None:
    value = trace_value_of("traceparent")(RUN, generator, sequence)
    assert re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-01", value)
    assert not re.search("-(0{32}|0{16})-", value)
    readable = trace_id(RUN, generator, sequence)
    shown = IDS.shown(generator, sequence)
    as_uuid = "-".join(re.findall("^.{8}|.{4}(?=.{12})|.{12}$", shown))
    for kept in (value, shown, shown.upper(), as_uuid):
        assert IDS.read(kept) == readable, kept
    assert IDS.shown_all([readable]) == (shown,)


def test_ids_of_others_are_left_as_they_are() -> None:
    other = TraceIds("20261127-104357-ab13", "traceparent", IDS.generators).shown("load", 7)
    unknown = TraceIds(RUN, "traceparent").shown("load-w9", 7)
    for text in (other, unknown, "", "x", f"{RUN}-load-7", "f" * 32):
        assert IDS.read(text) == text


def test_any_other_header_has_the_run_the_generator_and_the_number() -> None:
    for header in ("X-Trace-ID", "x-request-id"):
        ids = TraceIds(RUN, header)
        assert trace_value_of(header)(RUN, "load", 7) == ids.shown("load", 7) == f"{RUN}-load-7"
        assert ids.read(f"{RUN}-load-7") == f"{RUN}-load-7"
        assert ids.shown_all([f"{RUN}-load-w1-7"]) == (f"{RUN}-load-w1-7",)


def test_an_id_of_the_run_leads_to_its_generator_and_number() -> None:
    assert IDS.request_of(f"{RUN}-load-w1-7") == ("load-w1", 7)
    assert IDS.request_of(f"{RUN}-01-once-123456789012345") == ("01-once", 123456789012345)


@pytest.mark.parametrize(
    "kept",
    [
        "", "load-7", f"{RUN}-", f"{RUN}-load-", f"{RUN}-load", f"{RUN}-loa", f"{RUN}-load-x",
        f"{RUN}-load--1", f"{RUN}-load-²", f"{RUN}-load-7 ", f"{RUN}-load-7.1", f"{RUN}-load-w9-7",
        f"{RUN}-load-" + "9" * 5000, f"{RUN.upper()}-load-7", f"x{RUN}-load-7",
    ],
)  # fmt: skip
def test_an_id_that_a_database_cut_off_or_changed_leads_to_no_request(kept: str) -> None:
    assert IDS.request_of(kept) is None


def test_the_last_bits_of_successive_ids_do_not_count_by_ones() -> None:
    last = [int(IDS.shown("load", number)[-2:], 16) for number in range(256)]
    assert sorted(last) == list(range(256))
    halves = [int(IDS.shown("load", number)[16:], 16) < 2**63 for number in range(1000)]
    assert 400 < sum(halves) < 600


@pytest.mark.parametrize("header", ["traceparent", "TraceParent"])
def test_the_id_within_a_header_is_what_services_log(header: str) -> None:
    assert id_in(f"00-{'a' * 32}-{'b' * 16}-01", header) == "a" * 32
    assert id_in("run-load-1", "X-Trace-ID") == "run-load-1"
