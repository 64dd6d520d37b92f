"""Process that starts a local stack and stops it when its parent ends.

    python -m reference_services.stack.supervisor FOLDER [FAULT]

It starts the three services and a Prometheus on free loopback ports, prints one JSON object with
their addresses once all respond, and stops them when its standard input reaches its end. Then it
prints a second object: the processes that had ended before. A signal stops them without one. If the
parent is killed, the kernel kills the supervisor, and the stack with it.
"""

import json
import os
import signal
import sys
import threading
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from types import FrameType

from reference_services.stack.processes import StackError
from reference_services.stack.topology import LocalStack


def _terminate_at_end_of_input() -> threading.Event:
    """Send SIGTERM to this process when standard input ends; return what is set then."""
    has_ended = threading.Event()

    def wait() -> None:
        while os.read(0, 1):
            pass
        has_ended.set()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()
    return has_ended


class _TerminationHandler:
    """Signal handler that exits at once, or at the end of a `with` block if one is active."""

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
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, signal.SIG_IGN)
            self._requested = False
            raise SystemExit(0)


def main(folder: str, fault: str | None = None) -> None:
    """Run a stack until standard input ends; print its addresses, or an error, as JSON."""
    on_termination = _TerminationHandler()
    signal.signal(signal.SIGTERM, on_termination)
    signal.signal(signal.SIGINT, on_termination)
    input_has_ended = _terminate_at_end_of_input()
    stack = LocalStack(Path(folder), fault, hold=on_termination)
    try:
        print(json.dumps(stack.start()), flush=True)
        _report_lost_at_end(stack, input_has_ended)
    except StackError as error:
        print(json.dumps({"error": str(error)}), flush=True)
    finally:
        stack.stop()


def _report_lost_at_end(stack: LocalStack, input_has_ended: threading.Event) -> None:
    """Wait for a signal, which raises SystemExit; then report which processes have ended before.

    Without the end of the input, the signal came from elsewhere: the missing report tells.
    """
    try:
        while True:
            signal.pause()
    finally:
        lost = [asdict(each) for each in stack.lost()]
        if input_has_ended.is_set():
            with suppress(OSError):  # the parent may be gone
                os.write(1, json.dumps({"lost": lost}).encode() + b"\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
