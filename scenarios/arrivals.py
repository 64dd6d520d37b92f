"""When is the n-th iteration due? Pure: no clock is read here."""

from dataclasses import dataclass

from scenarios.model import Profile


@dataclass(frozen=True, slots=True)
class ClosedModel:
    """Users share the iterations; each begins its next when its last ends.

    `iterations` None means until `until_s`, seconds from the start.
    """

    iterations: int | None
    until_s: float

    def due_s(self, number: int, now_s: float) -> float | None:
        """Return when iteration `number` (from 0) is due for a user free now; None for never.

        >>> ClosedModel(iterations=2, until_s=60.0).due_s(1, now_s=3.5)
        3.5
        """
        over = now_s >= self.until_s or (self.iterations is not None and number >= self.iterations)
        return None if over else now_s


def arrivals_of(profile: Profile) -> ClosedModel:
    """Return the arrivals that a profile asks for."""
    return ClosedModel(profile.iterations, profile.duration or profile.max_duration)
