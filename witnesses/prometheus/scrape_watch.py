"""Watch the scrapes of the targets that a run waits for, before it and after it."""

import math
from collections.abc import Collection

from witnesses.prometheus.client import PrometheusClient, PrometheusDown
from witnesses.prometheus.increase import QUIET_SCRAPES
from witnesses.prometheus.pace import Pace
from witnesses.prometheus.samples import Series, read_series
from witnesses.prometheus.windows import UP

SCRAPES_BEFORE = 2
_FAILED_SCRAPES = 2


class ScrapeWatch:
    """What Prometheus shows of the scrapes of some jobs: those that quantities rest on."""

    def __init__(self, client: PrometheusClient, pace: Pace, jobs: Collection[str]) -> None:
        """Ask nothing yet."""
        self._client = client
        self._pace = pace
        self._jobs = frozenset(jobs)

    def are_targets_known(self) -> bool:
        """Return whether Prometheus knows the targets; one that has just started does not yet."""
        self._pace.learn()
        return self._pace.scraped >= self._jobs

    def have_baseline(self) -> bool:
        """Return whether each target has been scraped twice in a row, successfully."""
        ups = self.ups()
        return {series.target[0] for series in ups} >= self._pace.scraped and all(
            [up for _, up in series.samples[-SCRAPES_BEFORE:]] == [1.0] * SCRAPES_BEFORE
            for series in ups
        )

    def have_settled(self, settled_at: float) -> bool:
        """Return whether each target was scraped often enough after an instant, or is down."""
        ups = self.ups()
        if not {series.target[0] for series in ups} >= self._pace.scraped:
            return False
        for series in ups:
            after = [up for at, up in series.samples if at > settled_at]
            # A target that is down is not waited for.
            is_down = after[-_FAILED_SCRAPES:] == [0.0] * _FAILED_SCRAPES
            if not is_down and after.count(1.0) < QUIET_SCRAPES:
                return False
        return True

    def were_scraped_since(self, at: float) -> bool:
        """Return whether all were scraped since an instant."""
        return all(series.samples[-1][0] > at for series in self.ups() if series.samples)

    def ups(self) -> list[Series]:
        """Return each target's last scrapes; two targets may share job and instance.

        All waits come here, so a clock that is set ends them: they would wait for its old time.
        """
        self._pace.learn_skew_if_old()
        if not self._jobs:
            return []
        window = f"{math.ceil(4 * self._pace.interval_s + self._pace.lag_s) + 1}s"
        targets = self._client.targets_of(self._jobs)
        response = self._client.query(f"{UP}{targets}[{window}]", self._pace.now())
        try:
            return read_series(response.content)
        except ValueError as error:
            raise PrometheusDown("Prometheus does not respond with raw samples") from error
