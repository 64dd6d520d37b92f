"""Exactly the requests whose rows are too few or too many are named."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.balance.per_request import MAX_IDS, RequestLedger
from checks.result import RecordGap
from scenarios.evidence.exchange import Exchange, Outcome, trace_id


def _gap(
    promised: Mapping[int, int], found: Mapping[int, int], strays: int = 0, generator: str = "g"
) -> RecordGap:
    ledger = RequestLedger()
    for sequence, amount in promised.items():
        ledger.promise(Exchange(generator, sequence, 1, "s", 0.0, 0.0, 1.0, Outcome.OK), amount)
    for sequence, amount in found.items():
        ledger.find(generator, sequence, amount)
    return ledger.gap("run", strays)


def test_each_request_is_named_as_its_header_said() -> None:
    found = _gap({1: 4, 2: 4, 7: 4}, {1: 4, 2: 3, 7: 5}, generator="01-load-2")
    assert found == RecordGap(1, ("run-01-load-2-2",), 1, ("run-01-load-2-7",))


def test_twenty_are_named_and_all_are_counted() -> None:
    found = _gap(dict.fromkeys(range(1, 101), 1), {})
    assert found.missing_ids == tuple(trace_id("run", "g", n) for n in range(1, MAX_IDS + 1))
    assert found.missing == 100


@pytest.mark.parametrize("sequence", [0, 2, 3, 10**14])
def test_a_row_of_no_request_that_promised_anything_is_not_entered(sequence: int) -> None:
    ledger = RequestLedger()
    ledger.promise(Exchange("g", 1, 1, "s", 0.0, 0.0, 1.0, Outcome.OK), 1)
    ledger.find("g", 1, 1)
    ledger.find("g", sequence, 5)
    ledger.find("other", 1, 5)
    assert ledger.gap("run", 0) == RecordGap()


@pytest.mark.parametrize(("strays", "missing"), [(0, 2), (2, 2), (3, 0), (9, 0)])
def test_rows_of_no_request_make_up_for_all_that_lacks_or_for_nothing(
    strays: int, missing: int
) -> None:
    assert _gap({1: 2, 2: 2}, {1: 1}, strays).missing == missing


_amounts = st.dictionaries(st.integers(1, 60), st.integers(1, 5))


@given(_amounts, _amounts)
def test_they_are_those_that_a_comparison_one_by_one_finds(
    promised: dict[int, int], found: dict[int, int]
) -> None:
    gap = _gap(promised, found)
    assert gap.missing == sum(found.get(n, 0) < many for n, many in promised.items())
    assert gap.surplus == sum(found.get(n, 0) > many for n, many in promised.items())


def _request(sequence: int) -> Exchange:
    return Exchange("g", sequence, 1, "s", 0.0, 0.0, 1.0, Outcome.OK)


@pytest.mark.parametrize(
    ("found", "gap"),
    [
        (3, RecordGap()),
        (5, RecordGap()),
        (6, RecordGap(0, (), 1, ("run-g-2",), 1)),
        (2, RecordGap(1, ("run-g-2",))),
    ],
)
def test_what_is_left_open_after_a_hang_up_is_neither_missing_nor_too_much(
    found: int, gap: RecordGap
) -> None:
    ledger = RequestLedger()
    for sequence in (1, 2):
        ledger.promise(_request(sequence), 3)
    ledger.allow(_request(2), 2)
    ledger.note_hang_up(_request(2))
    ledger.find("g", 1, 3)
    ledger.find("g", 2, found)
    assert ledger.gap("run", 0) == gap


def test_too_many_rows_of_a_request_that_was_read_whole_come_after_no_hang_up() -> None:
    ledger = RequestLedger()
    for sequence in (1, 2):
        ledger.promise(_request(sequence), 3)
        ledger.find("g", sequence, 4)
    ledger.note_hang_up(_request(2))
    gap = ledger.gap("run", 0)
    assert (gap.surplus, gap.after_hang_up) == (2, 1)


def _rejecting(*sequences: int) -> RequestLedger:
    mask = bytes(number in sequences for number in range(1 + max(sequences)))
    return RequestLedger({"g": mask})


def test_a_rejected_request_with_rows_is_named_apart() -> None:
    ledger = _rejecting(2, 9)
    ledger.promise(_request(1), 1)
    for sequence in (1, 9, 9, 3, 10, 10**14):
        ledger.find("g", sequence, 1)
    ledger.find("other", 9, 1)
    assert ledger.gap("run", 0) == RecordGap(rejected=1, rejected_ids=("run-g-9",))


@pytest.mark.parametrize(("found", "rejected"), [(0, 0), (2, 0), (3, 1)])
def test_rows_that_a_rejected_request_may_have_are_allowed(found: int, rejected: int) -> None:
    ledger = _rejecting(2)
    ledger.promise(_request(1), 1)
    ledger.find("g", 1, 1)
    ledger.allow(_request(2), 2)
    ledger.find("g", 2, found)
    gap = ledger.gap("run", 0)
    assert (gap.missing, gap.surplus, gap.rejected) == (0, 0, rejected)


def test_a_rejected_request_that_promises_a_count_by_its_status_is_compared_as_any_other() -> None:
    ledger = _rejecting(2)
    ledger.promise(_request(2), 1)
    ledger.find("g", 2, 2)
    assert ledger.gap("run", 0) == RecordGap(0, (), 1, ("run-g-2",))


def test_twenty_rejected_requests_are_named_and_all_are_counted() -> None:
    ledger = _rejecting(*range(1, 101))
    for number in range(1, 101):
        ledger.find("g", number, 1)
    gap = ledger.gap("run", 0)
    assert (gap.rejected, len(gap.rejected_ids)) == (100, MAX_IDS)


def test_the_first_request_that_lacks_rows_is_dated_over_all_generators() -> None:
    at = datetime(2026, 11, 22, 17, 50, tzinfo=UTC)
    ledger = RequestLedger()
    for generator, sequences in {"w1": (1, 2, 3), "w2": (1, 2)}.items():
        for sequence in sequences:
            ledger.promise(Exchange(generator, sequence, 1, "s", 0.0, 0.0, 1.0, Outcome.OK), 1)
    ledger.find("w1", 1, 1)
    ledger.find("w2", 1, 1)
    sent = {("w1", 2): at + timedelta(seconds=9), ("w2", 2): at + timedelta(seconds=4)}
    gap = ledger.gap("run", 0, lambda *request: sent.get(request))
    assert (gap.missing, gap.first_missing_at) == (3, at + timedelta(seconds=4))
    assert ledger.gap("run", 0).first_missing_at is None
    assert ledger.gap("run", 9, lambda *request: sent.get(request)).first_missing_at is None
