"""May the witnesses be believed? What must hold of each, and which figures rest on it.

A precondition that fails makes exactly those figures doubtful that rest on it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from checks.case import Case
from checks.result import Finding, Kind
from checks.verdict import Verdict
from checks.wording import listed
from witnesses.figure import Figure, Figures
from witnesses.prometheus.samples import Watch
from witnesses.service.scrapes import Replica

SERVICE, PROMETHEUS = "service", "prometheus"

TRAFFIC_OF_OTHERS = "others' traffic is in it, though the environment says that it is exclusive"


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why the figures that some witnesses take from a job are not exact.

    They are lower bounds, or mean nothing at all where the doubt `voids` them.
    """

    job: str
    witnesses: tuple[str, ...]
    remark: str
    voids: bool = False

    def cast_on(self, figures: Figures) -> Figures:
        """Return the figures as they are with this doubt."""
        by_labels = {labels: self._cast(each) for labels, each in figures.by_labels.items()}
        return Figures(by_labels, self._cast(figures.absent))

    def _cast(self, figure: Figure) -> Figure:
        if self.voids or figure.value is None:
            return Figure(None, figure.remark or self.remark)
        return Figure(figure.value, figure.remark or self.remark)


@dataclass(frozen=True, slots=True)
class Precondition:
    """One line of the checklist; `doubts` are what it casts where it does not hold."""

    finding: Finding
    doubts: tuple[Doubt, ...] = ()


def examine(case: Case) -> list[Precondition]:
    """Examine the witnesses of each service, in the order of the environment."""
    by_service: dict[str, list[Replica]] = {name: [] for name in case.run.services}
    for replica in case.services.replicas.values():
        by_service.setdefault(replica.service, []).append(replica)
    return [each for name, replicas in by_service.items() if replicas
            for each in _of_service(case, name, replicas)]  # fmt: skip


def _of_service(case: Case, name: str, replicas: list[Replica]) -> Iterator[Precondition]:
    yield _shown(name, replicas)
    yield _one_process(name, replicas)
    yield _lives(case, name, replicas)
    if not case.prometheus.reading.down:
        yield _scraped(case, name, replicas)


def _shown(name: str, replicas: list[Replica]) -> Precondition:
    troubles = list(filter(None, (each.trouble for each in replicas)))
    return Precondition(shown_finding(name, "before and after", troubles, len(replicas)))


def shown_finding(name: str, moment: str, troubles: Sequence[str], replicas: int) -> Finding:
    """Judge whether each replica of a service shows its metrics."""
    observed = "; ".join(troubles) or f"{replicas} of {replicas} replicas"
    expected = f"by each replica, {moment}"
    return _finding(f"{name} shows its metrics", expected, observed, not troubles)


def _one_process(name: str, replicas: list[Replica]) -> Precondition:
    doubt = next(filter(None, (each.split for each in replicas)), "")
    looks = sum(look.number for each in replicas for look in each.looks)
    remedy = "; give the workers one metrics folder, or scrape each by itself" if doubt else ""
    finding = _finding(
        f"{name} counts in one process",
        "the same start time, and no counter lower, look after look",
        f"{doubt}{remedy}" or f"so at {looks} looks",
        not doubt,
    )
    return Precondition(finding, _doubts(replicas, doubt, (SERVICE, PROMETHEUS), voids=True))


def _lives(case: Case, name: str, replicas: list[Replica]) -> Precondition:
    """The figures say by themselves that they are lower bounds where a process was replaced."""
    watches = _watches(case, replicas)
    restarted = any(each.is_restarted and not each.trouble and not each.split for each in replicas)
    restarted |= any(_starts(watch, case.prometheus.reading.begin) > 1 for watch in watches)
    is_split = any(each.split for each in replicas)
    tells = any(each.after.birth or each.before.birth for each in replicas)
    observed = "it was restarted" if restarted else "one process" if tells else (
        "it tells no start time, and is trusted")  # fmt: skip
    finding = _finding(
        f"{name} lives through the run", "the process that was there before is there after",
        observed, is_split or not restarted,
    )  # fmt: skip
    return Precondition(finding)


def _scraped(case: Case, name: str, replicas: list[Replica]) -> Precondition:
    watches = _watches(case, replicas)
    reading = case.prometheus.reading
    tried, failed = sum(each.tried for each in watches), sum(each.failed for each in watches)
    doubts = _uncovered(len(watches), replicas)
    silent = sum(not any(up == 1 and at > reading.end for at, up in each.ups) for each in watches)
    observed = miscounted(len(watches), len(replicas)) or (
        f"{len(watches) - silent} of {len(watches)} targets after the last answer")  # fmt: skip
    gaps = f"; {failed} of {tried} scrapes failed" if failed else ""
    well = bool(watches) and not doubts and not silent
    observed = f"{observed}, every {reading.interval_s:g} s{gaps}"
    return Precondition(scraped_finding(name, len(replicas), observed, well), doubts)


def scraped_finding(name: str, replicas: int, observed: str, well: bool) -> Finding:
    """Judge whether Prometheus scrapes each replica of a service."""
    return _finding(f"Prometheus scrapes {name}", f"{replicas} of {replicas} replicas", observed,
                    well)  # fmt: skip


def miscounted(targets: int, replicas: int) -> str:
    """Return how the targets of a service differ from the replicas that are named, or ""."""
    if targets < replicas:
        return f"{targets} of its {replicas} replicas are scraped"
    if targets > replicas:
        return f"{replicas} of its {targets} replicas are named in the environment"
    return ""


def _uncovered(targets: int, replicas: list[Replica]) -> tuple[Doubt, ...]:
    """Of more replicas than targets, Prometheus knows only a part; of fewer, the services do."""
    witness = PROMETHEUS if targets < len(replicas) else SERVICE
    return _doubts(replicas, miscounted(targets, len(replicas)), (witness,))


def _watches(case: Case, replicas: Iterable[Replica]) -> list[Watch]:
    jobs = {each.job for each in replicas}
    return [watch for target, watch in case.prometheus.watches.items() if target[0] in jobs]


def _starts(watch: Watch, begin: float) -> int:
    """Count the processes seen at the last scrape before the first request, and since."""
    before = [birth for at, birth in watch.births if at <= begin][-1:]
    return len({*before, *(birth for at, birth in watch.births if at > begin)})


def _doubts(
    replicas: Iterable[Replica], remark: str, witnesses: tuple[str, ...], voids: bool = False
) -> tuple[Doubt, ...]:
    jobs = dict.fromkeys(each.job for each in replicas)
    return tuple(Doubt(job, witnesses, remark, voids) for job in jobs if remark)


def foreign_traffic(case: Case, grown: dict[str, dict[str, float]]) -> Precondition:
    """Judge what counters of other tenants grew by (by job and metric) while the run went on."""
    told = [f"{metric} of {job} grew by {amount:,.0f}" for job, of_job in grown.items()
            for metric, amount in of_job.items()]  # fmt: skip
    exclusive = case.run.exclusive
    finding = _finding(
        "traffic of other tenants",
        "none: the environment is exclusive" if exclusive else "measured: it is not exclusive",
        listed(told[:5]) or "none",
        not (exclusive and told),
    )
    doubts = tuple(Doubt(job, (SERVICE, PROMETHEUS), TRAFFIC_OF_OTHERS) for job in grown)
    return Precondition(finding, doubts if exclusive else ())


def _finding(check: str, expected: str, observed: str, holds: bool) -> Finding:
    verdict = Verdict.PASS if holds else Verdict.INCONCLUSIVE
    return Finding(check, Kind.VALIDITY, verdict, expected, observed)
