"""The lines that show a load while it goes on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from reports import formatting as write

_MOST_WORKERS = 4


@dataclass(frozen=True, slots=True)
class LimitSoFar:
    """A p95 so far against its limit, in seconds."""

    step: str
    p95_s: float
    limit_s: float


@dataclass(frozen=True, slots=True)
class LoadSnapshot:
    """A load at one moment. `scheduled` and `remaining_s` are None where they are not known.

    Requests and failures are by generator; `rate_per_s` is of ended iterations, lately.
    """

    profile: str
    ended: int
    scheduled: int | None
    elapsed_s: float
    remaining_s: float | None
    rate_per_s: float
    dropped: int = 0
    requests: Mapping[str, int] = field(default_factory=dict)
    failed: Mapping[str, int] = field(default_factory=dict)
    limits: Sequence[LimitSoFar] = ()


def snapshot_lines(load: LoadSnapshot) -> list[str]:
    """Return the lines: how far it is, how it goes, what is nearest to its limit, each worker."""
    of = "" if load.scheduled is None else f" of {load.scheduled:,}"
    left = "" if load.remaining_s is None else f", about {_duration(load.remaining_s)} left"
    lines = [f"… {load.profile:<10} {load.ended:,}{of} in {_duration(load.elapsed_s)}{left}"]
    requests, failed = sum(load.requests.values()), sum(load.failed.values())
    share = f" ({write.render_share(failed, requests)})" if failed else ""
    dropped = f", {load.dropped:,} dropped" if load.dropped else ""
    lines.append(f"  {load.rate_per_s:,.1f} iterations/s, "
                 f"{failed:,} of {requests:,} requests failed{share}{dropped}")  # fmt: skip
    if load.limits:
        nearest = max(load.limits, key=lambda each: each.p95_s / each.limit_s)
        lines.append(f"  p95 so far: {write.one_line(nearest.step, 40)} "
                     f"{write.render_seconds(nearest.p95_s, nearest.limit_s)} of "
                     f"{write.render_limit(nearest.limit_s)}")  # fmt: skip
    return [*lines, *_workers(load)]


def _workers(load: LoadSnapshot) -> list[str]:
    if len(load.requests) <= 1:
        return []
    shown = list(load.requests)[:_MOST_WORKERS]
    lines = [f"  {name}: {load.requests[name]:,} requests, {load.failed.get(name, 0):,} failed"
             for name in shown]  # fmt: skip
    more = len(load.requests) - len(shown)
    return [*lines, f"  and {write.render_number_of(more, 'more worker')}"] if more else lines


def _duration(seconds: float) -> str:
    """Write a duration as on a stopwatch.

    >>> _duration(7.4), _duration(75), _duration(3_725)
    ('7 s', '1:15', '1:02:05')
    """
    whole = round(seconds)
    minutes, rest = divmod(whole, 60)
    hours, minutes_left = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minutes_left:02}:{rest:02}"
    return f"{minutes}:{rest:02}" if minutes else f"{rest} s"
