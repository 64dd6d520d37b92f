from dataclasses import replace
from typing import Any

from checks.balance.label_sentences import sentences_by_labels
from checks.result import UsageRow
from tests.checks.balance.test_sentences import _row


def _labelled(number: int, *values: float, **changes: Any) -> list[UsageRow]:
    row = _row(12, *values, **changes)
    return [replace(row, labels={"kind": f"k{each}"}) for each in range(number)]


def test_label_sets_that_fail_are_all_named() -> None:
    (sentence,) = sentences_by_labels(_labelled(60, 9, 9, 12))
    assert all(f"k{each}" in sentence for each in range(60))


def test_of_other_label_sets_those_beyond_twenty_are_counted() -> None:
    alike, more = sentences_by_labels(_labelled(60, 12, 12, 12, in_doubt=1))
    assert "k19: " in alike
    assert "k20" not in alike
    assert more == "40 more label sets are alike."
