"""What does a service do beside answering? One thing, again and again, in a thread of its own."""

from collections.abc import Callable
from threading import Event, Thread
from types import TracebackType
from typing import Self

from reference_services.common.json_logs import logger


class Meanwhile:
    """Does something for as long as the service runs. A context manager.

    `do` tells whether more may be waiting: then it is done again at once, else after a pause.
    """

    def __init__(self, name: str, do: Callable[[], bool], pause_s: float) -> None:
        """Do nothing yet."""
        self._do = do
        self._pause_s = pause_s
        self._is_over = Event()
        self._thread = Thread(target=self._run, name=name, daemon=True)

    def __enter__(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        """Do it no more."""
        self._is_over.set()
        self._thread.join(self._pause_s)

    def _run(self) -> None:
        while not self._is_over.wait(self._pause_s):
            try:
                while self._do() and not self._is_over.is_set():
                    pass
            except Exception:
                # The edge of the thread: a database that is away for a while must not end it.
                logger.exception("the %s was interrupted", self._thread.name)
