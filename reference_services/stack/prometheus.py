"""How does the local stack get its Prometheus, and when has that seen every service?"""

import json
import shutil
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import urlopen

from reference_services.stack.processes import (
    HOST,
    Processes,
    Started,
    answers,
    find_prometheus,
    ports_of,
    wait_until,
)

SCRAPE_INTERVAL = "1s"

_SAMPLES = "prometheus"
_TIMES = 2
_SCRAPED = f"sum_over_time(up[1m]) >= {_TIMES}"


def start_prometheus(processes: Processes, folder: Path, targets: Mapping[str, str]) -> Started:
    """Start a Prometheus that scrapes these addresses, each as a job of its name."""
    configuration = folder / "prometheus.json"
    configuration.write_text(json.dumps(_configuration(targets)))
    command = [
        find_prometheus(),
        f"--config.file={configuration}",
        f"--storage.tsdb.path={folder / _SAMPLES}",
        f"--web.listen-address={HOST}:0",
    ]
    return processes.start("prometheus", command)


def await_prometheus(prometheus: Started) -> str:
    """Wait until Prometheus answers, and return its address. Raises StackError."""
    wait_until(prometheus, lambda: bool(ports_of(prometheus)))
    url = f"http://{HOST}:{ports_of(prometheus)[0]}"
    wait_until(prometheus, partial(answers, f"{url}/-/ready"))
    return url


def await_baseline(prometheus: Started, url: str, targets: int) -> None:
    """Wait until so many targets have each been scraped twice, successfully. Raises StackError."""
    wait_until(prometheus, lambda: _scraped(url) == targets)


def drop_samples(folder: Path) -> None:
    """Delete what a Prometheus, ended by now, has stored."""
    shutil.rmtree(folder / _SAMPLES, ignore_errors=True)


def _configuration(targets: Mapping[str, str]) -> dict[str, object]:
    return {
        "global": {"scrape_interval": SCRAPE_INTERVAL, "scrape_timeout": SCRAPE_INTERVAL},
        "scrape_configs": [
            {"job_name": name, "static_configs": [{"targets": [address]}]}
            for name, address in targets.items()
        ],
    }


def _scraped(url: str) -> int:
    query = f"{url}/api/v1/query?{urlencode({'query': _SCRAPED})}"
    try:
        with urlopen(query, timeout=1) as answer:  # noqa: S310 - an address of our own
            return len(json.load(answer)["data"]["result"])
    except OSError:
        return 0
