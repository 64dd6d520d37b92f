"""Decide what SIGINT and SIGTERM do, by what this process is doing.

    first signal    at the start, and in short commands   end this process: nothing was sent
                    after `raise_on_signal`               KeyboardInterrupt in the main thread
                    within `calling`                      a function: a load stops by itself
                    after `hold`                          nothing yet: it takes moments only
    next signal     always                                end this process at once

A process that is ended here has printed what `--json` promises: exactly one document.
"""

import json
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from types import FrameType
from typing import NoReturn

from config.json_text import inert_json

SIGNALS = (signal.SIGINT, signal.SIGTERM)
AT_ONCE = 130  # the exit code after a second signal, as shells have it for Ctrl-C

_INCONCLUSIVE = 3
_STDOUT, _STDERR = 1, 2


class Interrupts:
    """The signals that this process has received, and what the next one does.

    Handlers write with `os.write`: the signal may have interrupted a print.
    """

    def __init__(self) -> None:
        """Take no signal yet."""
        self.first: signal.Signals | None = None
        self._on_first: Callable[[], None] = self._end_unstarted
        self._is_json = self._has_printed = self._is_printing = False
        self._judge = ""

    def install(self, *, is_json: bool) -> None:
        """Handle the signals from now on, also where the environment ignores them."""
        self._is_json = is_json
        for number in SIGNALS:
            signal.signal(number, self._handle)

    def raise_on_signal(self, judge: str = "") -> None:
        """Have the first signal raise KeyboardInterrupt, or do so now if it was held.

        `judge` is the command that judges what a run leaves.
        """
        self._judge = judge or self._judge
        self._is_printing = False
        self._on_first = _raise
        if self.first is not None:
            _raise()

    @contextmanager
    def calling(self, stop: Callable[[], None]) -> Iterator[None]:
        """Have the first signal call a function within the block."""

        def stop_load() -> None:
            _write(_STDERR, "interrupted: no further iteration starts; once more to leave\n")
            stop()

        self._on_first = stop_load
        try:
            yield
        finally:
            self._on_first = _raise

    def hold(self) -> None:
        """Hold the first signal from now on, to the end of the process or a later order."""
        self._on_first = _hold

    def print_document(self, text: str) -> None:
        """Print what the command promised; a signal meanwhile does not tear it."""
        shown = inert_json(text) if self._is_json else text
        self.write_whole(lambda: print(shown, flush=True))

    def write_whole(self, write: Callable[[], None]) -> None:
        """Have a function write the output of the command; a signal meanwhile does not tear it.

        A write that a signal interrupts loses what is buffered, so another thread writes.
        """
        self.hold()
        self._is_printing = self._has_printed = True
        # The signals are left to the main thread.
        block = partial(signal.pthread_sigmask, signal.SIG_BLOCK, SIGNALS)
        with ThreadPoolExecutor(1, initializer=block) as thread:
            thread.submit(write).result()

    @property
    def has_printed(self) -> bool:
        """Whether the command has printed its document."""
        return self._has_printed

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        is_first, self.first = self.first is None, self.first or signal.Signals(number)
        if self._is_printing:  # once: a reader that has stopped reading must not hold us
            self._is_printing = False
        elif is_first:
            self._on_first()
        else:
            judge = f"; to judge what was done: {self._judge}" if self._judge else ""
            self._end(AT_ONCE, f"interrupted twice, and nothing is proven{judge}")

    def _end_unstarted(self) -> None:
        self._end(_INCONCLUSIVE, "interrupted, and nothing is proven")

    def _end(self, code: int, words: str) -> NoReturn:
        _write(_STDERR, f"{words}\n")
        if self._is_json and not self._has_printed:
            _write(_STDOUT, json.dumps({"exit_code": code, "problems": [words]}) + "\n")
        os._exit(code)


def _raise() -> None:
    raise KeyboardInterrupt


def _hold() -> None:
    """Let what runs come to its end."""


def _write(descriptor: int, text: str) -> None:
    """Write a line; on a terminal, below the `^C` and a line of progress."""
    with suppress(OSError):
        os.write(descriptor, f"{chr(10) * os.isatty(descriptor)}{text}".encode())


INTERRUPTS = Interrupts()
