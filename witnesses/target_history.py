"""What Prometheus saw of the targets during a run: which there were, and which processes.

begin              end
──│───── requests ──│──▶
●─●──●──●──●──●──●──●──●    there all the time
●─●──●                      it went away: what it counted since its last scrape is not known
●──●──●──●──●──●─●    it came: a process that started since begin counts from zero
●──●               it came and went
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from witnesses.process_identity import START_TIME_MARGIN_S, is_moved

JobAndInstance = tuple[str, str]


@dataclass(frozen=True)
class TargetHistory:
    """The start times of the processes that each target of a run had, in epoch seconds.

    `begin_at` is before the first request, on the clock of the harness; None if Prometheus was not
    read to the end, so that nothing is known. The targets that are `gone` were not scraped after
    the last response.
    """

    begin_at: float | None = None
    start_times: Mapping[JobAndInstance, Sequence[float]] = field(default_factory=dict)
    gone: frozenset[JobAndInstance] = frozenset()

    @property
    def is_known(self) -> bool:
        """Whether Prometheus was read to the end."""
        return self.begin_at is not None

    def instances_of(self, job: str) -> set[str]:
        """Return the instances of all targets that a job had."""
        return {instance for of_job, instance in self.start_times if of_job == job}

    def began_since(self, target: JobAndInstance, start_time: float, skew_s: float) -> bool:
        """Return whether a target had one process, which started after the first request.

        `start_time` is that on its page, whose clock is `skew_s` ahead of ours.
        """
        seen = self.start_times.get(target, ())
        if self.begin_at is None or not seen or any(is_moved(start_time, at) for at in seen):
            return False
        return start_time - skew_s > self.begin_at + START_TIME_MARGIN_S


UNKNOWN = TargetHistory()
