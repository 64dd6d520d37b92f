"""Check what Prometheus scrapes of a service's job, for the doctor."""

import time
from collections.abc import Collection, Mapping
from dataclasses import replace

from checks.balance.discovered import judge_discovered_targets
from checks.balance.preconditions import judge_scraped_by_prometheus, replica_mismatch
from checks.result import Finding
from witnesses.process_identity import is_moved
from witnesses.prometheus.client import PrometheusClient
from witnesses.prometheus.discovery import labelled_values
from witnesses.service.exposition import START_TIME
from witnesses.target_labels import INSTANCE, job_matcher, mixed_environments

_POLL_S = 0.2
_MAX_SHOWN, _MAX_LISTED, _MAX_CHARACTERS = 5, 20, 60
_ANY: Mapping[str, str] = {}


class JobCheck:
    """What Prometheus scrapes of one job, against the processes that were scraped directly."""

    def __init__(
        self,
        client: PrometheusClient,
        job: str,
        start_times: Collection[float] = (),
        match: Mapping[str, str] = _ANY,
    ) -> None:
        """Ask nothing yet; `start_times` are those on the pages of the job's services.

        `match` are labels of the environment's targets, to which the client restricts its queries.
        """
        self._match = match
        self._client = client
        self._job = job
        self._targets = client.targets_of([job])
        self._start_times = start_times

    def judge(self, name: str, replicas: int, deadline: float) -> Finding:
        """Judge whether the replicas of a service's job are scraped, and are those very processes.

        Without a replica whose metrics are named, one target is enough.
        """
        ups = self._awaited_ups(max(replicas, 1), deadline)
        if wrong := self._wrong_targets(ups):
            finding = judge_scraped_by_prometheus(name, replicas, wrong[0], is_well=False)
            return replace(finding, detail=wrong[1])
        return self._judge_once(name, replicas, ups)

    def judge_discovered(self, name: str, deadline: float) -> Finding:
        """Judge the targets of a job whose replicas are discovered, and list them."""
        ups = self._awaited_ups(1, deadline)
        if wrong := self._wrong_targets(ups):
            return judge_discovered_targets(name, wrong[0], is_well=False, remedy=wrong[1])
        series = labelled_values(self._client, f"up{self._targets}")
        shown = sorted(
            f"{labels.get(INSTANCE, '')[:_MAX_CHARACTERS]}{'' if up == 1 else ' (down)'}"
            for labels, up in series
        )
        listed = ", ".join([*shown[:_MAX_LISTED], *(["…"] if len(shown) > _MAX_LISTED else [])])
        observed = f"{len(shown)} discovered{f': {listed}' if shown else ''}{self._pace()}"
        remedy = f"Scrape its replicas with job_name: {self._job}, or correct job of {name}."
        if mixed := mixed_environments(labels for labels, _ in series):
            observed += f"; {mixed}"
            remedy = "If some are another environment's, restrict them by prometheus.match."
        is_well = 1.0 in ups
        return judge_discovered_targets(
            name, observed, is_well=is_well, remedy=remedy if mixed or not is_well else ""
        )

    def _awaited_ups(self, least: int, deadline: float) -> list[float]:
        """Return the `up` of each target, of as many as there must be, or when time is over."""
        ups = self._values("up")
        while len(ups) < least and time.monotonic() < deadline:
            time.sleep(_POLL_S)
            ups = self._values("up")
        return ups

    def _wrong_targets(self, ups: list[float]) -> tuple[str, str] | None:
        """Return what is wrong with the targets as a whole, and the remedy."""
        if self._match and not ups and (others := self._unmatched()):
            return others, "Correct prometheus.match in the environment's file."
        if twice := self._targets_twice():
            observed = (
                f"{twice} of its targets stand twice: two replicas of Prometheus without "
                "deduplication, or two targets with one instance"
            )
            return observed, "Query with deduplication, or give each target its own instance."
        return None

    def _pace(self) -> str:
        interval_s = (self._client.intervals_s([self._job]) or {}).get(self._job)
        return f", every {interval_s:g} s" if interval_s else ""

    def _judge_once(self, name: str, replicas: int, ups: list[float]) -> Finding:
        """Judge targets of which each stands once, by their `up`."""
        mismatch = replica_mismatch(len(ups), replicas or max(len(ups), 1))
        observed = mismatch or f"{ups.count(1.0)} of {len(ups)} targets up"
        observed += self._pace()
        scraped = set(self._values(START_TIME)) if self._start_times and not mismatch else set()
        has_strangers = bool(scraped) and any(
            all(is_moved(start_time, other) for other in scraped)
            for start_time in self._start_times
        )
        if has_strangers:
            observed += "; other processes than those named: their start times differ"
        is_well = not mismatch and not has_strangers and all(up == 1 for up in ups)
        finding = judge_scraped_by_prometheus(name, replicas, observed, is_well=is_well)
        remedy = (
            f"Scrape each replica with job_name: {self._job}, or correct job or metrics of {name} "
            "in the environment's file."
        )
        return finding if is_well else replace(finding, detail=remedy)

    def _unmatched(self) -> str:
        """Return what targets the job has that `match` does not select, or ""."""
        query = f"count by ({', '.join(self._match)}) (up{job_matcher([self._job])})"
        found = [labels for labels, _ in labelled_values(self._client, query)]
        shown = "; ".join(self._labels_in(each) for each in found[:_MAX_SHOWN])
        wanted = self._labels_in(self._match)
        return f"no target of its job has {wanted}; there are {shown}" if found else ""

    def _labels_in(self, labels: Mapping[str, str]) -> str:
        """Return the labels of `match` as a target has them."""
        return ", ".join(
            f"{name}: {labels.get(name, 'none')[:_MAX_CHARACTERS]}" for name in self._match
        )

    def _targets_twice(self) -> int:
        """Return how many targets have the job and instance of another one."""
        query = f"count(count by (instance) (up{self._targets}) > 1)"
        return int(next(iter(self._client.query(query, None).values), 0.0))

    def _values(self, metric: str) -> list[float]:
        return self._client.query(f"{metric}{self._targets}", None).values
