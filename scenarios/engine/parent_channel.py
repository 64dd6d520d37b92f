"""How does this process talk with the command that started it? JSON lines out, one byte in.

The byte says: begin. The end of the input says that nobody is there any more.
"""

import json
import os
from collections.abc import Callable
from typing import Any

import gevent
import gevent.os

PROGRESS_S = 0.25

_GRACE_S = 1
_INPUT = 0


def say(**told: Any) -> None:
    """Say one thing: ready, how far the load is, or what went wrong."""
    print(json.dumps(told), flush=True)


def await_word() -> None:
    """Say that all is ready, and wait for the word; end this process if it does not come."""
    say(ready=True)
    if not gevent.os.tp_read(_INPUT, 1):
        os._exit(0)


def when_left_alone(leave: Callable[[], None]) -> None:
    """Wait until nobody is at the other end, leave, and end this process soon."""
    while gevent.os.tp_read(_INPUT, 1):
        pass
    leave()
    gevent.sleep(_GRACE_S)
    os._exit(1)
