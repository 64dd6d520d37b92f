"""Take part in a load that another machine drives."""

import os
import signal
import socket
import sys
from typing import NoReturn

from config.errors import ConfigError, Problem
from config.network import PORTS, parse_host_port
from scenarios.driver.load_process import LOCUSTFILE, worker_options

_PORT = 5557


def worker(master: str) -> NoReturn:
    """Become a worker of the load at HOST or HOST:PORT. Raises ConfigError."""
    place = parse_host_port(master)
    if place is None or (place.port is not None and place.port not in PORTS):
        raise ConfigError(Problem(None, None, f"--master {master} is not HOST or HOST:PORT"))
    host, port = place.host, place.port or _PORT
    try:
        socket.getaddrinfo(host, port)
    except OSError as error:
        raise ConfigError(Problem(None, None, f"--master {master}: {error.strerror}")) from error
    options = worker_options(host, port)
    command = [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), *options]
    # Python would print a traceback during its imports; `scenarios.engine.interrupts` unblocks it.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    os.execv(sys.executable, command)  # noqa: S606 - the command is ours
