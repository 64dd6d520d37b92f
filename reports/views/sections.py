"""View the tables of flow, latency, validity and environment."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from checks.observations import Generator, StreamEvents
from checks.result import NOTHING_COUNTED, Phase, Result
from checks.service_levels import LatencyRow
from reports import formatting as write
from reports.views.basis import basis_words


@dataclass(frozen=True, slots=True)
class CountRow:
    """What a phase moved of one quantity; `share` is empty where nothing was planned.

    Where all `is_as_planned`, the balance has the figure, and nothing more is shown.
    """

    text: str
    share: str
    is_as_planned: bool = False

    @property
    def with_share(self) -> str:
        """As in `cards_created 400 of 400 (100.00 %)`."""
        return f"{self.text} ({self.share})" if self.share else self.text


@dataclass(frozen=True, slots=True)
class PhaseRow:
    """One profile as it was driven, and what it moved."""

    profile: str
    users: str
    iterations: str
    dropped: str
    elapsed: str
    rate: str
    exchanges: str
    when: str
    counts: tuple[CountRow, ...]

    @property
    def count_texts(self) -> tuple[str, ...]:
        """The counts that differ from the plan, or that none does."""
        texts = [each.with_share for each in self.counts if not each.is_as_planned]
        return tuple(texts or (["as planned"] if self.counts else []))


@dataclass(frozen=True, slots=True)
class StepRow:
    """The percentiles of one step, and how many events its streams had."""

    step: str
    count: str
    unanswered: str
    p50: str
    p95: str
    interval: str
    p99: str
    longest: str
    limit: str
    over_limit: str
    not_served: str
    events: str = write.NOT_ASKED


def phase_row(phase: Phase) -> PhaseRow:
    """Write one phase."""
    measured = phase.completed if phase.measured is None else phase.measured
    rate_per_s = measured / phase.elapsed_s if phase.elapsed_s > 0 else None
    users = write.render_count(phase.users)
    exchanges = (f"{write.render_count(number)} {outcome}"
                 for outcome, number in phase.exchanges.items())  # fmt: skip
    return PhaseRow(
        profile=phase.profile,
        users=f"up to {users}, open model" if phase.model == "open" else users,
        iterations=f"{phase.completed:,} of {phase.scheduled:,}",
        dropped=write.render_count(phase.dropped),
        elapsed=write.render_seconds(phase.elapsed_s),
        rate=write.NO_DATA if rate_per_s is None else f"{rate_per_s:,.1f}/s",
        exchanges=", ".join(exchanges) or "none",
        when=write.render_span(phase.started_at, phase.finished_at),
        counts=tuple(_counts(phase)),
    )


def _counts(phase: Phase) -> Iterator[CountRow]:
    for name in dict.fromkeys([*phase.planned_counts, *phase.counts]):
        figure, planned = phase.counts.get(name, NOTHING_COUNTED), phase.planned_counts.get(name)
        counted = f"{name} {write.render_client(figure)}"
        if planned is None:
            yield CountRow(counted, "")
        else:
            share = write.render_share(figure.confirmed, planned)
            is_as_planned = figure.confirmed == figure.most == planned
            yield CountRow(f"{counted} of {write.render_count(planned)}", share, is_as_planned)


def step_rows(result: Result) -> list[StepRow]:
    """Write a row for each step that was timed, with the events of its streams."""
    events = {each.step: _events(each) for each in result.streams}
    return [
        replace(step_row(row), events=events.get(row.step, write.NOT_ASKED))
        for row in result.latency
    ]


def _events(row: StreamEvents) -> str:
    """As in `12 (3–240), 2 broken`: the median, the fewest and the most of a stream."""
    broken = f", {write.render_count(row.broken)} broken" if row.broken else ""
    low, middle, high = (write.render_count(each) for each in (row.fewest, row.median, row.most))
    return f"{middle}{broken}" if low == high else f"{middle} ({low}–{high}){broken}"


def step_row(row: LatencyRow) -> StepRow:
    """Write one step's percentiles, each with the digits that its own limit asks for."""
    limits: dict[float, list[float]] = {}
    for objective in row.objectives:
        limits.setdefault(objective.percentile, []).append(objective.limit_s)
    p95_limits = limits.get(95.0, [])
    limit, p95_s = row.p95_objective, row.not_served_p95
    fast = "" if p95_s is None else f", p95 {write.render_seconds(p95_s)}"
    return StepRow(
        step=row.step, count=write.render_count(row.count),
        unanswered=write.render_count(row.unanswered),
        p50=write.render_seconds(row.p50, *limits.get(50.0, [])),
        p95=write.render_seconds(row.p95, *p95_limits),
        interval=write.render_interval(row.p95_low, row.p95_high, *p95_limits),
        p99=write.render_seconds(row.p99, *limits.get(99.0, [])),
        longest=write.render_seconds(row.max, *p95_limits),
        limit=f"≤ {write.render_limit(limit.limit_s)}" if limit else write.NOT_ASKED,
        over_limit=write.NOT_ASKED if row.over_target is None
        else write.render_count(row.over_target),
        not_served=write.render_count(row.not_served) + fast,
    )  # fmt: skip


def generator_rows(generator: Generator) -> list[tuple[str, str]]:
    """Write the health of the load generator."""
    return [
        ("CPU, of one core", _measured(generator.cpu_ratio, write.render_percentage)),
        ("Lag (sent − due), p99", _measured(generator.lag_p99_s, write.render_seconds)),
        ("Event loop delay, worst",
         _measured(generator.loop_delay_max_s, write.render_seconds)),
        ("Memory, most", _measured(generator.memory_bytes, _megabytes)),
        ("Clock skew to Prometheus", _measured(generator.clock_skew_s, write.render_seconds)),
        *_worker_rows(generator),
    ]  # fmt: skip


def _worker_rows(generator: Generator) -> Iterator[tuple[str, str]]:
    """Write each worker's figures, where there are several."""
    for each in generator.workers if len(generator.workers) > 1 else ():
        yield (
            each.name,
            (
                f"CPU {_measured(each.cpu_ratio, write.render_percentage)}, "
                f"lag {_measured(each.lag_p99_s, write.render_seconds)}, "
                f"loop delay {_measured(each.loop_delay_max_s, write.render_seconds)}, "
                f"memory {_measured(each.memory_bytes, _megabytes)}, "
                f"{each.started:,} begun, {each.dropped:,} dropped"
            ),
        )


def _measured(value: float | None, render: Callable[[float], str]) -> str:
    return "not measured" if value is None else render(value)


def _megabytes(size_bytes: float) -> str:
    return f"{size_bytes / 1e6:,.0f} MB"


def environment_rows(result: Result) -> list[tuple[str, str]]:
    """Write where, when and of what the run was made."""
    return [
        ("Run", result.run_id),
        ("Time", write.render_span(result.started_at, result.finished_at)),
        ("Environment", result.environment),
        ("Scenario", result.scenario),
        ("Scenario SHA-256", result.scenario_sha256 or write.NO_DATA),
        ("Profile", result.profile),
        ("Seeded fault", result.fault or "none"),
        *([("Commit", result.deployment.commit)] if result.deployment.commit else []),
        *([("Machine of the load", result.machine)] if result.machine else []),
        ("Complete", "no, the run was interrupted" if result.partial else "yes"),
        *([("Balance rests on", basis)] if (basis := basis_words(result)) else []),
        *_loads(result),
        *_deployment(result),
        *((f"Version of {name}", it) for name, it in result.versions.items()),
    ]


def _loads(result: Result) -> Iterator[tuple[str, str]]:
    """Write what was asked of the open models: the target rate, and the seed of arrivals."""
    for phase in result.phases:
        if phase.target_rate_per_s is not None:
            seed = "" if phase.seed is None else f", seed {phase.seed}"
            yield (f"Target rate of {phase.profile}",
                   f"{phase.target_rate_per_s:,.10g} iterations a second{seed}")  # fmt: skip


def _deployment(result: Result) -> Iterator[tuple[str, str]]:
    deployment = result.deployment
    for name, address in result.services.items():
        version = deployment.service_versions.get(name)
        suffix = f", version {version}" if version else ""
        yield f"Service {name}", f"{write.without_userinfo(address)}{suffix}"
    if deployment.prometheus:
        interval_s = deployment.scrape_interval_s
        scraped = f", scrapes every {interval_s:g} s" if interval_s else ""
        version = deployment.prometheus_version
        suffix = f", version {version}" if version else ""
        yield "Prometheus", f"{write.without_userinfo(deployment.prometheus)}{suffix}{scraped}"
    for name, address in deployment.databases.items():
        yield f"Database {name}", write.without_userinfo(address)
    for name, address in deployment.apis.items():
        yield f"API {name}", write.without_userinfo(address)


def duration(start: datetime, end: datetime) -> str:
    """Write how long something took."""
    return write.render_seconds((end - start).total_seconds())
