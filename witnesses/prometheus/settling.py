"""How long a run waits for Prometheus after its last response, as it is known before the run."""

from dataclasses import dataclass

from witnesses.prometheus.increase import QUIET_SCRAPES


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
