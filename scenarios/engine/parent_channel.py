"""Talk to the parent process: JSON lines on standard output, single bytes on standard input.

child                               parent
── {"ready": true} ──────────────→
←──────────────────── {"name": 1} ──   start the load, with the variables that the set-up saved
── {"ended": 7, "scheduled": 50} ─→   progress, repeatedly
── {"learned": ["…"]} ───────────→   secrets that responses brought, at the end of each worker
── {"error": "…"} ───────────────→
←───────────────────────────── s ──   start no further iteration, and end with the last one
←──────────────────── end of input    the parent is gone, or wants an end: stop at once
"""

import json
import os
from collections.abc import Callable
from typing import Any

import gevent
import gevent.os

PROGRESS_S = 0.25

STOP = b"s"

_GRACE_S = 1
_STDIN = 0


def report(**message: Any) -> None:
    """Report readiness, progress or an error to the parent."""
    print(json.dumps(message), flush=True)


def wait_for_start() -> dict[str, Any]:
    """Report readiness, wait for the start, and return the variables that the set-up saved.

    Exit if the parent wants an end instead.
    """
    report(ready=True)
    order = b""
    while not order.endswith(b"\n"):
        if not (byte := gevent.os.tp_read(_STDIN, 1)):
            os._exit(0)
        order += byte
    variables: dict[str, Any] = json.loads(order)
    return variables


def wait_for_parent_exit(
    leave: Callable[[], None], stop: Callable[[], None] = lambda: None
) -> None:
    """Call `stop` if the parent asks for it; at the end of the input, `leave` and exit soon."""
    while order := gevent.os.tp_read(_STDIN, 1):
        if order == STOP:
            stop()
    leave()
    gevent.sleep(_GRACE_S)
    os._exit(1)
