"""How can a call to another service fail?

CallFailed
├── CallRefused   it was understood and refused: another try would not help
└── CircuitOpen   it was not even tried: the calls before it failed
"""


class CallFailed(Exception):
    """The other service gave no usable answer; `reason` is one word, fit for a label.

    `retry_after_s` is how long the other service asks to be left alone, if it asks.
    """

    def __init__(self, reason: str, retry_after_s: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after_s = retry_after_s


class CallRefused(CallFailed):
    """The other service answered with a status that says no."""

    def __init__(self, status: int) -> None:
        super().__init__(f"status_{status}")
        self.status = status


class CircuitOpen(CallFailed):
    """The circuit breaker lets no call through for `retry_after_s`."""

    def __init__(self, retry_after_s: float) -> None:
        super().__init__("circuit_open", retry_after_s)
