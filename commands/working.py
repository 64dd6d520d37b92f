"""How does this machine take a part in a load that another one drives?"""

import os
import re
import sys
from typing import NoReturn

from config.errors import ConfigError, Problem
from scenarios.load import LOCUSTFILE, worker_options

_PORT = 5557
_MASTER = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s:/\[\]]+)(:(?P<port>[0-9]{1,5}))?")


def work_for(master: str) -> NoReturn:
    """Become a worker of the load at HOST or HOST:PORT. Raises ConfigError."""
    place = _MASTER.fullmatch(master)
    if place is None:
        raise ConfigError(Problem(None, None, f"--master {master} is not HOST or HOST:PORT"))
    options = worker_options(place["host"].strip("[]"), int(place["port"] or _PORT))
    command = [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), *options]
    os.execv(sys.executable, command)  # noqa: S606 - the command is ours
