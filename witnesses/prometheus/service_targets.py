"""Restrict a quantity to the targets of the environment's own services.

A Prometheus also scrapes others: another environment under the same metric names, or a second job
that scrapes the same address. Their series must not be counted.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from config.environment import Environment
from config.prometheus import matchers_of
from witnesses.model import CountedQuantity
from witnesses.target_labels import INSTANCE, JOB, Labels, address_of, alternatives, instance_of


@dataclass(frozen=True)
class ServiceTargets:
    """The job of each service, and the default instance of each of its replicas.

    `match` are labels that each of their targets has. Of the services that are `discovered`, each
    target of the job is a replica.
    """

    jobs: Mapping[str, str]
    instances: Mapping[str, Sequence[str]] = field(default_factory=dict)
    match: Mapping[str, str] = field(default_factory=dict)
    discovered: Sequence[str] = ()

    @classmethod
    def of_environment(cls, environment: Environment) -> "ServiceTargets":
        """Return the targets of an environment's services."""
        services = environment.services.items()
        return cls(
            {name: service.job or name for name, service in services},
            {name: list(map(instance_of, service.metrics_urls())) for name, service in services},
            environment.prometheus.match if environment.prometheus else {},
            [name for name, service in services if service.is_discovered],
        )

    @classmethod
    def of_jobs(cls, *jobs: str) -> "ServiceTargets":
        """Return the targets of services that are named as their jobs."""
        return cls({job: job for job in jobs})

    def jobs_of(self, quantity: CountedQuantity) -> list[str]:
        """Return the jobs that a quantity's counters can be scraped under.

        A selector that names another job is taken as it is: its series may have a job label of
        their own, which `honor_labels` keeps.
        """
        service = quantity.settings.service
        jobs = list(dict.fromkeys([self.jobs[service]] if service else self.jobs.values()))
        named = [each for each in quantity.selector.matchers if each.label == JOB]
        fitting = [job for job in jobs if all(each.matches({JOB: job}) for each in named)]
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
        if jobs:
            yield f"{JOB}=~{alternatives(jobs)}"
        if self._shares_job(quantity) and (instances := self._instances(quantity, targets)):
            yield f"{INSTANCE}=~{alternatives(instances)}"
        yield from matchers_of(self.match)

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
