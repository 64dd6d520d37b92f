"""Periodic background work of a service, in its own thread."""

from collections.abc import Callable
from threading import Event, Thread
from types import TracebackType
from typing import Self

from reference_services.common.json_logs import logger


class BackgroundTask:
    """Context manager that calls `work` periodically within its block.

    `work` returns whether more work may be waiting: then it is called again at once, otherwise
    after `pause_s`. The first call comes after one pause.
    """

    def __init__(self, name: str, work: Callable[[], bool], pause_s: float) -> None:
        """Prepare the thread without starting it; `name` is the thread's, and goes into the log."""
        self._work = work
        self._pause_s = pause_s
        self._stopping = Event()
        self._thread = Thread(target=self._run, name=name, daemon=True)

    def __enter__(self) -> Self:
        """Start the thread."""
        self._thread.start()
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        """Stop the thread; wait for a call in progress for at most one pause."""
        self._stopping.set()
        self._thread.join(self._pause_s)

    def _run(self) -> None:
        while not self._stopping.wait(self._pause_s):
            try:
                while self._work() and not self._stopping.is_set():
                    pass
            except Exception:
                # The edge of the thread: a database outage must not end it.
                logger.exception("background task %s failed; it runs again", self._thread.name)
