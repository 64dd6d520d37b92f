"""Usage events as metering services take them: each shows some time after it was sent."""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Event:
    """One event; it shows in the usage from `shows_s` on."""

    tenant: str
    kind: str
    at: float
    shows_s: float
    units: int = 1


@dataclass
class Events:
    """The events of all tenants, on a monotonic clock and on a wall clock."""

    monotonic: Callable[[], float]
    wall: Callable[[], float]
    lag_s: float = 0.0
    sent: list[Event] = field(default_factory=list)

    def send(self, kind: str, number: int = 1, tenant: str = "acme", lag_s: float = 0.0) -> None:
        """Send events, which show after the usual lag and a further one."""
        shows_s = self.monotonic() + self.lag_s + lag_s
        self.sent += [Event(tenant, kind, self.wall(), shows_s) for _ in range(number)]

    def usage(
        self, tenant: str, begin_at: float = 0.0, end_at: float = float("inf")
    ) -> dict[str, int]:
        """Return the units that show now, by kind, of events within a window."""
        units: dict[str, int] = {}
        for each in self.sent:
            is_within = begin_at <= each.at < end_at
            if each.tenant == tenant and is_within and each.shows_s <= self.monotonic():
                units[each.kind] = units.get(each.kind, 0) + each.units
        return units
