"""Why the pages of a quantity can fall short though nothing was lost.

before 3    after 10    most 20    grown by 7, or begun anew and grown by 10
before 30   after 37    most 20    grown by 7: a new process would stand at 20
"""

from witnesses.figure import Reason
from witnesses.model import CountedQuantity
from witnesses.service.reading import ServiceReading
from witnesses.service.replica import Replica


def shortfall_doubt(
    services: ServiceReading, quantity: CountedQuantity, most: float
) -> tuple[Reason, str] | None:
    """Return why, and the facts, or None.

    A service that could not be read may have counted it too. Or a process was restarted unseen,
    with `most` counts since. The start time may be that of a container or of a master, and stay:
    another counter of the page that fell shows the restart then.
    """
    if unread := _unread_beside(services, quantity):
        return Reason.SCRAPE_FAILED, unread
    able = _able_to_hide(services, quantity, most)
    fallen = next(filter(None, (replica.fallen_counter for replica in able)), "")
    if fallen:
        return Reason.COUNTER_FELL, fallen
    has_none = any(not each.shows_start_times for each in able)
    return (Reason.RESTART_UNSEEN, "") if has_none else None


def _able_to_hide(
    services: ServiceReading, quantity: CountedQuantity, most: float
) -> list[Replica]:
    """Return the replicas that can have been restarted without a fall of the counter."""
    return [
        replica
        for replica, of_target in services.replicas_of(quantity)
        if not (replica.is_restarted or (replica.instance and replica.error))
        and all(
            value <= most
            for labels, value in replica.before.values.get(quantity.selector.metric, {}).items()
            if not of_target.failed_matchers(quantity.selector, dict(labels))
        )
    ]


def _unread_beside(services: ServiceReading, quantity: CountedQuantity) -> str:
    """Return why another service that may have a counter could not be read, or ""."""
    if quantity.settings.service is not None:
        return ""
    counted = {replica.service for replica, _ in services.replicas_of(quantity)}
    others = (each for each in services.replicas.values() if each.service not in counted)
    return next((each.error for each in others if each.error), "")
