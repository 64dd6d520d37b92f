"""Exposes the number of stored uses, so that a monitor can compare rows with counters."""

from sqlalchemy.exc import SQLAlchemyError

from reference_services.cards.metrics import CardsMetrics
from reference_services.cards.store import CardsStore
from reference_services.common.json_logs import logger

INTERVAL_S = 5.0


def count_rows(store: CardsStore, metrics: CardsMetrics) -> bool:
    """Set the gauge of stored uses, or remove it if the database cannot be read.

    Work of a `BackgroundTask`: returns False, since nothing is left to do until the next interval.
    """
    try:
        metrics.set_rows(store.count_uses())
    except SQLAlchemyError as error:
        metrics.clear_rows()
        fields = {"reason": type(error).__name__}
        logger.warning("cannot count stored uses", extra={"fields": fields})
    return False
