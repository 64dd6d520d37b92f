"""How does this machine take a part in a load that another one drives?"""

import os
import re
import socket
import sys
from typing import NoReturn

from config.errors import ConfigError, Problem
from scenarios.load import LOCUSTFILE, worker_options

_PORT = 5557
_PORTS = range(1, 65_536)
_MASTER = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s:/\[\]]+)(:(?P<port>[0-9]{1,5}))?")


def work_for(master: str) -> NoReturn:
    """Become a worker of the load at HOST or HOST:PORT. Raises ConfigError."""
    place = _MASTER.fullmatch(master)
    port = int(place["port"] or _PORT) if place else 0
    if place is None or port not in _PORTS:
        raise ConfigError(Problem(None, None, f"--master {master} is not HOST or HOST:PORT"))
    host = place["host"].strip("[]")
    try:
        socket.getaddrinfo(host, port)
    except OSError as error:
        raise ConfigError(Problem(None, None, f"--master {master}: {error.strerror}")) from error
    options = worker_options(host, port)
    command = [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), *options]
    os.execv(sys.executable, command)  # noqa: S606 - the command is ours
