"""Waits for what another thread or process brings about."""

import time
from collections.abc import Callable


def wait_until(
    is_so: Callable[[], bool], failure: str = "it did not come about", hangs_s: float = 60
) -> None:
    """Wait until the condition holds; fail if it takes so long that something must hang."""
    deadline = time.monotonic() + hangs_s
    while not is_so():
        assert time.monotonic() < deadline, failure
        time.sleep(0.02)
