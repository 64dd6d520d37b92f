"""Prometheus of the local stack: configuration, start and readiness."""

import json
import shutil
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import urlopen

from reference_services.stack.processes import (
    HOST,
    ProcessGroup,
    StackProcess,
    find_prometheus,
    is_up,
    ports_of,
    wait_until,
)

SCRAPE_INTERVAL = "1s"

_SAMPLES = "prometheus"
_BASELINE_SCRAPES = 2
_SCRAPED_TARGETS = f"sum_over_time(up[1m]) >= {_BASELINE_SCRAPES}"


def start_prometheus(
    processes: ProcessGroup, folder: Path, targets: Mapping[str, str]
) -> StackProcess:
    """Start a Prometheus that scrapes `targets`, which maps job names to HOST:PORT."""
    configuration = folder / "prometheus.json"
    configuration.write_text(json.dumps(_configuration(targets)))
    command = [
        find_prometheus(),
        f"--config.file={configuration}",
        f"--storage.tsdb.path={folder / _SAMPLES}",
        f"--web.listen-address={HOST}:0",
    ]
    return processes.start("prometheus", command)


def await_prometheus(prometheus: StackProcess) -> str:
    """Wait until Prometheus is ready and return its URL. Raises StackError."""
    # It chose its port itself (":0"), so the port is read from its listening socket.
    wait_until(prometheus, lambda: bool(ports_of(prometheus)))
    url = f"http://{HOST}:{ports_of(prometheus)[0]}"
    wait_until(prometheus, partial(is_up, f"{url}/-/ready"))
    return url


def await_baseline(prometheus: StackProcess, url: str, targets: int) -> None:
    """Wait until this many targets have two successful scrapes each. Raises StackError."""
    wait_until(prometheus, lambda: _count_scraped(url) == targets)


def drop_samples(folder: Path) -> None:
    """Delete the samples of a Prometheus that has ended."""
    shutil.rmtree(folder / _SAMPLES, ignore_errors=True)


def _configuration(targets: Mapping[str, str]) -> dict[str, object]:
    return {
        "global": {"scrape_interval": SCRAPE_INTERVAL, "scrape_timeout": SCRAPE_INTERVAL},
        "scrape_configs": [
            {"job_name": name, "static_configs": [{"targets": [address]}]}
            for name, address in targets.items()
        ],
    }


def _count_scraped(url: str) -> int:
    query = f"{url}/api/v1/query?{urlencode({'query': _SCRAPED_TARGETS})}"
    try:
        with urlopen(query, timeout=1) as response:  # noqa: S310 - an address of our own
            return len(json.load(response)["data"]["result"])
    except OSError:
        return 0
