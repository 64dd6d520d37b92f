"""Take part in a load that another machine drives."""

import os
import signal
import socket
import sys
from pathlib import Path
from typing import NoReturn

from config.environment import find_environment
from config.errors import ConfigError, Problem
from config.network import PORTS, parse_host_port
from config.program import ROOT
from scenarios.driver.load_process import LOCUST, worker_options
from scenarios.driver.worker_key import worker_key

_PORT = 5557


def worker(master: str, env: str, runs: Path) -> NoReturn:
    """Become a worker of the load at HOST or HOST:PORT. Raises ConfigError.

    It drives the environment `env` of this machine only. Its recording is in `runs` until the
    master has all of it.
    """
    host, port = address_of(master)
    worker_key(host)  # reported here, before Locust starts
    options = worker_options(host, port, runs, find_environment(env))
    # Python would print a traceback during its imports; `scenarios.engine.interrupts` unblocks it.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    os.chdir(ROOT)
    os.execv(sys.executable, [*LOCUST, *options])  # noqa: S606 - the command is ours


def address_of(master: str) -> tuple[str, int]:
    """Return host and port of HOST or HOST:PORT. Raises ConfigError, also of an unknown host."""
    place = parse_host_port(master)
    if place is None or (place.port is not None and place.port not in PORTS):
        raise ConfigError(Problem(None, None, f"--master {master} is not HOST or HOST:PORT; write "
                                  "for example 10.0.0.5:5557"))  # fmt: skip
    host, port = place.host, place.port or _PORT
    try:
        socket.getaddrinfo(host, port)
    except OSError as error:
        reason = f"--master {master} has no address ({error.strerror})"
        remedy = "name the machine that runs load --expect"
        raise ConfigError(Problem(None, None, f"{reason}; {remedy}")) from error
    return host, port
