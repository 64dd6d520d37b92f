"""How many uses are stored? Asked now and then, for a monitor to hold rows against counters."""

from sqlalchemy.exc import SQLAlchemyError

from reference_services.cards.metrics import CardsMetrics
from reference_services.cards.store import CardsStore
from reference_services.common.json_logs import logger

PACE_S = 5.0


def count_rows(store: CardsStore, metrics: CardsMetrics) -> bool:
    """Show how many uses are stored; none rather than an old number where it is not known.

    Return that no more is waiting.
    """
    try:
        metrics.set_rows(store.count_uses())
    except SQLAlchemyError as error:
        metrics.forget_rows()
        fields = {"reason": type(error).__name__}
        logger.warning("the uses cannot be counted", extra={"fields": fields})
    return False
