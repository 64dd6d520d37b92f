"""The pace and the clock of a Prometheus: skew, scrape interval, and how late samples show."""

import time
from collections.abc import Collection

from config.clock import CLOCK, render_step
from witnesses.prometheus.client import CLOCKS_APART_S, ClockSet, PrometheusClient

_USUAL_INTERVAL_S = 15.0
_DISCOVERY_S = 7.0
_REMOTE_DISCOVERY_S = 40.0  # VictoriaMetrics shows the first samples of a series after 20 s
_PATIENCE_S = 3.0
_PATIENCE_SCRAPES = 8
_PATIENCE_LAGS = 3
_CLOCK_STEP_S = 0.5
_TRIES = 3


class Pace:
    """What is known of how, and when, a Prometheus scrapes some jobs.

    `scraped` are those of them that have targets. `interval_s` is the longest of them. The skew is
    known within `skew_error_s`.
    """

    def __init__(
        self, client: PrometheusClient, jobs: Collection[str], *, fresh: bool,
        others: Collection[str] = (),
    ) -> None:  # fmt: skip
        """Ask nothing yet. A `fresh` Prometheus has not scraped yet.

        Of `others`, only the interval matters, which is in `longest_s`, if it is reported.
        """
        self._others = frozenset(others)
        self._client = client
        self._jobs = frozenset(jobs)
        self._fresh = fresh
        self._skew_s: float | None = None
        self._skew_learned_s = 0.0
        self._slowest_s = 0.0
        self.skew_error_s = 0.0
        self.scraped = self._jobs
        self.lag_s = 0.0
        self.interval_s = self.longest_s = 0.0
        self.is_interval_known = False
        self.version = ""

    @property
    def skew_s(self) -> float:
        """Prometheus' clock minus ours."""
        return self._skew_s or 0.0

    @property
    def latest_skew_s(self) -> float:
        """The most that Prometheus' clock can be ahead of ours."""
        return self.skew_s + self.skew_error_s

    def now(self) -> float:
        """Return the time on Prometheus' clock, in epoch seconds."""
        return CLOCK.now_at() + self.skew_s

    def earliest_now(self) -> float:
        """Return the least that the time on Prometheus' clock can be.

        A scrape after the first request must not be taken for one before it. A fresh Prometheus has
        none before it.
        """
        return self.now() - (0.0 if self._fresh else self.skew_error_s)

    def deadline(self) -> float:
        """Return until when to wait for scrapes, in seconds of the monotonic clock."""
        patience_s = _PATIENCE_S + _PATIENCE_SCRAPES * self.interval_s
        return time.monotonic() + patience_s + self.patience_for_lag_s

    def discovery_deadline(self) -> float:
        """Return until when to wait for targets, in seconds of the monotonic clock.

        A backend that scrapes nothing itself, as behind remote write, shows new series late.
        """
        scrapes_nothing = self._client.active_targets() == []
        return time.monotonic() + (_REMOTE_DISCOVERY_S if scrapes_nothing else _DISCOVERY_S)

    @property
    def patience_for_lag_s(self) -> float:
        """How long to wait for samples that show late."""
        return _PATIENCE_LAGS * self.lag_s

    def learn(self, *, is_early: bool = False) -> None:
        """Learn skew, interval and version; `is_early` is a fresh stack's first time."""
        self.learn_skew()
        if not self._jobs:  # all metrics are pushed
            self.version = self._client.version()
            return
        intervals_s = self._client.intervals_s(() if is_early else self._jobs | self._others)
        known_s = [*filter(None, ((intervals_s or {}).get(job) for job in self._jobs))]
        self.is_interval_known = bool(known_s)
        self.interval_s = max(known_s, default=_USUAL_INTERVAL_S)
        of_others_s = filter(None, ((intervals_s or {}).get(job) for job in self._others))
        self.longest_s = max((self.interval_s, *of_others_s))
        self.version = "" if is_early else self._client.version()
        if intervals_s is not None and not self._fresh:
            self.scraped = self._jobs & intervals_s.keys()
            lag_s = self._client.lag_s(self._jobs, self.interval_s, self.now())
            self.lag_s = max(self.lag_s, lag_s)

    def learn_skew(self) -> None:
        """Learn the clock skew. Raises ClockSet where it is another one than the last time."""
        before_s, sent_s = self._skew_s, time.monotonic()
        self._skew_s = skew_s = self._client.clock_skew_s()
        # Either skew may be wrong by half of the time that its query took.
        self._skew_learned_s = time.monotonic()
        took_s = self._skew_learned_s - sent_s
        self._slowest_s, self.skew_error_s = max(self._slowest_s, took_s), took_s / 2
        step_s = skew_s - (skew_s if before_s is None else before_s)
        if abs(step_s) > _CLOCK_STEP_S + self._slowest_s:
            raise ClockSet(f"the clock of Prometheus was {render_step(step_s)} during the run")

    def learn_skew_if_old(self) -> None:
        """Learn the skew once per scrape, so that a clock that is set ends every wait."""
        if time.monotonic() - self._skew_learned_s > max(_CLOCK_STEP_S, self.interval_s):
            self.learn_skew()

    def refuse_future_samples(self) -> None:
        """Raise ClockSet if Prometheus' clock was set back, and has not caught up yet."""
        #     now ├──── query ────┤ evaluated         a query that takes long finds samples that are
        #         ──s────s────s───s                   later than the moment it was sent for
        took_s = 0.0
        for _ in range(_TRIES if self._jobs else 0):
            sent_s, margin_s = time.monotonic(), took_s
            now = self.now() + self._slowest_s / 2 + margin_s
            if not self._client.has_future_samples(self._jobs, now):
                return
            took_s = time.monotonic() - sent_s
            if took_s < margin_s + CLOCKS_APART_S:
                raise ClockSet("Prometheus has samples of its future: its clock was set back")
