"""Talk to the parent process: JSON lines on standard output, one byte on standard input.

child                               parent
── {"ready": true} ──────────────→
←────────────────────── one byte ──   start the load
── {"ended": 7, "scheduled": 50} ─→   progress, repeatedly
── {"error": "…"} ───────────────→
←──────────────────── end of input    the parent is gone, or wants an end: stop
"""

import json
import os
from collections.abc import Callable
from typing import Any

import gevent
import gevent.os

PROGRESS_S = 0.25

_GRACE_S = 1
_STDIN = 0


def report(**message: Any) -> None:
    """Report readiness, progress or an error to the parent."""
    print(json.dumps(message), flush=True)


def wait_for_start() -> None:
    """Report readiness, and wait for the start; exit if the parent ends the input instead."""
    report(ready=True)
    if not gevent.os.tp_read(_STDIN, 1):
        os._exit(0)


def wait_for_parent_exit(leave: Callable[[], None]) -> None:
    """Wait for the end of the input, then call `leave` and exit shortly after."""
    while gevent.os.tp_read(_STDIN, 1):
        pass
    leave()
    gevent.sleep(_GRACE_S)
    os._exit(1)
