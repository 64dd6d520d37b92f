"""When the instances of a service pushed their metrics, by what the backend showed of them.

Nothing scrapes them, so there is no `up`. The latest timestamp of all series of an instance stands
for it: it moves with each push.

         before                begin      end           settled_at
    ──p──────p──────p─────────────│── … ──│──p─────│──────p──────p──▶    p: a push
             └ steady ┘                       every └── at rest ──┘

A timestamp may be that of the collection or that of the arrival, which is later by less than the
interval. So only pushes that are stamped a whole interval after the last response are known to have
been collected after it. An exporter's clock that is ahead delays that further; one that is behind
does not matter, since a push is of before the run only if the backend showed it before.
"""

import json
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from scenarios.http.bounded_json import decode_json

# The labels that tell the processes of a service apart, the first that a series has.
INSTANCE_LABELS = ("instance", "service_instance_id")
# Pushes of each instance that show the same figure, before the run, and once it has settled.
STEADY_PUSHES = 2
QUIET_PUSHES = 2
# An instance that has not pushed for so many intervals has ended, or is cut off.
ENDED_INTERVALS = 3.0
# Intervals waver, and so does one that is measured.
_OF_AN_INTERVAL = 0.9
# What the SDKs of OpenTelemetry do unless they are configured.
USUAL_EVERY_S = 60.0


def push_file(service: str) -> str:
    """Return the name of the evidence file of a service's pushes."""
    return f"pushes-{service}.json"


def history_file(quantity: str) -> str:
    """Return the name of the evidence file of the series that were pushed before a run."""
    return f"history-{quantity}.json"


def instance_of_series(labels: Mapping[str, str]) -> str:
    """Return what tells the process of a series from others, or ""."""
    return next((labels[name] for name in INSTANCE_LABELS if labels.get(name)), "")


@dataclass(frozen=True, slots=True)
class Observation:
    """What the backend showed at an instant (epoch seconds, its clock): the latest push of each."""

    at: float
    is_before: bool
    latest: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class InstancePushes:
    """The pushes of one instance, as far as they are known.

    `every_s` is the interval of its service, 0 if unknown. `until` is the timestamp of its last
    push before the run, None if there is none. `ahead_s` is by how much its clock is seen to be
    ahead. `is_paused` means that it pushed nothing for some intervals before the run, `is_replaced`
    that it stopped during the run and another instance began.
    """

    stamps: Sequence[float] = ()
    every_s: float = 0.0
    until: float | None = None
    ahead_s: float = 0.0
    is_paused: bool = False
    is_replaced: bool = False

    @property
    def has_ended(self) -> bool:
        """Whether it had ended before the run."""
        return self.is_paused and not self.since

    @property
    def paused_at(self) -> float:
        """When a pause before the run began, -inf without one."""
        return self.until if self.is_paused and self.until is not None else -math.inf

    @property
    def since(self) -> Sequence[float]:
        """Its pushes that were not shown before the run."""
        return [at for at in self.stamps if self.until is None or at > self.until]

    def settled_from(self, end: float) -> float:
        """Return from which timestamp on a push was surely collected after `end`."""
        return end + _OF_AN_INTERVAL * self.every_s + self.ahead_s

    def has_settled(self, end: float) -> bool:
        """Return whether it pushed often enough after an instant."""
        return sum(at > self.settled_from(end) for at in self.stamps) >= QUIET_PUSHES


def pushes_of(
    observations: Sequence[Observation], begin: float, every_s: float = 0.0
) -> dict[str, InstancePushes]:
    """Return the pushes of each instance of a service; `every_s` is 0 if it is to be measured.

    `begin` is when the first request was sent, or now if it was not yet.
    """
    every_s = every_s or measured_every_s(observations)
    by_instance = {
        name: _of_instance(name, observations, begin, every_s)
        for name in sorted({name for each in observations for name in each.latest})
    }
    newcomers = any(each.until is None for each in by_instance.values())
    return {
        name: each if not newcomers else _replaced(each, observations)
        for name, each in by_instance.items()
    }


def _of_instance(
    name: str, observations: Sequence[Observation], begin: float, every_s: float
) -> InstancePushes:
    seen = [(each, each.latest[name]) for each in observations if name in each.latest]
    until = max((stamp for each, stamp in seen if each.is_before), default=None)
    return InstancePushes(
        stamps=sorted({stamp for _, stamp in seen}),
        every_s=every_s,
        until=until,
        ahead_s=max(0.0, *(stamp - each.at for each, stamp in seen)),
        is_paused=bool(
            every_s and until and until + _delay_s(seen) < begin - ENDED_INTERVALS * every_s
        ),
    )


def _delay_s(seen: Sequence[tuple[Observation, float]]) -> float:
    """Return after what time by its timestamp a push shows: a clock may be behind."""
    delays_s = [later.at - stamp for (_, known), (later, stamp) in pairwise(seen) if stamp > known]
    return max(0.0, min(delays_s, default=0.0))


def _replaced(pushes: InstancePushes, observations: Sequence[Observation]) -> InstancePushes:
    """Return the pushes of an instance beside which another one began during the run."""
    last_at = max((each.at for each in observations), default=0.0)
    has_stopped = pushes.until is not None and bool(
        pushes.stamps[-1] < last_at - ENDED_INTERVALS * pushes.every_s
    )
    return replace(pushes, is_replaced=has_stopped and not pushes.is_paused)


def measured_every_s(observations: Sequence[Observation]) -> float:
    """Return the interval of the slowest instance, in seconds, or 0 if no two pushes are known.

    What lies between the last observation before the run and the first one after it is left out.
    """
    gaps: dict[str, list[float]] = {}
    for is_before in (True, False):
        stamps: dict[str, set[float]] = {}
        for each in observations:
            for name, stamp in each.latest.items() if each.is_before is is_before else ():
                stamps.setdefault(name, set()).add(stamp)
        for name, of_instance in stamps.items():
            steps = [later - sooner for sooner, later in pairwise(sorted(of_instance))]
            gaps.setdefault(name, []).extend(steps)
    return max((statistics.median(each) for each in gaps.values() if each), default=0.0)


@dataclass(slots=True)
class PushEvidence:
    """The observations of one service, and the responses that they rest on, as they are kept."""

    observations: list[Observation] = field(default_factory=list)
    responses: list[dict[str, Any]] = field(default_factory=list)

    def add(self, at: float, content: bytes, *, is_before: bool) -> Observation:
        """Keep a response if it shows a new push; return the observation. Raises ValueError."""
        body = decode_json(content)
        observation = Observation(at, is_before, latest_pushes(body))
        known = {
            push
            for each in self.observations
            if each.is_before is is_before
            for push in each.latest.items()
        }
        if not observation.latest.items() <= known:
            self.observations.append(observation)
            self.responses.append({"at": at, "is_before": is_before, "response": body})
        return observation

    def document(self) -> bytes:
        """Return what is written to disk."""
        return json.dumps({"responses": self.responses}, indent=1).encode()


def read_observations(document: Any) -> list[Observation]:
    """Read what was written to disk. Raises ValueError."""
    try:
        return [
            Observation(float(each["at"]), bool(each["is_before"]), latest_pushes(each["response"]))
            for each in document["responses"]
        ]
    except (LookupError, TypeError) as error:
        raise ValueError("no responses of a backend") from error


def latest_pushes(body: Any) -> dict[str, float]:
    """Return the latest timestamp of each instance in a response. Raises ValueError for others."""
    latest: dict[str, float] = {}
    try:
        for each in body["data"]["result"]:
            name = instance_of_series(each["metric"])
            latest[name] = max(float(each["value"][1]), latest.get(name, 0.0))
    except (LookupError, TypeError, AttributeError) as error:
        raise ValueError("not the instant vector of a Prometheus response") from error
    return latest


def latest_push_query(matchers: str) -> str:
    """Return the query for the latest timestamp of each instance; `matchers` are in braces.

    >>> latest_push_query('{job="shop"}')
    'max by (instance, service_instance_id) (timestamp({job="shop"}))'
    """
    return f"max by ({', '.join(INSTANCE_LABELS)}) (timestamp({matchers}))"


def all_settled(pushes: Iterable[InstancePushes], end: float) -> bool:
    """Return whether each instance that has not ended pushed often enough after an instant."""
    waited_for = [each for each in pushes if not (each.has_ended or each.is_replaced)]
    return bool(waited_for) and all(each.has_settled(end) for each in waited_for)
