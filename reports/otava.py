"""The tables that Apache Otava reads, one file per step, and the configuration that names them.

Otava reads a file as one series of time: steps that stand below each other would be one series, and
an empty cell ends its import. So each file has the rows of one step in which it was timed.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from checks.history.entry import Entry
from checks.history.trends import PERCENTILES, percentile_of
from scenarios.evidence.files import replacing
from scenarios.language.identifiers import slug

if TYPE_CHECKING:
    import pandas as pd

CONFIGURATION = "otava.yaml"
_ATTRIBUTES = ("run_id", "verdict")  # of a run; an interval has none


def otava_tables(series: "pd.DataFrame", entries: Iterable[Entry]) -> "dict[str, pd.DataFrame]":
    """Return a table per step of a time series (`time_series-order`), and of runs (`runs-order`).

    `entries` are runs that can be compared, since each table is one series of time.
    Their columns: time (UTC), for a run run_id and verdict, and p50_s, p95_s, p99_s.
    """
    served = series[series["p95_s"].notna()].rename(columns={"at": "time"})
    columns = ["time", *(f"{each}_s" for each in PERCENTILES)]
    intervals = {
        f"time_series-{slug(str(step))}": of_step[columns]
        for step, of_step in served.groupby("step", observed=True)
    }
    return intervals | _runs_by_step(entries)


def _runs_by_step(entries: Iterable[Entry]) -> "dict[str, pd.DataFrame]":
    import pandas as pd

    rows: dict[str, list[dict[str, object]]] = {}
    for entry in sorted(entries, key=lambda each: each.started_at):
        for step, timed in entry.latency.items():
            percentiles = {f"{each}_s": percentile_of(timed, each) for each in PERCENTILES}
            rows.setdefault(f"runs-{slug(step)}", []).append({
                "time": entry.started_at.isoformat(), "run_id": entry.run_id,
                "verdict": str(entry.verdict), **percentiles,
            })  # fmt: skip
    return {name: pd.DataFrame(each) for name, each in rows.items()}


def write_otava_configuration(tables: "Mapping[str, pd.DataFrame]", folder: Path) -> Path:
    """Write Otava's configuration: a test per table, slower is worse. Raises OSError."""
    tests = {
        name: {
            "type": "csv", "file": str(folder.resolve() / f"{name}.csv"), "time_column": "time",
            "attributes": [each for each in _ATTRIBUTES if each in table],
            "metrics": {each: {"column": f"{each}_s", "direction": -1} for each in PERCENTILES},
        }
        for name, table in tables.items()
    }  # fmt: skip
    path = folder / CONFIGURATION
    with replacing(path) as file:
        file.write(f"{json.dumps({'tests': tests}, indent=2)}\n".encode())  # JSON is YAML
    return path
