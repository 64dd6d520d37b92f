"""Whether changed rows are read once each."""

from pathlib import Path

from scenarios.evidence.exchange import Outcome
from scenarios.evidence.recording import Recorder
from scenarios.evidence.row_changes import RowChanges
from tests.scenarios.shop_scenario import recorder


def conclude(to: Recorder, number: int) -> None:
    to.conclude(number, 1.0, 2.0, Outcome.OK, 200, "", None)


def test_changed_rows_are_read_once_and_as_they_are_now(tmp_path: Path) -> None:
    with recorder(tmp_path / "g.jsonl", Recorder) as opened:
        changes = RowChanges(opened)
        first, second = opened.intend(1, 0, 0.0), opened.intend(2, 1, 0.0)
        conclude(opened, second)
        numbers, rows = changes.read()
        assert (list(numbers), list(rows["outcome"])) == ([first, second], [1, 2])
        assert len(changes.read()[0]) == 0
        conclude(opened, first)
        numbers, rows = changes.read()
        assert (list(numbers), list(rows["outcome"])) == ([first], [2])
        changes.close()
