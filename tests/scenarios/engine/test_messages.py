"""Which messages are understood; what a worker or master does about others is in their tests."""

import pytest

from scenarios.engine.messages import (
    Assignment,
    AssignmentReply,
    BatchMessage,
    Confirmation,
    FileChunk,
    MessageError,
    StopMessage,
    read_message,
)
from scenarios.evidence.recording import Stop, StopReason
from tests.scenarios.engine.batches import EMPTY_BATCH

ASSIGNMENT = {
    "scenario": "", "environment_sha256": "", "profile": "", "run_id": "", "tenant": "",
    "users": 1, "iterations": 1, "generator": "g", "index": 0, "of": 1, "earlier": [],
}  # fmt: skip


def test_messages_of_their_form_are_read() -> None:
    assert read_message(BatchMessage, {**EMPTY_BATCH, "is_last": True}).is_last
    assert read_message(AssignmentReply, {"problem": "", "folder": ""}).folder == ""
    assert read_message(Confirmation, {"batch": 3}).batch == 3
    stop = read_message(StopMessage, {"reason": "aborted", "message": "why"}).to_stop()
    assert stop == Stop(StopReason.ABORTED, "why")


@pytest.mark.parametrize(
    ("model", "data", "words"),
    [
        (Confirmation, None, "Confirmation"),
        (Confirmation, [1], "Confirmation"),
        (Confirmation, {"batch": 1.0}, "batch"),
        (Confirmation, {"batch": 2**40}, "batch"),
        (StopMessage, {"reason": "bored", "message": ""}, "reason"),
        (StopMessage, {"reason": "aborted", "message": "x" * 501}, "message"),
        (AssignmentReply, {"problem": "", "folder": "../x"}, "folder"),
        (AssignmentReply, {"problem": "", "folder": "x\n"}, "folder"),
        (Assignment, {"generator": "x"}, "scenario"),
        (Assignment, {**ASSIGNMENT, "files": {"a.bin": b"bytes"}}, "files"),
        (Assignment, {**ASSIGNMENT, "files": {"x" * 501: ""}}, "files"),
        (FileChunk, {"name": "a.bin", "offset": 0, "content": b"x" * 1_000_001}, "content"),
        (BatchMessage, {**EMPTY_BATCH, "rows": b"x"}, "differ in length"),
        (BatchMessage, {**EMPTY_BATCH, "numbers": bytearray(4)}, "numbers"),
    ],
)
def test_a_message_of_another_form_is_an_error_that_names_the_field(
    model: type[Confirmation], data: object, words: str
) -> None:
    with pytest.raises(MessageError, match=words):
        read_message(model, data)
