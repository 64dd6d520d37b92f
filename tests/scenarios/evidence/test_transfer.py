import random
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.evidence.amounts import AMOUNT, COUNTS, AmountKey, AmountKind, AmountRow
from scenarios.evidence.exchange import Outcome
from scenarios.evidence.exchanges import ROW
from scenarios.evidence.generator_health import (
    HEALTH,
    HEALTH_BYTES,
    MAX_HEALTH_ROWS,
    HealthRow,
)
from scenarios.evidence.recording import ROWS, Recorder, RecordingEnd
from scenarios.evidence.recording_reader import read_recording
from scenarios.evidence.stream_times import STREAM_ROW, STREAMS
from scenarios.evidence.transfer import (
    MAX_NOTES_BYTES,
    MAX_ROWS,
    Batch,
    BatchError,
    BatchQueue,
    BatchWriter,
)
from scenarios.http.streams import Event, Stream, StreamEnd

END = RecordingEnd(started=1, dropped=0, cpu_s=0.1, wall_s=1.0)


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
    labels = (f"c{chance.randint(1, 9)}",)
    key = recorder.number_of("tokens", labels)
    if key is None:
        key = recorder.note_key(AmountKey("tokens", labels, Fraction(1)))
    recorder.count(number, [AmountRow(0, key, chance.randrange(2**63), AmountKind.EXACT)])
    outcome = chance.choice(list(Outcome))
    reason = "" if outcome is Outcome.OK else f"reason {chance.randint(1, 5)}"
    detail = {"status": 500, "n": number} if reason else None
    recorder.note_stream(number, Stream((Event("a"),), StreamEnd.ENDED, chance.random(), None))
    recorder.conclude(number, 1.5, 2.5, outcome, chance.choice([None, 500]), reason, detail)


class Channel:
    """Loses, duplicates and reorders batches at random."""

    def __init__(self, queue: BatchQueue, writer: BatchWriter, chance: random.Random) -> None:
        self._queue = queue
        self._writer = writer
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
        while not self._queue.is_empty:
            self.send(self._queue.unconfirmed())

    def _deliver(self, batch: Batch) -> None:
        arrived = self._writer.write(batch)
        if arrived and self._chance.random() < 0.8:  # confirmations are lost, too
            self._queue.confirm(self._writer.received)


def same_files(worker: Path, master: Path) -> bool:
    names = ["many-w1.jsonl", *(f"many-w1{suffix}" for suffix in (ROWS, COUNTS, STREAMS))]
    return all(content_of(worker / name) == content_of(master / name) for name in names)


def content_of(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


@pytest.mark.core
@pytest.mark.long
@given(st.integers(0, 2**32), st.integers(1, 120))
def test_the_master_gets_the_workers_files_over_a_channel_that_loses_and_duplicates(
    seed: int, steps: int
) -> None:
    chance = random.Random(seed)
    with two_folders() as (worker, master):
        recorder, under_way = recorder_in(worker), list[int]()
        queue, writer = BatchQueue(recorder), BatchWriter(master / "many-w1.jsonl", 10_000)
        channel = Channel(queue, writer, chance)
        for _ in range(steps):
            for _ in range(chance.randint(1, 8)):
                record(recorder, under_way, chance)
            if queue.has_room:
                channel.send(list(queue.make_batches()))
            else:
                channel.send(queue.unconfirmed())
        recorder.end(END)
        channel.send(list(queue.make_batches(is_last=True)))
        channel.deliver_all()
        assert same_files(worker, master)
        arrived = read_recording(master / "many-w1.jsonl")
    assert arrived
    assert arrived.end == END
    assert (arrived.missing, arrived.unconcluded) == (0, len(under_way))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ((1, 0, 5, 0, 9, 0), "of no kind"),
        ((1, 0, 5, 0, 0, 0), "of no kind"),
        ((1, 0, -5, 0, 4, 0), "belong to no exchange"),
        ((11, 0, 5, 0, 4, 0), "belong to no exchange"),
    ],
)
def test_amounts_that_no_recorder_writes_are_refused(
    tmp_path: Path, row: tuple[int, ...], message: str
) -> None:
    writer = BatchWriter(tmp_path / "many-w1.jsonl", 10)
    amounts = np.array([row], AMOUNT).tobytes()
    batch: Batch = {
        "batch": 1,
        "numbers": b"",
        "rows": b"",
        "notes": b"",
        "amounts": amounts,
        "streams": b"",
        "health": b"",
    }
    with pytest.raises(BatchError, match=message):
        writer.write(batch)
    assert not (tmp_path / f"many-w1{COUNTS}").exists()


def test_more_amounts_than_the_exchanges_can_have_are_refused(tmp_path: Path) -> None:
    writer = BatchWriter(tmp_path / "many-w1.jsonl", 1)
    amounts = np.array([(1, 0, 5, 0, 4, 0)] * 151, AMOUNT).tobytes()
    with pytest.raises(BatchError, match="more than 150 amounts per exchange"):
        writer.write(
            {
                "batch": 1,
                "numbers": b"",
                "rows": b"",
                "notes": b"",
                "amounts": amounts,
                "streams": b"",
                "health": b"",
            }
        )


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([(1, 3, 0.1, 0.1, 4, [0] * 7)], "belong to no exchange, or are none"),
        ([(1, 3, 0.1, 0.1, 0, [0] * 7)], "belong to no exchange, or are none"),
        ([(11, 3, 0.1, 0.1, 1, [0] * 7)], "belong to no exchange, or are none"),
        ([(1, 10_001, 0.1, 0.1, 1, [0] * 7)], "belong to no exchange, or are none"),
        ([(1, 3, float("nan"), 0.1, 1, [0] * 7)], "belong to no exchange, or are none"),
        ([(1, 3, 0.1, 0.1, 1, [0] * 7)] * 11, "more than the 10 streams"),
    ],
)
def test_streams_that_no_recorder_writes_are_refused(
    tmp_path: Path, rows: list[tuple[object, ...]], message: str
) -> None:
    writer = BatchWriter(tmp_path / "many-w1.jsonl", 10)
    streams = np.array(rows, STREAM_ROW).tobytes()
    batch: Batch = {"batch": 1, "numbers": b"", "rows": b"", "notes": b"", "amounts": b"",
                    "streams": streams, "health": b""}  # fmt: skip
    with pytest.raises(BatchError, match=message):
        writer.write(batch)
    assert not (tmp_path / f"many-w1{STREAMS}").exists()


def test_a_batch_is_limited_in_size_and_only_the_last_has_the_additional_fields(
    tmp_path: Path,
) -> None:
    recorder = recorder_in(tmp_path)
    queue = BatchQueue(recorder)
    for number in range(1, 2 * MAX_ROWS + 2):
        recorder.intend(1, 0, 0.5)
        recorder.conclude(
            number, 0.5, 0.6, Outcome.REJECTED, 500, f"reason {number % 300}", {"x": "y" * 99}
        )
    recorder.end(END)
    batches = list(queue.make_batches(is_last=True))
    assert len(batches) > 3
    assert max(len(batch["rows"]) for batch in batches) == MAX_ROWS * ROW.itemsize
    assert max(len(batch["notes"]) for batch in batches) <= MAX_NOTES_BYTES
    assert [batch.get("is_last", False) for batch in batches] == [False] * (len(batches) - 1) + [
        True
    ]
    assert sum(len(batch["rows"]) for batch in batches) == (2 * MAX_ROWS + 1) * ROW.itemsize


def test_the_health_of_a_worker_arrives_whole_though_nothing_else_is_new(tmp_path: Path) -> None:
    recorder = recorder_in(tmp_path)
    queue, writer = BatchQueue(recorder), BatchWriter(tmp_path / "master.jsonl", 10_000)
    for second in range(2_500):
        recorder.health.append(HealthRow(second, second + 1.0, 0.5, 0.01, 3))
        if second in (10, 11, 2_499):
            batches = list(queue.make_batches())
            assert [writer.write(batch) for batch in batches] == [True] * len(batches)
    recorder.close()
    arrived = writer.path.with_suffix(HEALTH).read_bytes()
    assert len(arrived) == 2_500 * HEALTH_BYTES
    assert arrived == recorder.path.with_suffix(HEALTH).read_bytes()


def test_more_health_than_any_load_has_is_refused(tmp_path: Path) -> None:
    writer = BatchWriter(tmp_path / "load.jsonl", 10, health=MAX_HEALTH_ROWS)
    batch: Batch = {"batch": 1, "numbers": b"", "rows": b"", "notes": b"", "amounts": b"",
                    "streams": b"", "health": bytes(HEALTH_BYTES)}  # fmt: skip
    with pytest.raises(BatchError, match="periods of its health"):
        writer.write(batch)
    assert not (tmp_path / "load.health").exists()


def test_without_new_rows_there_is_a_batch_only_for_additional_fields(tmp_path: Path) -> None:
    recorder = recorder_in(tmp_path)
    queue = BatchQueue(recorder)
    assert len(list(queue.make_batches())) == 1  # the start
    assert list(queue.make_batches()) == []
    assert [batch["is_last"] for batch in queue.make_batches(is_last=True)] == [True]
    recorder.close()


def test_the_number_of_unconfirmed_batches_is_limited(tmp_path: Path) -> None:
    recorder = recorder_in(tmp_path)
    queue, batches = BatchQueue(recorder), list[Batch]()
    while queue.has_room:
        recorder.intend(1, 0, 0.5)
        batches += queue.make_batches()
        assert len(batches) < 20
    assert queue.unconfirmed() == batches
    queue.confirm(len(batches) - 1)
    assert queue.has_room
    assert queue.unconfirmed() == batches[-1:]
    recorder.close()


def test_a_batch_out_of_order_is_neither_written_nor_confirmed(
    tmp_path: Path,
) -> None:
    recorder = recorder_in(tmp_path)
    queue, writer = BatchQueue(recorder), BatchWriter(tmp_path / "master.jsonl", 10_000)
    first = next(queue.make_batches())
    recorder.intend(1, 0, 0.5)
    second = next(queue.make_batches())
    assert not writer.write(second)
    assert not writer.path.exists()
    assert writer.write(first)
    assert writer.write(second)
    assert writer.write(first)  # again: it is there
    assert writer.received == 2
    recorder.close()


@pytest.mark.parametrize("lost", [1, 2])
def test_a_batch_that_leaves_rows_out_is_refused_and_nothing_of_it_is_written(
    tmp_path: Path, lost: int
) -> None:
    """A recorder numbers its rows without gaps; a gap could make the file of any size."""
    with two_folders() as (worker, master):
        recorder = recorder_in(worker)
        queue, writer = BatchQueue(recorder), BatchWriter(master / "many-w1.jsonl", 10_000)
        writer.write(next(queue.make_batches()))
        for number in range(1, 5):
            recorder.intend(number, 0, 0.5)
            recorder.conclude(number, 0.5, 0.6, Outcome.OK, 200)
        (batch,) = queue.make_batches()
        size = ROW.itemsize
        kept = {
            **batch,
            "numbers": batch["numbers"][4 * lost :],
            "rows": batch["rows"][size * lost :],
        }
        with pytest.raises(BatchError, match="rows are missing after row 0"):
            writer.write(kept)
        recorder.close()
        assert not writer.path.with_suffix(ROWS).exists()
