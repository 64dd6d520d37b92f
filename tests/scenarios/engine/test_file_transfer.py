"""Files on their way from a master to a worker."""

import pytest

from config.errors import ConfigError
from scenarios.engine.file_transfer import FileInbox, chunks_of, digests_of
from scenarios.engine.messages import CHUNK_BYTES, FileChunk, MessageError, read_message

FILES = {"c.csv": b"x" * (2 * CHUNK_BYTES + 7), "data/empty.csv": b"", "data/d.csv": b"id\n"}


def received(*left_out: int) -> FileInbox:
    inbox = FileInbox()
    for number, chunk in enumerate(chunks_of(FILES)):
        if number not in left_out:
            inbox.take(read_message(FileChunk, chunk))
    return inbox


def test_files_arrive_whole() -> None:
    assert received().hand_over(digests_of(FILES)) == FILES


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_a_file_of_which_a_chunk_is_missing_is_refused(missing: int) -> None:
    with pytest.raises(ConfigError, match=r"^the file 'c\.csv' did not arrive whole; start the"):
        received(missing).hand_over(digests_of(FILES))


def test_files_of_an_assignment_are_sent_again_for_the_next() -> None:
    inbox = received()
    inbox.hand_over(digests_of(FILES))
    with pytest.raises(ConfigError):
        inbox.hand_over(digests_of(FILES))


def test_a_file_that_the_assignment_does_not_name_is_not_handed_over() -> None:
    names = {"data/d.csv": FILES["data/d.csv"]}
    assert received().hand_over(digests_of(names)) == names


@pytest.mark.parametrize("changes", [
    {"name": "x" * 501}, {"name": 7}, {"offset": -1}, {"content": b"x" * (CHUNK_BYTES + 1)},
    {"content": "text"}, {"folder": "/tmp"},
])  # fmt: skip
def test_a_chunk_of_another_form_is_not_understood(changes: dict[str, object]) -> None:
    with pytest.raises(MessageError):
        read_message(FileChunk, {"name": "c.csv", "offset": 0, "content": b"", **changes})
