"""Starts a service as one process, or as several workers with common metrics.

    python -m reference_services.serve cards --port 8002 --workers 2

Settings come from environment variables (`common/settings.py`). It exits with 2 and one sentence
if a setting is invalid, the database cannot be migrated or the port is in use, and with 1 if a
worker fails to start.
"""

import argparse
import importlib
import logging
import os
import re
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors.multiprocess import Multiprocess

from reference_services.common.database import open_database
from reference_services.common.http_protocol import BoundedHttpProtocol
from reference_services.common.json_logs import configure_logs
from reference_services.common.metrics import SHARED_FOLDER, STARTED_AT
from reference_services.common.migration import migrate, revisions_of
from reference_services.common.parent_death import die_with_parent
from reference_services.common.settings import Settings, StartupError, read_settings
from reference_services.common.temporary_folder import temporary_folder
from reference_services.faults.catalog import FAULTS
from reference_services.faults.deployment import deployment_of

PORTS = {"onboarding": 8001, "cards": 8002, "workflow": 8003}

SERVICE = "SERVICE_NAME"
PARENT = "SERVICE_PARENT"

# Longer than the 2 s after which `ServiceClient` closes an idle connection.
_KEEP_ALIVE_S = 30
_GRACE_S = 1

_MAX_WORKERS = 64
_LAST_PORT = 65535
# Files of prometheus_client in the shared folder: `counter_<pid>.db`, `gauge_livemax_<pid>.db`.
_METRICS_FILE = re.compile(r"[a-z]+(_[a-z]+)?_\d+\.db")


def main(arguments: list[str] | None = None) -> int:
    """Serve until a signal ends the process; return the exit code."""
    options = _parser().parse_args(arguments)
    try:
        settings = _check_and_migrate(options.service)
        with _listen(options) as listener, _metrics_folder(options.workers, settings):
            host, port, *_ = listener.getsockname()
            logging.getLogger("uvicorn").info("listening on %s port %s", host, port)
            os.environ |= {SERVICE: options.service, PARENT: str(os.getpid())}
            return _serve(options.workers, listener)
    except StartupError as error:
        print(f"{options.service}: {error}", file=sys.stderr)
        return 2


def create_worker() -> FastAPI:
    """Build the app of one worker process."""
    if os.environ[PARENT] != str(os.getpid()):
        # An orphaned worker would keep serving and count into a deleted folder.
        die_with_parent(int(os.environ[PARENT]))
    service = os.environ[SERVICE]
    _configure_server_log(read_settings(service))
    app: FastAPI = importlib.import_module(f"reference_services.{service}.app").create_app()
    return app


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m reference_services.serve")
    parser.add_argument("service", choices=PORTS)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument(
        "--port",
        type=_number(0, _LAST_PORT),
        help="default: 8001, 8002 or 8003; 0 selects a free one",
    )
    parser.add_argument(
        "--fd", type=int, help="descriptor of a listening socket, instead of a port"
    )
    parser.add_argument(
        "--workers",
        type=_number(1, _MAX_WORKERS),
        default=os.environ.get("WORKERS") or "1",
        help="number of processes; default: $WORKERS, or 1",
    )
    return parser


def _number(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and least <= int(text[:9]) <= most):
            raise argparse.ArgumentTypeError(f"write a whole number from {least} to {most}")
        return int(text)

    return read


def _check_and_migrate(service: str) -> Settings:
    """Check the settings and migrate the database before anything is served."""
    settings = read_settings(service)
    if settings.fault and settings.fault not in FAULTS:
        raise StartupError(f"FAULT: unknown fault; known faults: {', '.join(FAULTS)}.")
    _configure_server_log(settings)
    database = open_database(settings)
    migrate(database, service, revisions_of(service))
    database.close()
    return settings


def _configure_server_log(settings: Settings) -> None:
    """Send the logs of uvicorn and other libraries through our JSON formatter."""
    configure_logs(settings.service, "WARNING", logging.getLogger())
    logging.getLogger("uvicorn").setLevel(settings.log_level)


def _listen(options: argparse.Namespace) -> socket.socket:
    # Not uvicorn's own `fd`: it treats any socket as a Unix one and leaves Nagle's algorithm on.
    # Each response, sent in two pieces, would wait 40 ms for the acknowledgement of the first.
    port = PORTS[options.service] if options.port is None else options.port
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    try:
        if options.fd is not None:
            return socket.socket(fileno=options.fd)
        return socket.create_server((options.host, port), family=family)
    except OSError as error:
        address = f"{options.host}:{port}" if options.fd is None else f"--fd {options.fd}"
        # Drops the repetition of the address: "… (while attempting to bind on …)".
        reason = str(error.strerror).partition(" (")[0]
        raise StartupError(f"cannot listen on {address} ({reason}).") from error


def _serve(workers: int, listener: socket.socket) -> int:
    config = uvicorn.Config(
        "reference_services.serve:create_worker",
        factory=True,
        http=BoundedHttpProtocol,
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
def _metrics_folder(workers: int, settings: Settings) -> Iterator[None]:
    """Give several workers an empty shared folder for metrics, except under `workers-apart`."""
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
    with ExitStack() as stack:
        if SHARED_FOLDER not in os.environ:
            folder = stack.enter_context(temporary_folder("trial-balance-metrics-"))
            os.environ[SHARED_FOLDER] = str(folder)
        _empty(Path(os.environ[SHARED_FOLDER]))
        os.environ[STARTED_AT] = str(time.time())
        yield


def _empty(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        files = list(folder.glob("*.db"))
        # Checked before anything is deleted: the folder may hold databases.
        if not all(_METRICS_FILE.fullmatch(file.name) for file in files):
            raise StartupError(
                f"{SHARED_FOLDER}: the folder holds other .db files; use an empty one."
            )
        for file in files:
            file.unlink()
    except OSError as error:
        raise StartupError(
            f"{SHARED_FOLDER}: cannot write to the folder ({error.strerror})."
        ) from error


if __name__ == "__main__":
    sys.exit(main())
