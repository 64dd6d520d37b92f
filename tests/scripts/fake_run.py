"""A fake run.py: it creates the files of a run, and is controlled by environment variables.

FAKE_EXIT is its exit code, FAKE_ANSWER a file that it prints. FAKE_PIPE is a file descriptor: it
writes its process id there, waits for signals, and writes "heard" after each. With FAKE_REFUSES it
creates no files.
"""

import json
import os
import signal
import sys
from pathlib import Path

NAME = "20991231-235959-0000"
SIGNALS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
WAIT_S = 240  # a process that a test left behind ends by itself
SECOND_WITHIN_S = 0.2


def main(arguments: list[str]) -> int:
    folder = Path(arguments[arguments.index("--runs") + 1]) / NAME
    if "FAKE_REFUSES" not in os.environ:
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        folder.mkdir(parents=True)
        call = {"arguments": arguments, "folder": str(Path.cwd())}
        (folder / "arguments.json").write_text(json.dumps(call))
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
    for within_s in (WAIT_S, SECOND_WITHIN_S):
        if received := signal.sigtimedwait(SIGNALS, within_s):
            heard.append(signal.Signals(received.si_signo).name)
            os.write(pipe, b"heard\n")
    (folder / "signals.json").write_text(json.dumps(heard))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
