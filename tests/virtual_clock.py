"""A clock that goes on when a test has it go on."""


class VirtualClock:
    """Seconds that a test sets; calling it reads them, as one calls `time.monotonic`."""

    def __init__(self) -> None:
        self.s = 1_000.0
        self.sleeps: list[float] = []

    def __call__(self) -> float:
        """Return the time."""
        return self.s

    def sleep(self, seconds: float) -> None:
        """Go on, as `time.sleep` has a clock do, and note by how much."""
        self.sleeps.append(seconds)
        self.s += seconds
