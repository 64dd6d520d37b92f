"""Restrict a quantity to the targets of the environment's own services.

A Prometheus also scrapes others: another environment under the same metric names, or a second job
that scrapes the same address. Their series must not be counted.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from config.environment import Environment
from config.prometheus import matchers_of
from witnesses.model import CountedQuantity
from witnesses.prometheus.collection import PushedTarget
from witnesses.prometheus.pushes import instance_of_series
from witnesses.prometheus.samples import Target, target_of
from witnesses.target_labels import (
    INSTANCE,
    JOB,
    Labels,
    address_of,
    alternatives,
    instance_of,
    job_matcher,
)


@dataclass(frozen=True)
class ServiceTargets:
    """The job of each service, and the default instance of each of its replicas.

    `match` are labels that each of their targets has. Of the services that are `discovered`, each
    target of the job is a replica. `pushed` are the services that push their metrics: nothing
    scrapes them.
    """

    jobs: Mapping[str, str]
    instances: Mapping[str, Sequence[str]] = field(default_factory=dict)
    match: Mapping[str, str] = field(default_factory=dict)
    discovered: Sequence[str] = ()
    pushed: Mapping[str, PushedTarget] = field(default_factory=dict)

    @classmethod
    def of_environment(cls, environment: Environment) -> "ServiceTargets":
        """Return the targets of an environment's services."""
        services = environment.services.items()
        return cls(
            {name: service.job or name for name, service in services},
            {name: list(map(instance_of, service.metrics_urls())) for name, service in services},
            environment.prometheus.match if environment.prometheus else {},
            [name for name, service in services if service.is_discovered],
            {
                name: PushedTarget(service.pushed.every or 0.0, service.pushed.job_label)
                for name, service in services
                if service.pushed
            },
        )

    @classmethod
    def of_jobs(cls, *jobs: str) -> "ServiceTargets":
        """Return the targets of services that are named as their jobs."""
        return cls({job: job for job in jobs})

    @property
    def scraped_jobs(self) -> frozenset[str]:
        """The jobs of the services that are scraped."""
        return frozenset(job for name, job in self.jobs.items() if name not in self.pushed)

    def awaited_jobs(self, quantities: Collection[CountedQuantity]) -> frozenset[str]:
        """Return the jobs that are scraped and that quantities can rest on.

        These are all where a quantity names no service, and those whose replicas are discovered.
        """
        named = [each.settings.service for each in quantities if each.settings.service]
        if not named or len(named) < len(quantities):
            return self.scraped_jobs
        jobs = {self.jobs[name] for name in (*named, *self.discovered) if name in self.jobs}
        return self.scraped_jobs & jobs

    def matchers_of_pushed(self, service: str) -> str:
        """Return the matchers, in braces, of all series of a service that pushes them."""
        return job_matcher([self.jobs[service]], self.match, self.pushed[service].job_label)

    def target_of(self, labels: Labels) -> Target:
        """Return the job and instance of a series: the service that pushed it, or its target."""
        for name, pushed in self.pushed.items():
            if labels.get(pushed.job_label) == self.jobs[name]:
                return self.jobs[name], instance_of_series(labels)
        return target_of(labels)

    def may_be_pushed(self, quantity: CountedQuantity) -> bool:
        """Return whether a quantity can have series that were pushed."""
        service = quantity.settings.service
        return service in self.pushed if service else bool(self.pushed)

    def jobs_of(self, quantity: CountedQuantity) -> list[str]:
        """Return the jobs that a quantity's counters can be scraped under.

        A selector that names another job is taken as it is: its series may have a job label of
        their own, which `honor_labels` keeps.
        """
        service = quantity.settings.service
        jobs = list(dict.fromkeys([self.jobs[service]] if service else self.jobs.values()))
        label = self._job_label(service)
        named = [each for each in quantity.selector.matchers if each.label == label]
        fitting = [job for job in jobs if all(each.matches({each.label: job}) for each in named)]
        return fitting if named else jobs

    def selector(self, quantity: CountedQuantity, targets: Iterable[Labels]) -> str:
        """Return the selector of a quantity's series, restricted to the environment's targets."""
        matchers = [*self._matchers(quantity, list(targets))]
        text = quantity.selector_text.strip()
        if not matchers:
            return text
        name, brace, rest = text.partition("{")
        inside = [rest.rstrip().removesuffix("}").strip().removesuffix(",")] if brace else []
        return f"{name.strip()}{{{', '.join(filter(None, [*inside, *matchers]))}}}"

    def is_target_of(self, quantity: CountedQuantity, target: Labels) -> bool:
        """Return whether a target, given by its labels, can have series of a quantity.

        Where the selector names a job that no service has, job and instance are those of the page.
        """
        jobs = self.jobs_of(quantity)
        own = () if jobs else (JOB, INSTANCE)
        return (not jobs or target.get(JOB) in jobs) and all(
            each.matches(target)
            for each in quantity.selector.matchers
            if each.label in target and each.label not in own
        )

    def _matchers(self, quantity: CountedQuantity, targets: Sequence[Labels]) -> Iterator[str]:
        jobs = self.jobs_of(quantity)
        label = self._job_label(quantity.settings.service)
        if jobs and label:
            yield f"{label}=~{alternatives(jobs)}"
        if self._shares_job(quantity) and (instances := self._instances(quantity, targets)):
            yield f"{INSTANCE}=~{alternatives(instances)}"
        yield from matchers_of(self.match)

    def stored_under(self, service: str | None) -> tuple[list[str], str]:
        """Return the jobs of a service, or of all, and the label that has them."""
        jobs = [self.jobs[service]] if service else list(self.jobs.values())
        return jobs, self._job_label(service) or JOB

    def _job_label(self, service: str | None) -> str:
        """Return the label that has the job of a service, or of all; "" if it differs."""
        labels = {
            self.pushed[name].job_label if name in self.pushed else JOB
            for name in ([service] if service else self.jobs)
        }
        return labels.pop() if len(labels) == 1 else ""

    def tells_apart(self, quantity: CountedQuantity, targets: Iterable[Labels]) -> bool:
        """Return whether the targets of a quantity's service can be told from those of others.

        Where several services share its job, they differ by the instance, if it is not relabelled;
        else by a label of the targets that the selector names, such as `app`: as many of them as
        the service has replicas, and not all.
        """
        if not self._shares_job(quantity):
            return True
        jobs = self.jobs_of(quantity)
        of_jobs = [each for each in targets if each.get(JOB) in jobs]
        if self._instances(quantity, of_jobs):
            return True
        selected = [each for each in of_jobs if self.is_target_of(quantity, each)]
        return len(self._addresses(quantity)) == len(selected) < len(of_jobs)

    def _instances(self, quantity: CountedQuantity, targets: Iterable[Labels]) -> set[str]:
        """Return the instances of a quantity's service, if each of its replicas has one."""
        wanted, jobs = self._addresses(quantity), self.jobs_of(quantity)
        known = {each.get(INSTANCE, "") for each in targets if each.get(JOB) in jobs}
        instances = {each for each in known if address_of(each) in wanted}
        return instances if wanted == set(map(address_of, instances)) else set()

    def _addresses(self, quantity: CountedQuantity) -> set[str]:
        """Return the addresses of the service that a quantity names."""
        return set(map(address_of, self.instances.get(quantity.settings.service or "", ())))

    def _shares_job(self, quantity: CountedQuantity) -> bool:
        service = quantity.settings.service
        jobs = list(self.jobs.values())
        return service in self.jobs and jobs.count(self.jobs[service or ""]) > 1
