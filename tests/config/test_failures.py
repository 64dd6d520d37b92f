import errno
import os

import pytest

from config.failures import failure_of


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "the disk is full: make room"),
        (errno.EDQUOT, "the disk is full: make room"),
        (errno.EFBIG, "a file may not grow any further: raise the limit (ulimit -f)"),
        (errno.EMFILE, "too many files are open: raise the limit (ulimit -n)"),
        (errno.EROFS, "/runs/1 cannot be written: Read-only file system"),
        (errno.EACCES, "/runs/1 cannot be written: Permission denied"),
        (errno.EIO, "/runs/1/run.log: Input/output error"),
    ],
)
def test_what_the_system_refused_is_said_with_the_remedy(number: int, words: str) -> None:
    sentence = failure_of(OSError(number, os.strerror(number), "/runs/1/run.log"))
    assert sentence.startswith(words)
    assert "Errno" not in sentence


def test_a_fault_of_ours_keeps_its_type() -> None:
    assert failure_of(KeyError("a")) == "KeyError: 'a'"
    assert failure_of(OSError("odd")) == "OSError: odd"
