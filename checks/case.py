"""One run's evidence, read from disk and nothing else, as every judge sees it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from itertools import chain
from typing import TypeVar

import numpy as np

from checks.balance.doubt_resolution import DoubtResolution, resolve_doubts
from checks.balance.promises import Promises
from scenarios.driver.arrivals import OpenModel, arrivals_of
from scenarios.driver.load_size import LoadSize, with_load
from scenarios.evidence.exchanges import Exchanges
from scenarios.evidence.ledger import Ledger, ledger_of
from scenarios.evidence.recording import OUTSIDE, Recording, StopReason
from scenarios.evidence.recording_reader import read_recordings
from scenarios.evidence.run_folder import DrivenPhase, Run, RunFolder
from scenarios.evidence.trace_ids import TraceIds
from scenarios.language.amounts import resolution_of
from scenarios.language.model import Scenario
from scenarios.language.profiles import Profile
from witnesses.database.trace_reading import TraceReading, read_traces
from witnesses.histograms import buckets_of, natives_of
from witnesses.model import CountedQuantity, Reading
from witnesses.precision import Precision
from witnesses.prometheus.reading import PrometheusReading
from witnesses.readings import read_witnesses
from witnesses.service.reading import ServiceReading

_LEAST_ADDITIONS, _ADDITIONS_PER_EXCHANGE = 1_000, 4

ReadingT = TypeVar("ReadingT")


@dataclass(frozen=True)
class DrivenProfile:
    """One phase of the run with what its generators recorded."""

    phase: DrivenPhase
    profile: Profile
    recordings: tuple[Recording, ...]

    @property
    def exchanges(self) -> tuple[Exchanges, ...]:
        """The exchanges of each generator."""
        return tuple(recording.exchanges for recording in self.recordings)

    @property
    def is_partial(self) -> bool:
        """Whether something that was sent may be missing: a worker's evidence did not arrive."""
        given = [each.start.scheduled for each in self.recordings]
        unknown = any(
            each.missing or (each.start.shipped and each.end is None) for each in self.recordings
        )
        return unknown or (None not in given and sum(each or 0 for each in given) < self.scheduled)

    @cached_property
    def measured(self) -> tuple[Exchanges, ...]:
        """The exchanges of each generator within the measured window: after the warm-up."""
        return tuple(
            each.exchanges.begun_after(each.measured_from_s)
            if each.start.warm_up_s
            else each.exchanges
            for each in self.recordings
        )

    @cached_property
    def scheduled(self) -> int:
        """How many iterations were to be run: those of the profile, or else those begun."""
        arrivals = arrivals_of(self.profile)
        known = arrivals.scheduled if isinstance(arrivals, OpenModel) else self.profile.iterations
        return known or self.begun + self.dropped

    @property
    def begun(self) -> int:
        """How many iterations were begun."""
        return sum(map(begun, self.recordings))

    @property
    def dropped(self) -> int:
        """How many iterations were due and could not be begun."""
        return sum(each.end.dropped for each in self.recordings if each.end)

    @property
    def not_started(self) -> int:
        """How many scheduled iterations were left when the load was stopped."""
        return sum(each.end.not_started for each in self.recordings if each.end)

    @property
    def aborted(self) -> str:
        """Why the load aborted itself, with the figures; or ""."""
        return self._stopped(StopReason.ABORTED)

    @property
    def data_used_up(self) -> str:
        """Which data rows have all been used, so that the load ended as it should; or ""."""
        return self._stopped(StopReason.DATA_USED_UP)

    def _stopped(self, reason: StopReason) -> str:
        ends = (each.end for each in self.recordings if each.end)
        return next((end.stopped for end in ends if end.stop_reason is reason), "")


@dataclass(frozen=True)
class Case:
    """One run's evidence, as every judge sees it.

    `outside` are the recordings of what is in no profile: set-up and teardown.
    """

    folder: RunFolder
    run: Run
    scenario: Scenario
    driven: tuple[DrivenProfile, ...]
    outside: tuple[Recording, ...] = ()

    @property
    def recordings(self) -> tuple[Recording, ...]:
        """All recordings of the run: of each phase and generator, of set-up and teardown."""
        return (*self.outside, *(each for one in self.driven for each in one.recordings))

    @property
    def measured(self) -> DrivenProfile | None:
        """The phase whose latency is judged: the last, after whatever warmed up."""
        return self.driven[-1] if self.driven else None

    @cached_property
    def exchanges(self) -> tuple[Exchanges, ...]:
        """All exchanges of the run: one `Exchanges` per recording."""
        return tuple(recording.exchanges for recording in self.recordings)

    def sent_at(self, generator: str, sequence: int) -> datetime | None:
        """Return when a request was sent, by the clock of its generator; None if it is unknown."""
        for recording in self.recordings:
            exchanges = recording.exchanges
            position = int(np.searchsorted(exchanges.sequence, sequence))
            if exchanges.generator == generator and position < len(exchanges):
                sent_s = float(exchanges.column("sent_s")[position])
                return datetime.fromtimestamp(recording.start.anchor_at + sent_s, UTC)
        return None

    @property
    def not_asked_after(self) -> tuple[str, ...]:
        """The witnesses that were asked before the run, and not after it."""
        return tuple(each.name for each in self.witnesses if each.is_cut_short)

    @property
    def is_partial(self) -> bool:
        """Whether the ledger is a lower bound only, since exchanges are missing."""
        return any(driven.is_partial for driven in self.driven)

    @cached_property
    def promises(self) -> Promises:
        """What each exchange must have counted, surely or perhaps."""
        return Promises(self.scenario, self.run.run_id, self.exchanges, self.trace_ids)

    @cached_property
    def trace_ids(self) -> TraceIds:
        """The ids of the run's requests, in the form of its trace header."""
        generators = dict.fromkeys(each.exchanges.generator for each in self.recordings)
        return TraceIds(self.run.run_id, self.run.trace_header, tuple(generators))

    @cached_property
    def resolution(self) -> DoubtResolution:
        """What must have been counted over the whole run, doubts resolved where records tell."""
        ledger = ledger_of(self.scenario, self.exchanges)
        return resolve_doubts(ledger, self.promises, self.traces)

    @property
    def ledger(self) -> Ledger:
        """What the client knows must have been counted, over the whole run."""
        return self.resolution.ledger

    @cached_property
    def traces(self) -> TraceReading:
        """Which requests the databases know."""
        return read_traces(self.folder, self.scenario.quantities)

    @cached_property
    def witnesses(self) -> tuple[Reading, ...]:
        """What every witness reported, in the order of the balance's columns."""
        return read_witnesses(self.folder, self.scenario)

    @property
    def prometheus(self) -> PrometheusReading:
        """What Prometheus reported."""
        return self._reading(PrometheusReading)

    @property
    def services(self) -> ServiceReading:
        """What the services' own metrics showed."""
        return self._reading(ServiceReading)

    @cached_property
    def buckets(self) -> dict[str, CountedQuantity]:
        """The histograms that objectives are on, classic and native, by name."""
        scenario, tenant, is_exclusive = self.scenario, self.run.tenant, self.run.exclusive
        classic = buckets_of(scenario, tenant, is_exclusive=is_exclusive)
        native = natives_of(scenario, tenant, is_exclusive=is_exclusive)
        return {each.name: each for each in (*classic, *native)}

    def quantity(self, name: str) -> CountedQuantity:
        """Return a quantity of the scenario as this run counts it, or buckets of a histogram."""
        run = self.run
        if name in self.buckets:
            return self.buckets[name]
        return CountedQuantity(
            name, self.scenario.quantities[name], run.tenant, run.exclusive,
            Precision(resolution_of(self.scenario, name), self._additions),
        )  # fmt: skip

    @property
    def _additions(self) -> int:
        """How many times the run may have added to a counter."""
        exchanges = sum(map(len, self.exchanges))
        return max(_LEAST_ADDITIONS, _ADDITIONS_PER_EXCHANGE * exchanges)

    def _reading(self, kind: type[ReadingT]) -> ReadingT:
        return next(each for each in self.witnesses if isinstance(each, kind))


def begun(recording: Recording) -> int:
    """Return how many iterations a generator began, also one that was killed."""
    if recording.end:
        return recording.end.started
    return len(recording.exchanges.iterations)


def _size_of(phase: DrivenPhase) -> LoadSize:
    return LoadSize(phase.users, phase.iterations, phase.rate_per_s, phase.duration_s)


def read_case(folder: RunFolder) -> Case:
    """Read a run's evidence. Raises ConfigError where the run or its scenario cannot be read."""
    run, scenario = folder.read_run(), folder.read_scenario()
    driven = tuple(
        DrivenProfile(
            phase,
            # A watch has no profile: one user, for as long as it takes.
            Profile(users=1)
            if run.watch
            # nor has a load of plain Locust that went on until it was stopped
            else with_load(scenario.profiles.get(phase.profile, Profile()), _size_of(phase)),
            read_recordings(folder.exchanges, phase.stem),
        )
        for phase in run.phases
    )
    outside = (read_recordings(folder.exchanges, stem) for stem in OUTSIDE)
    return Case(folder, run, scenario, driven, tuple(chain.from_iterable(outside)))
