"""How is a service started? As one process, or as several that count as one.

    python -m reference_services.serve cards --port 8002 --workers 2

Settings come from environment variables (`common/settings.py`). Exit 2, with one sentence, when
they are wrong, the database cannot be brought up to date or the port is taken; 1 when a worker
fails to start all the same.
"""

import argparse
import importlib
import logging
import os
import re
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors.multiprocess import Multiprocess

from reference_services.common.database import open_database
from reference_services.common.json_logs import configure_logs
from reference_services.common.metrics import SHARED_FOLDER, STARTED_AT
from reference_services.common.migration import migrate, revisions_of
from reference_services.common.settings import Settings, StartError, read_settings
from reference_services.faults.catalog import FAULTS
from reference_services.faults.deployment import deployment_of

PORTS = {"onboarding": 8001, "cards": 8002, "workflow": 8003}

SERVICE = "SERVICE_NAME"
PARENT = "SERVICE_PARENT"

# Above the 2 s after which callers of ours close an idle connection first.
_KEEP_ALIVE_S = 30
_GRACE_S = 1
_LOOK_S = 0.5

_MOST_WORKERS = 64
_LAST_PORT = 65535
# What the metrics library calls its files: `counter_<pid>.db`, `gauge_livemax_<pid>.db`.
_COUNTS = re.compile(r"[a-z]+(_[a-z]+)?_\d+\.db")


def main(arguments: list[str] | None = None) -> int:
    """Serve until a signal ends it."""
    asked = _parser().parse_args(arguments)
    try:
        settings = _prepare(asked.service)
        with _listen(asked) as listener, _counting(asked.workers, settings):
            host, port, *_ = listener.getsockname()
            logging.getLogger("uvicorn").info("listening on %s port %s", host, port)
            os.environ |= {SERVICE: asked.service, PARENT: str(os.getpid())}
            return _serve(asked.workers, listener)
    except StartError as error:
        print(f"{asked.service}: {error}", file=sys.stderr)
        return 2


def create_worker() -> FastAPI:
    """Build the app of one worker process."""
    if os.environ[PARENT] != str(os.getpid()):
        threading.Thread(target=_end_with_parent, daemon=True).start()
    service = os.environ[SERVICE]
    _configure_server_log(read_settings(service))
    app: FastAPI = importlib.import_module(f"reference_services.{service}.app").create_app()
    return app


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m reference_services.serve")
    parser.add_argument("service", choices=PORTS)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument(
        "--port", type=_number(0, _LAST_PORT), help="by default 8001, 8002 or 8003; 0 is a free one"
    )
    parser.add_argument("--fd", type=int, help="a socket that listens already, instead of a port")
    parser.add_argument(
        "--workers",
        type=_number(1, _MOST_WORKERS),
        default=os.environ.get("WORKERS") or "1",
        help="processes; by default $WORKERS, or 1",
    )
    return parser


def _number(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and least <= int(text[:9]) <= most):
            raise argparse.ArgumentTypeError(f"write a whole number from {least} to {most}")
        return int(text)

    return read


def _prepare(service: str) -> Settings:
    """Find out before anything is served whether the service can be, and return its settings."""
    settings = read_settings(service)
    if settings.fault and settings.fault not in FAULTS:
        raise StartError(f"FAULT: there is no such fault; there are: {', '.join(FAULTS)}.")
    _configure_server_log(settings)
    database = open_database(settings)
    migrate(database, service, revisions_of(service))
    database.close()
    return settings


def _configure_server_log(settings: Settings) -> None:
    """Write what uvicorn and the other libraries say in the form of our own lines."""
    configure_logs(settings.service, "WARNING", logging.getLogger())
    logging.getLogger("uvicorn").setLevel(settings.log_level)


def _listen(asked: argparse.Namespace) -> socket.socket:
    # Ours, since uvicorn's own `fd` takes any socket for a Unix one, which leaves Nagle's algorithm
    # on: each answer, sent in two pieces, would wait 40 ms for the acknowledgement of the first.
    port = PORTS[asked.service] if asked.port is None else asked.port
    family = socket.AF_INET6 if ":" in asked.host else socket.AF_INET
    try:
        if asked.fd is not None:
            return socket.socket(fileno=asked.fd)
        return socket.create_server((asked.host, port), family=family)
    except OSError as error:
        where = f"{asked.host}:{port}" if asked.fd is None else f"--fd {asked.fd}"
        # The end of the text is left out: "… (while attempting to bind on …)".
        reason = str(error.strerror).partition(" (")[0]
        raise StartError(f"{where} cannot be listened on ({reason}).") from error


def _serve(workers: int, listener: socket.socket) -> int:
    config = uvicorn.Config(
        "reference_services.serve:create_worker",
        factory=True,
        workers=workers,
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_GRACE_S,
    )
    if workers > 1:
        parent = Multiprocess(config, sockets=[listener])
        parent.run()
        return int(any(worker.exitcode == STARTUP_FAILURE for worker in parent.processes))
    server = uvicorn.Server(config)
    with suppress(KeyboardInterrupt):
        server.run(sockets=[listener])
    return 0 if server.started else 1


@contextmanager
def _counting(workers: int, settings: Settings) -> Iterator[None]:
    """Give several workers one empty folder to count in; what an earlier start left there goes.

    Under the fault of workers that count apart they get none.
    """
    if settings.service == "cards" and deployment_of(settings.fault).workers_apart:
        os.environ.pop(SHARED_FOLDER, None)
        yield
    elif workers == 1 and SHARED_FOLDER not in os.environ:
        yield
    else:
        with _shared_folder():
            yield


@contextmanager
def _shared_folder() -> Iterator[None]:
    with ExitStack() as held:
        if SHARED_FOLDER not in os.environ:
            made = tempfile.TemporaryDirectory(prefix="metrics-")
            os.environ[SHARED_FOLDER] = held.enter_context(made)
        _empty(Path(os.environ[SHARED_FOLDER]))
        os.environ[STARTED_AT] = str(time.time())
        yield


def _empty(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        files = list(folder.glob("*.db"))
        # Before anything is deleted: the folder may be the one that databases are in.
        if not all(_COUNTS.fullmatch(file.name) for file in files):
            raise StartError(f"{SHARED_FOLDER}: other .db files are there; name an empty folder.")
        for left_over in files:
            left_over.unlink()
    except OSError as error:
        raise StartError(f"{SHARED_FOLDER}: no folder to write to ({error.strerror}).") from error


def _end_with_parent() -> None:
    # A worker that outlived its parent would go on serving, and count into a deleted folder.
    while os.getppid() == int(os.environ[PARENT]):
        time.sleep(_LOOK_S)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
