"""Exceptions of a call to another service.

CallFailed        no usable response after every attempt
├── CallRefused   rejected with a 4xx status: a retry would not help
└── CircuitOpen   not attempted: earlier calls failed
"""


class CallFailed(Exception):
    """The other service gave no usable response; `reason` is one word, fit for a metric label.

    `retry_after_s` is the pause that the other service asked for, if any.
    """

    def __init__(self, reason: str, retry_after_s: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after_s = retry_after_s


class CallRefused(CallFailed):
    """The other service rejected the request."""

    def __init__(self, status: int) -> None:
        super().__init__(f"status_{status}")
        self.status = status


class CircuitOpen(CallFailed):
    """The circuit breaker rejects calls for `retry_after_s`."""

    def __init__(self, retry_after_s: float) -> None:
        super().__init__("circuit_open", retry_after_s)
