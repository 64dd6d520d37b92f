"""How many uses are stored? Asked now and then, for a monitor to hold rows against counters."""

import logging
from threading import Event, Thread
from types import TracebackType
from typing import Self

from sqlalchemy.exc import SQLAlchemyError

from reference_services.cards.metrics import CardsMetrics
from reference_services.cards.store import CardsStore

PACE_S = 5.0

logger = logging.getLogger(__name__)


class RowsWatch:
    """Counts the rows of uses every few seconds, in a thread of its own. A context manager."""

    def __init__(self, store: CardsStore, metrics: CardsMetrics) -> None:
        """Count nothing yet."""
        self._store = store
        self._metrics = metrics
        self._is_over = Event()
        self._thread = Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        """Begin to count."""
        self._thread.start()
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        """Count no more."""
        self._is_over.set()
        self._thread.join(PACE_S)

    def look(self) -> None:
        """Count once. What cannot be counted is not shown, rather than shown as it was."""
        try:
            rows = self._store.count_uses()
        except SQLAlchemyError as error:
            self._metrics.forget_rows()
            logger.warning("the uses cannot be counted", extra={"fields": {
                "reason": type(error).__name__}})  # fmt: skip
            return
        self._metrics.set_rows(rows)

    def _run(self) -> None:
        while not self._is_over.is_set():
            self.look()
            self._is_over.wait(PACE_S)
