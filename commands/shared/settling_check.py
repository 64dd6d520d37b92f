"""Check what is pushed to Prometheus, and how long settling takes, for the doctor."""

from collections.abc import Iterator

from checks.balance.pushed import finding_of_pushes
from checks.result import Finding, Kind, finding_id
from checks.verdict import Verdict
from config.clock import CLOCK
from config.environment import Environment
from reports.settling import render_settling
from witnesses.prometheus.client import PrometheusClient
from witnesses.prometheus.push_watch import PushWatch
from witnesses.prometheus.service_targets import ServiceTargets
from witnesses.prometheus.settling import Settling, discovery_delay_s

_WHEN = "within three intervals"


def check_settling(
    environment: Environment, client: PrometheusClient, skew_s: float
) -> Iterator[Finding]:
    """Yield a finding for each service that pushes its metrics, and one on settling.

    `skew_s` is Prometheus' clock minus ours. Raises PrometheusDown.
    """
    targets = ServiceTargets.of_environment(environment)
    watch = PushWatch(client, targets, lambda: CLOCK.now_at() + skew_s)
    watch.learn()
    for name in targets.pushed:
        pushes = watch.pushes_of(name).values()
        up = [each for each in pushes if not each.has_ended]
        yield finding_of_pushes(name, up, (), _WHEN)
    settling = settling_of(client, watch)
    observed = render_settling(settling) if settling else "no interval is known yet"
    yield Finding(
        finding_id("settling", "prometheus"), "settling after a run", Kind.VALIDITY, Verdict.PASS,
        "known before a run", observed,
    )  # fmt: skip


def settling_of(client: PrometheusClient, watch: PushWatch) -> Settling | None:
    """Return how long settling takes, but for what a quantity's `settle` adds to it."""
    jobs = watch.targets.scraped_jobs
    intervals_s = (client.intervals_s(jobs) or {}) if jobs else {}
    scraped_s = max(filter(None, map(intervals_s.get, jobs)), default=0.0)
    if watch.interval_s > scraped_s:
        return Settling(watch.interval_s, pushed_by=watch.slowest)
    late_s = discovery_delay_s(scraped_s) if watch.targets.discovered else 0.0
    return Settling(scraped_s, late_s) if scraped_s else None
