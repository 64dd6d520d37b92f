"""A stand-in for run.py: it leaves what a run leaves, and does what its variables say.

FAKE_EXIT is its exit code; FAKE_ANSWER a file that it prints; FAKE_PIPE a descriptor that it writes
its number to before it waits for a signal, and "heard" after each. FAKE_REFUSES: it leaves nothing.
"""

import json
import os
import signal
import sys
from pathlib import Path

NAME = "20991231-235959-0000"
SIGNALS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
WAITS_S = 60  # nobody who was left behind stays
SECOND_WITHIN_S = 0.2


def main(arguments: list[str]) -> int:
    folder = Path(arguments[arguments.index("--runs") + 1]) / NAME
    if "FAKE_REFUSES" not in os.environ:
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        folder.mkdir(parents=True)
        told = {"arguments": arguments, "folder": str(Path.cwd())}
        (folder / "told.json").write_text(json.dumps(told))
        (folder.parent / "latest").symlink_to(NAME)
        if "FAKE_PIPE" in os.environ:
            await_signals(int(os.environ["FAKE_PIPE"]), folder)
        (folder / "report.html").touch()
    if "FAKE_ANSWER" in os.environ:
        print(Path(os.environ["FAKE_ANSWER"]).read_text())
    return int(os.environ.get("FAKE_EXIT", "0"))


def await_signals(pipe: int, folder: Path) -> None:
    os.write(pipe, f"{os.getpid()}\n".encode())
    heard = []
    for within_s in (WAITS_S, SECOND_WITHIN_S):
        if got := signal.sigtimedwait(SIGNALS, within_s):
            heard.append(signal.Signals(got.si_signo).name)
            os.write(pipe, b"heard\n")
    (folder / "signals.json").write_text(json.dumps(heard))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
