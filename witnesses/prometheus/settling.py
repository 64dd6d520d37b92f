"""How long a run waits for Prometheus after its last response, as it is known before the run."""

from dataclasses import dataclass

from witnesses.prometheus.increase import QUIET_SCRAPES

# Prometheus passes on a change of its targets once in 5 s.
_NEW_TARGET_S = 6.0


def discovery_delay_s(interval_s: float) -> float:
    """Return how long after the last response the scrapes of settling begin, if replicas may come.

    A replica that was new then must have been scraped when the others have been.

        new, listed ├── 6 s ──┤ first scrape within an interval
        the others                   s       s       s

    >>> discovery_delay_s(1.0), discovery_delay_s(15.0)
    (5.0, 0.0)
    """
    return max(0.0, _NEW_TARGET_S - interval_s)


@dataclass(frozen=True, slots=True)
class Settling:
    """What settling takes: some scrapes, `interval_s` apart.

    They begin `delay_s` after the last response: the longest `settle`, and how late samples show.
    `pushed_by` is the service that pushes its metrics at that interval, if none are scraped that
    are slower.
    """

    interval_s: float
    delay_s: float = 0.0
    pushed_by: str = ""

    @property
    def duration_s(self) -> float:
        """How long it takes at most where nothing fails and every figure is at rest.

        >>> Settling(15.0).duration_s, Settling(15.0, delay_s=2.0).duration_s
        (45.0, 47.0)
        """
        return self.delay_s + QUIET_SCRAPES * self.interval_s
