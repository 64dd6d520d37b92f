"""Does all that a worker records reach the master, once, whatever the channel loses or doubles?"""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios.evidence.exchange import Outcome
from scenarios.evidence.exchanges import ROW
from scenarios.evidence.recording import ROWS, End, Recorder, read_recording
from scenarios.evidence.transfer import MOST_NOTES_BYTES, MOST_ROWS, Batch, Inbox, Outbox

END = End(started=1, dropped=0, cpu_s=0.1, wall_s=1.0)


@contextmanager
def two_folders() -> Iterator[tuple[Path, Path]]:
    """A worker's folder, and the master's."""
    with TemporaryDirectory() as worker, TemporaryDirectory() as master:
        yield Path(worker), Path(master)


def recorder_in(folder: Path) -> Recorder:
    return Recorder(folder / "many-w1.jsonl", "many-w1", "many", 1, None, ("a", "b"), 0.0, True)


def record(recorder: Recorder, under_way: list[int], chance: random.Random) -> None:
    """Begin an exchange, or conclude one that is under way, in any order."""
    if not under_way or chance.random() < 0.5:
        under_way.append(recorder.intend(chance.randint(1, 99), chance.randint(0, 1), 1.5))
        return
    number = under_way.pop(chance.randrange(len(under_way)))
    outcome = chance.choice(list(Outcome))
    reason = "" if outcome is Outcome.OK else f"reason {chance.randint(1, 5)}"
    detail = {"status": 500, "n": number} if reason else None
    recorder.conclude(number, 1.5, 2.5, outcome, chance.choice([None, 500]), reason, detail)


class Channel:
    """Loses batches, doubles them and turns their order round, by chance."""

    def __init__(self, outbox: Outbox, inbox: Inbox, chance: random.Random) -> None:
        self._outbox = outbox
        self._inbox = inbox
        self._chance = chance
        self._on_its_way: list[Batch] = []

    def send(self, batches: list[Batch]) -> None:
        for batch in batches:
            self._on_its_way += [batch] * self._chance.choice([0, 1, 1, 1, 2])
        self._chance.shuffle(self._on_its_way)
        while self._on_its_way and self._chance.random() < 0.8:
            self._deliver(self._on_its_way.pop())

    def deliver_all(self) -> None:
        """Send again, as long as it takes."""
        while not self._outbox.is_empty:
            self.send(self._outbox.unconfirmed())

    def _deliver(self, batch: Batch) -> None:
        arrived = self._inbox.take(batch)
        if arrived and self._chance.random() < 0.8:  # confirmations are lost, too
            self._outbox.confirm(self._inbox.received)


def same_files(worker: Path, master: Path) -> bool:
    names = ["many-w1.jsonl", f"many-w1{ROWS}"]
    return all((worker / name).read_bytes() == (master / name).read_bytes() for name in names)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32), st.integers(1, 120))
def test_the_master_ends_up_with_the_workers_very_files(seed: int, steps: int) -> None:
    chance = random.Random(seed)
    with two_folders() as (worker, master):
        recorder, under_way = recorder_in(worker), list[int]()
        outbox, inbox = Outbox(recorder), Inbox(master / "many-w1.jsonl")
        channel = Channel(outbox, inbox, chance)
        for _ in range(steps):
            for _ in range(chance.randint(1, 8)):
                record(recorder, under_way, chance)
            if outbox.has_room:
                channel.send(list(outbox.fresh()))
            else:
                channel.send(outbox.unconfirmed())
        recorder.end(END)
        channel.send(list(outbox.fresh(over=True)))
        channel.deliver_all()
        assert same_files(worker, master)
        arrived = read_recording(master / "many-w1.jsonl")
    assert arrived
    assert arrived.end == END
    assert (arrived.missing, arrived.unconcluded) == (0, len(under_way))


def test_a_batch_is_bounded_and_the_last_one_says_so(tmp_path: Path) -> None:
    recorder = recorder_in(tmp_path)
    outbox = Outbox(recorder)
    for number in range(1, 2 * MOST_ROWS + 2):
        recorder.intend(1, 0, 0.5)
        recorder.conclude(
            number, 0.5, 0.6, Outcome.REJECTED, 500, f"reason {number % 300}", {"x": "y" * 99}
        )
    recorder.end(END)
    batches = list(outbox.fresh(over=True))
    assert len(batches) > 3
    assert max(len(batch["rows"]) for batch in batches) == MOST_ROWS * ROW.itemsize
    assert max(len(batch["notes"]) for batch in batches) <= MOST_NOTES_BYTES
    assert [batch.get("over", False) for batch in batches] == [False] * (len(batches) - 1) + [True]
    assert sum(len(batch["rows"]) for batch in batches) == (2 * MOST_ROWS + 1) * ROW.itemsize


def test_nothing_new_is_no_batch_unless_it_is_the_last(tmp_path: Path) -> None:
    recorder = recorder_in(tmp_path)
    outbox = Outbox(recorder)
    assert len(list(outbox.fresh())) == 1  # the start
    assert list(outbox.fresh()) == []
    assert [batch["over"] for batch in outbox.fresh(over=True)] == [True]
    recorder.close()


def test_what_waits_to_be_confirmed_is_bounded(tmp_path: Path) -> None:
    recorder = recorder_in(tmp_path)
    outbox, batches = Outbox(recorder), list[Batch]()
    while outbox.has_room:
        recorder.intend(1, 0, 0.5)
        batches += outbox.fresh()
        assert len(batches) < 20
    assert outbox.unconfirmed() == batches
    outbox.confirm(len(batches) - 1)
    assert outbox.has_room
    assert outbox.unconfirmed() == batches[-1:]
    recorder.close()


def test_a_batch_that_comes_before_its_turn_is_neither_written_nor_confirmed(
    tmp_path: Path,
) -> None:
    recorder = recorder_in(tmp_path)
    outbox, inbox = Outbox(recorder), Inbox(tmp_path / "master.jsonl")
    first = next(outbox.fresh())
    recorder.intend(1, 0, 0.5)
    second = next(outbox.fresh())
    assert not inbox.take(second)
    assert not inbox.path.exists()
    assert inbox.take(first)
    assert inbox.take(second)
    assert inbox.take(first)  # again: it is there
    assert inbox.received == 2
    recorder.close()


@pytest.mark.parametrize("lost", [1, 2])
def test_rows_that_never_came_are_missing_from_the_recording(tmp_path: Path, lost: int) -> None:
    """Their rows lie before some that came: batches hold rows by when they were written to."""
    with two_folders() as (worker, master):
        recorder = recorder_in(worker)
        outbox, inbox = Outbox(recorder), Inbox(master / "many-w1.jsonl")
        inbox.take(next(outbox.fresh()))
        for number in range(1, 5):
            recorder.intend(number, 0, 0.5)
            recorder.conclude(number, 0.5, 0.6, Outcome.OK, 200)
        (batch,) = outbox.fresh()
        size = ROW.itemsize
        kept = {
            **batch,
            "numbers": batch["numbers"][4 * lost :],
            "rows": batch["rows"][size * lost :],
        }
        assert inbox.take(kept)
        recorder.close()
        recording = read_recording(inbox.path)
    assert recording
    assert recording.missing == lost
    assert recording.exchanges.sequence.tolist() == list(range(lost + 1, 5))
