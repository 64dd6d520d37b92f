from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from checks.history.entry import Entry, UsageEntry
from tests.checks.history.entries import entry

ENTRY = TypeAdapter(Entry)


def test_an_entry_is_the_same_after_it_was_written_and_read() -> None:
    assert ENTRY.validate_json(ENTRY.dump_json(entry())) == entry()


@pytest.mark.parametrize(
    "changes",
    [
        {"schema_version": 1},
        {"completed": -1},
        {"availability": 1.5},
        {"started_at": "2026-10-01T03:00:00"},
        {"checks": {"usage/uses": "perhaps"}},
        {"usage": {"agree": 1, "differ": 0}},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_file_that_is_not_an_entry_is_rejected(changes: dict[str, Any]) -> None:
    written = ENTRY.dump_python(entry(), mode="json")
    with pytest.raises(ValidationError, match=next(iter(changes))):
        ENTRY.validate_python({**written, **changes})


def test_the_total_of_counts_includes_those_that_could_not_be_judged() -> None:
    assert UsageEntry(agree=3, differ=2, open=1).total == 6
