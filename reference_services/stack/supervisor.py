"""Process that starts a local stack and stops it when its parent ends.

    python -m reference_services.stack.supervisor FOLDER [FAULT]

It starts the three services and a Prometheus on free loopback ports, prints one JSON object with
their addresses once all respond, and stops them when its standard input reaches its end. That
happens when the parent closes the pipe and also when the parent is killed.
"""

import json
import os
import signal
import sys
import threading
from pathlib import Path
from types import FrameType

from reference_services.stack.processes import StackError
from reference_services.stack.topology import LocalStack


def _terminate_at_end_of_input() -> None:
    """Send SIGTERM to this process when standard input ends."""

    def wait() -> None:
        while os.read(0, 1):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()


class _TerminationHandler:
    """SIGTERM handler that exits at once, or at the end of a `with` block if one is active."""

    def __init__(self) -> None:
        self._requested = False
        self._holds = 0

    def __call__(self, _number: int, _frame: FrameType | None) -> None:
        self._requested = True
        self._exit_if_requested()

    def __enter__(self) -> None:
        self._holds += 1

    def __exit__(self, *_: object) -> None:
        self._holds -= 1
        self._exit_if_requested()

    def _exit_if_requested(self) -> None:
        if self._requested and not self._holds:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            self._requested = False
            raise SystemExit(0)


def main(folder: str, fault: str | None = None) -> None:
    """Run a stack until standard input ends; print its addresses, or an error, as JSON."""
    on_termination = _TerminationHandler()
    signal.signal(signal.SIGTERM, on_termination)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _terminate_at_end_of_input()
    stack = LocalStack(Path(folder), fault, hold=on_termination)
    try:
        print(json.dumps(stack.start()), flush=True)
        while True:
            signal.pause()  # until SIGTERM, which raises SystemExit
    except StackError as error:
        print(json.dumps({"error": str(error)}), flush=True)
    finally:
        stack.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
