"""Who starts the local stack, and who stops it? One process that dies with its parent.

    python -m reference_services.stack.supervisor FOLDER [FAULT]

It starts the three services and a Prometheus on free ports of the loopback address, prints one
JSON object with their addresses when all of them answer, and stops them all when its standard
input ends: at the parent's wish, or by the parent's death, however that came about.
"""

import json
import os
import signal
import sys
import threading
from pathlib import Path
from types import FrameType

from reference_services.stack.processes import StackError
from reference_services.stack.topology import Stack


def _end_with_input() -> None:
    """Turn the end of standard input into the signal that ends this process."""

    def wait() -> None:
        while os.read(0, 1):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()


class _Leave:
    """The signal's handler: end at once, but never between a start and its being noted."""

    def __init__(self) -> None:
        self._wanted = False
        self._holds = 0

    def __call__(self, _number: int, _frame: FrameType | None) -> None:
        self._wanted = True
        self._go()

    def __enter__(self) -> None:
        self._holds += 1

    def __exit__(self, *_: object) -> None:
        self._holds -= 1
        self._go()

    def _go(self) -> None:
        if self._wanted and not self._holds:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            self._wanted = False
            raise SystemExit(0)


def main(folder: str, fault: str | None = None) -> None:
    """Run a stack until standard input ends."""
    leave = _Leave()
    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _end_with_input()
    stack = Stack(Path(folder), fault, hold=leave)
    try:
        print(json.dumps(stack.start()), flush=True)
        while True:
            signal.pause()
    except StackError as error:
        print(json.dumps({"error": str(error)}), flush=True)
    finally:
        stack.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
