"""Judge what must hold of the witnesses before their figures can be trusted.

A precondition that fails casts doubt on exactly those figures that rest on it: a quantity rests on
the job whose exposition declares its metric.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from checks.balance.discovered import judge_discovered_pages, judge_discovered_targets
from checks.balance.figures import COUNTERS
from checks.balance.pushed import judge_pushed
from checks.case import Case
from checks.result import Finding, Kind, finding_id
from checks.verdict import Verdict
from checks.wording import listed
from witnesses.figure import Figures, Reason
from witnesses.model import CountedQuantity
from witnesses.prometheus.reading import NAME as PROMETHEUS
from witnesses.prometheus.samples import ScrapeLog, Target
from witnesses.service.reading import NAME as SERVICE
from witnesses.service.replica import Replica
from witnesses.service.single_process import MAX_BYTES, MAX_SCRAPES
from witnesses.target_labels import address_of

_MAX_NAMED = 5
_READABLE_REMEDY = (
    "Declare `metrics: none` on the service {name} in the environment's file, if it shows none "
    "here, or correct its metrics: or metrics_headers:."
)
_MOMENTS = "before and after the run"


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why the figures that some witnesses have of a job are not exact."""

    job: str
    witnesses: tuple[str, ...]
    reason: Reason
    detail: str = ""

    def cast_on(self, figures: Figures) -> Figures:
        """Return the figures with this doubt."""
        return figures.doubted(self.reason, self.detail)


@dataclass(frozen=True, slots=True)
class Precondition:
    """A finding, and the doubts that it casts where it does not hold."""

    finding: Finding
    doubts: tuple[Doubt, ...] = ()


def judge_preconditions(case: Case) -> list[Precondition]:
    """Judge the witnesses of each service, in the order of the environment."""
    by_service: dict[str, list[Replica]] = {name: [] for name in case.run.services}
    for replica in case.services.replicas.values():
        by_service.setdefault(replica.service, []).append(replica)
    preconditions: list[Precondition] = []
    is_read = not case.prometheus.collection.error and not case.prometheus.is_cut_short
    pushed = case.prometheus.collection.pushed
    for name, replicas in by_service.items():
        if name in case.prometheus.collection.discovered:
            preconditions += _judge_discovered(case, name, replicas)
            continue
        if name in pushed and is_read:
            preconditions.append(Precondition(judge_pushed(case, name)))
        if not replicas:
            continue
        errors = [each.error for each in replicas if each.error]
        preconditions += [
            Precondition(judge_metrics_readable(name, _MOMENTS, errors, len(replicas))),
            _judge_single_process(name, replicas),
            Precondition(_judge_process_survives(case, name, replicas, _jobs(replicas))),
        ]
        # Where Prometheus was not read to the end, its targets say nothing of the scrapes.
        if is_read and name not in pushed:
            preconditions.append(_judge_scraped(case, name, replicas))
    return preconditions


def doubts_on(
    case: Case, quantity: CountedQuantity, preconditions: Iterable[Precondition]
) -> list[Doubt]:
    """Return the doubts on the jobs that a quantity's counters come from."""
    if not quantity.settings.prometheus:
        return []
    jobs = case.services.jobs(quantity)
    return [
        doubt
        for precondition in preconditions
        for doubt in precondition.doubts
        if doubt.job in jobs
    ]


def cast_doubts(figures: Mapping[str, Figures], doubts: Iterable[Doubt]) -> dict[str, Figures]:
    """Return the figures of each witness with the doubts on it."""
    doubted = dict(figures)
    for doubt in doubts:
        for witness in doubt.witnesses:
            if witness in doubted:
                doubted[witness] = doubt.cast_on(doubted[witness])
    return doubted


def _judge_discovered(case: Case, name: str, replicas: list[Replica]) -> Iterator[Precondition]:
    """Judge a service whose replicas are those that Prometheus has: they may come and go.

    What one that went away leaves open is in the figures. A page that cannot be read from here is
    none of the witnesses.
    """
    record, jobs = case.prometheus.collection, {case.prometheus.collection.jobs[name]}
    unasked = case.services.unasked.get(name, "")
    if replicas or unasked:
        readable = sum(not each.error for each in replicas)
        yield Precondition(judge_discovered_pages(name, readable, len(replicas), unasked))
    if replicas:
        yield _judge_single_process(name, replicas)
    yield Precondition(_judge_process_survives(case, name, replicas, jobs))
    if record.error or case.prometheus.is_cut_short:
        return
    logs = _scrape_logs(case, jobs)
    came = len(case.prometheus.changes.came & logs.keys())
    gone = len(case.prometheus.changes.gone & logs.keys())
    changes = ", ".join(f"{n} {word}" for n, word in ((came, "came"), (gone, "went away")) if n)
    observed = f"{len(logs)} discovered{f': {changes}' if changes else ''}"
    observed += f", every {record.interval_s:g} s"
    yield Precondition(judge_discovered_targets(name, observed, is_well=bool(logs)))


NONE_DECLARED = "the environment declares that it has none"


def judge_metrics_readable(name: str, moment: str, errors: Sequence[str], replicas: int) -> Finding:
    """Judge whether the metrics of each replica of a service can be read."""
    return Finding(
        finding_id("precondition", "metrics-readable", name),
        f"{name}: metrics can be read",
        Kind.VALIDITY,
        Verdict.INCONCLUSIVE if errors else Verdict.PASS,
        f"on each replica, {moment}",
        "; ".join(errors) or (f"{replicas} of {replicas} replicas" if replicas else NONE_DECLARED),
        _READABLE_REMEDY.format(name=name) if errors else "",
        reason=f"{name}: no metrics can be read; declare `metrics: none` on the service {name}, or "
        f"correct its metrics: ({errors[0]})"
        if errors
        else "",
    )


def _judge_single_process(name: str, replicas: list[Replica]) -> Precondition:
    several = next(filter(None, (replica.several_processes for replica in replicas)), None)
    scrapes = sum(each.number for replica in replicas for each in replica.scrapes)
    fell = f"{several.fell} fell from one scrape to the next" if several and several.fell else ""
    failed = fell or "the process start time differs from scrape to scrape"
    finding = Finding(
        finding_id("precondition", "single-process", name),
        f"{name}: one process behind /metrics",
        Kind.VALIDITY,
        Verdict.INCONCLUSIVE if several else Verdict.PASS,
        "same start time and no falling counter in consecutive scrapes",
        f"several processes: {failed}"
        if several
        else f"one process in {scrapes} scrapes{_few_scrapes(replicas)}",
        "Give the workers one multiprocess directory, or scrape each by itself." if several else "",
    )
    if several is None:
        return Precondition(finding)
    return Precondition(finding, _doubts(replicas, COUNTERS, Reason.SEVERAL_PROCESSES, fell))


def _few_scrapes(replicas: Sequence[Replica]) -> str:
    """Report how many scrapes in a row a large or slow page allowed, or ""."""
    succeeded = (each for replica in replicas for each in replica.scrapes if each.page_bytes)
    least = min(succeeded, key=lambda each: each.number, default=None)
    if least is None or least.number >= MAX_SCRAPES:
        return ""
    page = f"takes {least.page_s:.1f} s"
    if least.page_bytes * MAX_SCRAPES > MAX_BYTES:
        page = f"has {least.page_bytes / 1e6:.1f} MB"
    return f", at least {least.number} of {MAX_SCRAPES} in a row, since a page {page}"


def _judge_process_survives(
    case: Case, name: str, replicas: list[Replica], jobs: set[str]
) -> Finding:
    """Judge whether each process lived through the run; if not, its figures are lower bounds."""
    begin = case.prometheus.collection.begin
    is_split = any(replica.several_processes for replica in replicas)
    is_restarted = any(
        replica.is_restarted and not replica.error and not replica.several_processes
        for replica in replicas
    )
    logs = list(_scrape_logs(case, jobs).values())
    for log in logs:
        # Prometheus also sees a process that came and went between the two direct scrapes.
        before = [start_time for at, start_time in log.start_times if at <= begin][-1:]
        since = (start_time for at, start_time in log.start_times if at > begin)
        is_restarted = is_restarted or len({*before, *since}) > 1
    shows_start = any(each.after.start_times or each.before.start_times for each in replicas)
    shows_start |= not replicas and any(log.start_times for log in logs)
    same = "the same process" if shows_start else "no start time is exposed; taken on trust"
    return Finding(
        finding_id("precondition", "process-survives", name),
        f"{name}: no restart during the run",
        Kind.VALIDITY,
        Verdict.PASS if is_split or not is_restarted else Verdict.INCONCLUSIVE,
        "the same process before and after",
        "the process was restarted" if is_restarted else same,
    )


def _judge_scraped(case: Case, name: str, replicas: list[Replica]) -> Precondition:
    logs = list(_scrape_logs(case, _jobs(replicas)).values())
    record = case.prometheus.collection
    # The environment may name a job for several services: each address counts once.
    named = len(_named_addresses(case, _jobs(replicas)))
    tried, failed = sum(log.tried for log in logs), sum(log.failed for log in logs)
    silent = sum(not any(up == 1 and at > record.end for at, up in log.ups) for log in logs)
    mismatch = replica_mismatch(len(logs), named)
    if _jobs(replicas) <= {*record.not_awaited}:
        silent, observed = 0, mismatch or f"{len(logs)} of {named} targets; no quantity rests on it"
    else:
        scraped = f"{len(logs) - silent} of {len(logs)} targets scraped after the last response"
        gaps = f"; {failed} of {tried} scrapes failed" if failed else ""
        observed = f"{mismatch or scraped}, every {record.interval_s:g} s{gaps}"
    is_well = bool(logs) and not mismatch and not silent
    finding = judge_scraped_by_prometheus(name, named, observed, is_well=is_well)
    return Precondition(finding, _doubts_of_mismatch(replicas, len(logs), named, mismatch))


def _named_addresses(case: Case, jobs: set[str]) -> set[str]:
    """Return the metrics addresses of some jobs; of one that services share, those that are meant.

    Where a selector tells a service from the others by a label of the targets, it means as many
    targets as the service has addresses.
    """
    of_jobs = [each for each in case.services.replicas.values() if each.job in jobs]
    targets = [target for target in case.prometheus.scrape_logs if target[0] in jobs]
    meant: set[str] = set()
    for quantity in map(case.quantity, case.scenario.judged_quantities):
        if not (quantity.settings.prometheus and case.services.jobs(quantity) & jobs):
            continue
        own = [each for each in of_jobs if each.service == quantity.settings.service]
        selected = len(case.prometheus.targets_of(quantity))
        is_told = bool(own) and len({*map(_address, own)}) == selected < len(targets)
        meant |= {*map(_address, own if is_told else of_jobs)}
    return meant or {*map(_address, of_jobs)}


def _address(replica: Replica) -> str:
    return address_of(replica.url)


def _doubts_of_mismatch(
    replicas: list[Replica], targets: int, named: int, mismatch: str
) -> tuple[Doubt, ...]:
    """With fewer targets than replicas, Prometheus knows only a part.

    With more, the services may know only a part, or the further targets may be another
    environment's.
    """
    if targets < named:
        return _doubts(replicas, (PROMETHEUS,), Reason.REPLICAS_NOT_SCRAPED, mismatch)
    if targets == named:
        return ()
    return (*_doubts(replicas, (SERVICE,), Reason.REPLICAS_NOT_NAMED, mismatch),
            *_doubts(replicas, (PROMETHEUS,), Reason.OTHER_TARGETS, mismatch))  # fmt: skip


def judge_scraped_by_prometheus(
    name: str, replicas: int, observed: str, *, is_well: bool
) -> Finding:
    """Judge whether Prometheus scrapes each replica of a service."""
    return Finding(
        finding_id("precondition", "scraped", name),
        f"{name}: scraped by Prometheus",
        Kind.VALIDITY,
        Verdict.PASS if is_well else Verdict.INCONCLUSIVE,
        f"{replicas} of {replicas} replicas",
        observed,
    )


def replica_mismatch(targets: int, replicas: int) -> str:
    """Return how a service's targets differ in number from the replicas that are named, or ""."""
    if targets < replicas:
        return f"{targets} of its {replicas} replicas are scraped"
    if targets > replicas:
        return f"{replicas} of its {targets} replicas are named in the environment"
    return ""


def judge_other_traffic(case: Case, grown: dict[str, dict[str, float]]) -> Precondition:
    """Judge what counters of other tenants grew by (by job and metric) during the run."""
    counters = [
        f"{metric} of {job} grew by {amount:,.0f}"
        for job, of_job in grown.items()
        for metric, amount in of_job.items()
    ]
    is_exclusive = case.run.exclusive
    finding = Finding(
        finding_id("precondition", "other-traffic"),
        "traffic of other tenants",
        Kind.VALIDITY,
        Verdict.INCONCLUSIVE if is_exclusive and counters else Verdict.PASS,
        "none: the environment is exclusive" if is_exclusive else "any: it is not exclusive",
        listed(counters[:_MAX_NAMED]) or "none",
    )
    if not is_exclusive:
        return Precondition(finding)
    return Precondition(finding, tuple(Doubt(job, COUNTERS, Reason.OTHER_TRAFFIC) for job in grown))


def _scrape_logs(case: Case, jobs: set[str]) -> dict[Target, ScrapeLog]:
    """Return the scrape logs of jobs, of the targets that a selector can mean.

    One that means none, since its series have a job of their own, leaves out none either.
    """
    quantities = [case.quantity(name) for name in case.scenario.judged_quantities]
    meant = [
        targets
        for each in quantities
        if each.settings.prometheus and case.services.jobs(each) & jobs
        if (targets := case.prometheus.targets_of(each))
    ]
    return {
        target: log
        for target, log in case.prometheus.scrape_logs.items()
        if target[0] in jobs and (not meant or any(target in targets for targets in meant))
    }


def _jobs(replicas: Iterable[Replica]) -> set[str]:
    return {replica.job for replica in replicas}


def _doubts(
    replicas: Iterable[Replica],
    witnesses: tuple[str, ...],
    reason: Reason,
    detail: str = "",
) -> tuple[Doubt, ...]:
    return tuple(Doubt(job, witnesses, reason, detail) for job in sorted(_jobs(replicas)))
