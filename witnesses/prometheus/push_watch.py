"""Watch the pushes of the services of an environment, before a run and after it."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from scenarios.evidence.run_folder import RunFolder
from scenarios.http.bounded_json import decode_json
from witnesses.model import CountedQuantity
from witnesses.prometheus.client import ClockSet, PrometheusClient, PrometheusDown
from witnesses.prometheus.pushes import (
    ENDED_INTERVALS,
    STEADY_PUSHES,
    USUAL_EVERY_S,
    InstancePushes,
    PushEvidence,
    all_settled,
    history_file,
    latest_push_query,
    latest_pushes,
    measured_every_s,
    push_file,
    pushes_of,
)
from witnesses.prometheus.samples import Target
from witnesses.prometheus.service_targets import ServiceTargets

# An exporter's clock may be ahead by this much: its samples have timestamps of the future.
_AHEAD_S = 60.0
_FUTURE_S = 300.0  # as far as a query looks back
_NO_INSTANTS = "Prometheus does not respond with instants of samples"
_LOOKED_BACK_PUSHES, _MOST_LOOKS_BACK = 4, 24
_HISTORY_S = 25 * 3_600
_JUST_BEFORE_S = 0.001
_PATIENCE_S = 5.0
_PATIENCE_PUSHES = 5
_POLLS_PER_PUSH = 20
_SHORTEST_POLL_S, _LONGEST_POLL_S = 0.05, 1.0


@dataclass
class PushWatch:
    """What the backend shows of the pushes of each service that pushes its metrics.

    `now` is the time on the backend's clock.
    """

    client: PrometheusClient
    targets: ServiceTargets
    now: Callable[[], float]
    _begin: float | None = None
    _evidence: dict[str, PushEvidence] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Ask nothing yet."""
        self._evidence = {name: PushEvidence() for name in self.targets.pushed}

    def learn(self) -> None:
        """Learn the interval of each service, from the pushes that the backend has already.

        Raises PrometheusDown, as all that asks does.
        """
        for name, evidence in self._evidence.items():
            is_first = not evidence.observations
            self._observe(name, self.now() + _AHEAD_S)
            if is_first:
                self._look_back(name)

    def _look_back(self, name: str) -> None:
        """Ask for earlier pushes of each instance of a service, within a bound.

        Each query shows the previous push of those that have pushed since its instant. Instances
        may have ended, and others push at other moments: the median of them is asked for.
        """
        given_up: set[str] = set()
        for _ in range(_MOST_LOOKS_BACK):
            known = {each: pushes.stamps for each, pushes in self.pushes_of(name).items()}
            few = [(len(stamps), stamps[0], each) for each, stamps in known.items()
                   if len(stamps) < _LOOKED_BACK_PUSHES and each not in given_up]  # fmt: skip
            if not few:
                return
            fewest = sorted(each[1:] for each in few if each[0] == min(few)[0])
            at, median = fewest[len(fewest) // 2]
            latest = self._observe(name, at - _JUST_BEFORE_S)
            if latest.get(median, at) >= at:
                given_up.add(median)

    def observe(self) -> None:
        """Ask for the latest push of each instance."""
        for name in self._evidence:
            self._observe(name, self.now() + _AHEAD_S)

    def begin(self, at: float, quantities: Iterable[CountedQuantity], folder: RunFolder) -> None:
        """Ask for the last pushes before the run, which begins at an instant.

        What is shown from then on is not known to be of before the run.
        """
        self.observe()
        self._refuse_future_samples()
        for quantity in quantities:
            if self.targets.may_be_pushed(quantity):
                self._keep_history(quantity, at, folder)
        self._begin = at

    @property
    def is_needed(self) -> bool:
        """Whether any service pushes its metrics."""
        return bool(self._evidence)

    @property
    def interval_s(self) -> float:
        """The longest interval of all services, 0 if none is known."""
        return max((self.every_s(name) for name in self._evidence), default=0.0)

    @property
    def slowest(self) -> str:
        """The service with the longest interval, "" if none is known."""
        return max(self._evidence, key=self.every_s) if self.interval_s else ""

    @property
    def poll_s(self) -> float:
        """How often to ask."""
        poll_s = (self.interval_s or USUAL_EVERY_S) / _POLLS_PER_PUSH
        return min(_LONGEST_POLL_S, max(_SHORTEST_POLL_S, poll_s))

    def deadline(self) -> float:
        """Return until when to wait for pushes, in seconds of the monotonic clock."""
        every_s = self.interval_s or (USUAL_EVERY_S if self._evidence else 0.0)
        return time.monotonic() + _PATIENCE_S + _PATIENCE_PUSHES * every_s

    def baseline_deadline(self) -> float:
        """Return until when to wait for two pushes of each instance before the run."""
        declared = [each.every_s for each in self.targets.pushed.values() if each.every_s]
        every_s = max(declared, default=self.interval_s or USUAL_EVERY_S)
        return time.monotonic() + _PATIENCE_S + STEADY_PUSHES * every_s

    def has_baseline(self) -> bool:
        """Return whether each instance that is up has pushed twice; ask once more."""
        self.observe()
        up = {name: self._up(name) for name in self._evidence}
        return all(
            of_service and all(len(each.stamps) >= STEADY_PUSHES for each in of_service)
            for of_service in up.values()
        )

    def have_settled(self, end: float) -> bool:
        """Return whether each instance pushed often enough after `end`; ask once more."""
        self.observe()
        return all(all_settled(self._up(name), end) for name in self._evidence)

    def have_pushed_since(self, at: float) -> bool:
        """Return whether each instance that is up has pushed since an instant; ask once more."""
        self.observe()
        return all(each.stamps[-1] > at for name in self._evidence for each in self._up(name))

    def by_target(self) -> Mapping[Target, InstancePushes]:
        """Return the pushes of each instance, by the job of its service and its name."""
        return {
            (self.targets.jobs[name], instance): pushes
            for name in self._evidence
            for instance, pushes in self.pushes_of(name).items()
        }

    def write(self, folder: RunFolder) -> None:
        """Write what was shown, verbatim."""
        for name, evidence in self._evidence.items():
            folder.write_witness_file(f"prometheus/{push_file(name)}", evidence.document())

    def _keep_history(self, quantity: CountedQuantity, at: float, folder: RunFolder) -> None:
        """Write which series of a quantity were pushed within the day before the run, and a bit.

        A nightly run may be the only one that counts on a series, and its exporter may push what
        changes only. Raises PrometheusDown.
        """
        selector = self.targets.selector(quantity, ())
        response = self.client.query(f"last_over_time({selector}[{_HISTORY_S}s])", at)
        folder.write_witness_file(f"prometheus/{history_file(quantity.name)}", response.content)

    def _up(self, name: str) -> list[InstancePushes]:
        """Return the pushes of the instances that have pushed within some intervals."""
        now = self.now()
        return [
            each
            for each in self.pushes_of(name).values()
            if not each.has_ended
            and each.stamps[-1] > now - ENDED_INTERVALS * (each.every_s or USUAL_EVERY_S)
        ]

    def pushes_of(self, name: str) -> dict[str, InstancePushes]:
        """Return the pushes of each instance of a service."""
        begin = self.now() if self._begin is None else self._begin
        declared_s = self.targets.pushed[name].every_s
        return pushes_of(self._evidence[name].observations, begin, declared_s)

    def every_s(self, name: str) -> float:
        """Return the interval of a service, 0 if it is not known."""
        declared_s = self.targets.pushed[name].every_s
        return declared_s or measured_every_s(self._evidence[name].observations)

    def _refuse_future_samples(self) -> None:
        """Raise ClockSet if an exporter's clock is so far ahead that its pushes cannot be dated."""
        for name in self._evidence:
            latest = latest_pushes(decode_json(self._ask(name, self.now() + _FUTURE_S)))
            ahead_s = max(latest.values(), default=0.0) - self.now()
            if ahead_s > _AHEAD_S:
                what = f"{name} pushes samples of the future: the clock of its exporter is ahead"
                raise ClockSet(f"{what} by {ahead_s:.0f} s at least")

    def _observe(self, name: str, at: float) -> Mapping[str, float]:
        """Ask for the latest pushes of a service as of an instant. Raises PrometheusDown."""
        content = self._ask(name, at)
        evidence, is_before = self._evidence[name], self._begin is None
        try:
            return evidence.add(self.now(), content, is_before=is_before).latest
        except ValueError as error:
            raise PrometheusDown(_NO_INSTANTS) from error

    def _ask(self, name: str, at: float) -> bytes:
        query = latest_push_query(self.targets.matchers_of_pushed(name))
        return self.client.query(query, at).content
