"""Distinguish one process from another by its start time.

A start time that is recomputed from the boot time wavers by a clock tick, and many exporters show
it in whole seconds. So a start time has to move by more than a second to be another process':

    500.00  500.01  499.99   one process
    500.00  507.30           two
"""

from collections.abc import Iterable, Mapping

LabelPairs = tuple[tuple[str, str], ...]

# Linux reports the boot time, on which a process' start time rests, in whole seconds.
START_TIME_MARGIN_S = 1.0


def is_moved(before: float, after: float) -> bool:
    """Return whether two start times, in epoch seconds, belong to two processes."""
    return abs(after - before) > START_TIME_MARGIN_S


def are_apart(start_times: Iterable[float], margin_s: float = START_TIME_MARGIN_S) -> bool:
    """Return whether start times belong to more than one process."""
    known = list(start_times)
    return bool(known) and max(known) - min(known) > margin_s


def is_replaced(before: Mapping[LabelPairs, float], after: Mapping[LabelPairs, float]) -> bool:
    """Return whether a start time moved between two scrapes; both are by the sample's labels.

    Where the labels changed, too, the youngest processes are compared. A start time that only one
    scrape shows is no evidence.
    """
    if shared := before.keys() & after.keys():
        return any(is_moved(before[labels], after[labels]) for labels in shared)
    return bool(before and after) and is_moved(max(before.values()), max(after.values()))
