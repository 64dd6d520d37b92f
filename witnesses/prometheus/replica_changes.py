"""Tell from the history of `up` which discovered replicas came and went during a run."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from witnesses.prometheus.collection import CollectionRecord
from witnesses.prometheus.samples import ScrapeLog, Target

_SURELY_MISSED, _SURELY_LEFT = 1.5, 2.5  # scrape intervals


@dataclass(frozen=True)
class ReplicaChanges:
    """The changes among the targets of jobs whose replicas are discovered, by their scrapes."""

    record: CollectionRecord
    scrape_logs: Mapping[Target, ScrapeLog]

    @cached_property
    def gone(self) -> frozenset[Target]:
        """The targets that were not scraped after the last response."""
        end = self.record.end
        return frozenset(
            target
            for target, log in self._discovered.items()
            if not any(up == 1 and at > end for at, up in log.ups)
        )

    @cached_property
    def came(self) -> frozenset[Target]:
        """The targets that were scraped only after the first request.

        Those of a stack that was started for the run are not told from the others.
        """
        begin = self.record.begin
        return frozenset(
            target
            for target, log in self._discovered.items()
            if not log.fresh and all(at > begin for at, _ in log.ups)
        )

    @cached_property
    def changed_jobs(self) -> frozenset[str]:
        """The jobs of which replicas came or went, also after the last response."""
        left_s = _SURELY_LEFT * self.record.interval_s
        last = {
            target: max((at for at, up in log.ups if up == 1), default=0.0)
            for target, log in self._discovered.items()
        }
        newest = max(last.values(), default=0.0)
        left = {target for target, at in last.items() if at < newest - left_s}
        return frozenset(job for job, _ in self.came | self.gone | left)

    @property
    def _discovered(self) -> dict[Target, ScrapeLog]:
        jobs = self.record.discovered_jobs
        return {target: log for target, log in self.scrape_logs.items() if target[0] in jobs}


def departed_targets(
    record: CollectionRecord, scrape_logs: Mapping[Target, ScrapeLog]
) -> Iterator[Target]:
    """Yield the targets of discovered replicas that were none any more at the first request.

    scrapes before begin   ──s──s──s──┼──s──┼──│ begin
    a target that left     ──s──s─────┼─────┼──│    one is missing for certain
    """
    oldest_at = record.begin - _SURELY_MISSED * record.interval_s
    for target, log in scrape_logs.items():
        if target[0] in record.discovered_jobs and log.ups and log.ups[-1][0] < oldest_at:
            yield target
