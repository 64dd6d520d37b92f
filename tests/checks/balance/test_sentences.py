from dataclasses import replace
from typing import Any

import pytest

from checks.balance.rows import judge_row
from checks.balance.sentences import (
    row_sentences,
)
from checks.result import ClientFigure, Misplaced, RecordGap, ResolvedDoubt, UsageRow
from witnesses.figure import Figure, Reason
from witnesses.model import RecordKind

KEEPS = {
    "service": RecordKind.COUNTER,
    "prometheus": RecordKind.COUNTER,
    "database:main": RecordKind.RECORDS,
}


def _row(confirmed: int, *values: float, in_doubt: int = 0, **changes: Any) -> UsageRow:
    """Judge a count of which every witness has an exact figure."""
    figures = dict(zip(KEEPS, map(Figure.exact, values), strict=False))
    row = judge_row(
        "uses", {"kind": "tea"}, ClientFigure(confirmed, in_doubt), figures, KEEPS, False
    )
    return replace(row, **changes)


def test_of_a_row_on_which_all_agree_there_is_nothing_to_report() -> None:
    assert row_sentences(_row(5, 5, 5, 5)) == []


def test_witnesses_that_stand_apart_by_the_same_amount_are_named_together() -> None:
    (sentence,) = row_sentences(_row(12, 9, 9, 12))
    assert "client and database:main agree on 12" in sentence
    assert "service and prometheus stand 3 below" in sentence


@pytest.mark.parametrize(
    ("counted", "known", "unknown"),
    [
        (4.0, "the counter missed what was done.", "whether all of it was done."),
        (6.0, "the counter counted more than was done.", "whether some of it was done twice."),
    ],
)
def test_a_counter_that_differs_is_only_blamed_where_a_record_shows_what_was_done(
    counted: float, known: str, unknown: str
) -> None:
    with_record = _row(5, counted, counted, 5)
    (sentence,) = row_sentences(with_record)
    assert sentence.endswith(known)
    (sentence,) = row_sentences(_row(5, counted, counted))
    assert sentence.endswith(unknown)
    down = {**with_record.figures, "database:main": Figure.void(Reason.DATABASE_DOWN)}
    assert row_sentences(replace(with_record, figures=down))[0].endswith(unknown)


def test_the_most_important_sentence_is_the_first() -> None:
    row = _row(
        5, 4, 4, 5,
        resolved=ResolvedDoubt(done=2, not_done=1),
        records=RecordGap(missing=1, surplus=2),
    )  # fmt: skip
    verdict, doubts, missing, surplus = row_sentences(row)
    assert "1 below" in verdict
    assert doubts == ("Requests in doubt counted 2 of at most 3, as the database's trace ids show.")
    assert missing == "1 request has too few rows."
    assert surplus == "2 requests have too many rows."


def test_an_amount_under_another_label_value_is_named() -> None:
    row = _row(5, 4, 4, 5, misplaced=Misplaced(1, instead=("tenant_id", "other")))
    assert 'As many were counted under tenant_id="other".' in row_sentences(row)
