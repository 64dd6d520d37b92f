"""How is a service started? As one process, or as several that count as one.

    python -m reference_services.serve cards --port 8002 --workers 2

Settings come from environment variables (`common/settings.py`). Exit 2, with one sentence, when
they are wrong or the database cannot be brought up to date.
"""

import argparse
import importlib
import os
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from uvicorn.supervisors.multiprocess import Multiprocess

from reference_services.common.database import Database
from reference_services.common.migration import migrate
from reference_services.common.settings import StartError, read_settings

PORTS = {"onboarding": 8001, "cards": 8002, "workflow": 8003}

# Not taken from common/metrics.py: the metrics library reads them as soon as it is imported.
SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
STARTED_AT = "SERVICE_STARTED_AT"
SERVICE = "SERVICE_NAME"
PARENT = "SERVICE_PARENT"

# Above the 2 s after which callers of ours close an idle connection first.
_KEEP_ALIVE_S = 30
_GRACE_S = 1
_LOOK_S = 0.5


def main(arguments: list[str] | None = None) -> int:
    """Serve until a signal ends it."""
    asked = _parser().parse_args(arguments)
    try:
        _prepare(asked.service)
    except StartError as error:
        print(f"{asked.service}: {error}", file=sys.stderr)
        return 2
    with _counting_together(asked.workers):
        os.environ |= {SERVICE: asked.service, PARENT: str(os.getpid())}
        return _serve(asked)


def create_worker() -> FastAPI:
    """Build the app of one worker process."""
    if os.environ[PARENT] != str(os.getpid()):
        threading.Thread(target=_end_with_parent, daemon=True).start()
    service = os.environ[SERVICE]
    app: FastAPI = importlib.import_module(f"reference_services.{service}.app").create_app()
    return app


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m reference_services.serve")
    parser.add_argument("service", choices=PORTS)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, help="by default 8001, 8002 or 8003")
    parser.add_argument("--fd", type=int, help="a socket that listens already, instead of a port")
    parser.add_argument(
        "--workers", type=int, default=int(os.environ.get("WORKERS") or 1), help="processes"
    )
    return parser


def _prepare(service: str) -> None:
    """Find out before anything is served whether the service can be."""
    settings = read_settings(service)
    database = Database(settings.database_url, settings.database_connections)
    migrate(database, service, Path(__file__).parent / service / "migrations")
    database.close()


def _serve(asked: argparse.Namespace) -> int:
    config = uvicorn.Config(
        "reference_services.serve:create_worker",
        factory=True,
        host=asked.host,
        port=asked.port or PORTS[asked.service],
        workers=asked.workers,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_GRACE_S,
    )
    # uvicorn's own `fd` takes any socket for a Unix one, which leaves Nagle's algorithm on: each
    # answer, sent in two pieces, would wait 40 ms for the acknowledgement of the first.
    listener = config.bind_socket() if asked.fd is None else socket.socket(fileno=asked.fd)
    if asked.workers > 1:
        Multiprocess(config, sockets=[listener]).run()
        return 0
    server = uvicorn.Server(config)
    with suppress(KeyboardInterrupt):
        server.run(sockets=[listener])
    return 0 if server.started else 1


@contextmanager
def _counting_together(workers: int) -> Iterator[None]:
    """Give several workers one empty folder to count in; what an earlier start left there goes."""
    if workers == 1 and SHARED_FOLDER not in os.environ:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="metrics-") as made:
        folder = Path(os.environ.setdefault(SHARED_FOLDER, made))
        folder.mkdir(parents=True, exist_ok=True)
        for left_over in folder.glob("*.db"):
            left_over.unlink()
        os.environ[STARTED_AT] = str(time.time())
        yield


def _end_with_parent() -> None:
    # A worker that outlived its parent would go on serving, and count into a deleted folder.
    while os.getppid() == int(os.environ[PARENT]):
        time.sleep(_LOOK_S)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
