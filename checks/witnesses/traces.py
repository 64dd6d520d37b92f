"""Which requests do the databases know? Rows counted by the X-Trace-ID of who wrote them."""

import json
from collections.abc import Container, Mapping
from dataclasses import dataclass
from pathlib import Path

from checks.witnesses.database import DatabaseDown, label_values, rows_of_query
from checks.witnesses.figure import Labels
from scenarios.evidence import RunFolder
from scenarios.model import Quantity

_MOST_ROWS = 20_000_000

Found = Mapping[Labels, Mapping[str, int]]


def take_traces(
    quantities: Mapping[str, Quantity],
    databases: Mapping[str, str],
    tenant: str,
    folder: RunFolder,
) -> None:
    """Write each quantity's rows by trace id as they come, or why there are none."""
    troubles = {}
    for name, quantity in quantities.items():
        if quantity.traces:
            database, query = next(iter(quantity.traces.items()))
            path = folder.witnesses / "database" / _file_of(name)
            troubles[name] = _take(path, database, query, databases, tenant)
    folder.write_answer("database/traces.json", json.dumps(troubles, indent=1).encode())


def _take(path: Path, name: str, query: str, databases: Mapping[str, str], tenant: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("w", encoding="utf-8") as file:
            for row in rows_of_query(name, query, databases, tenant, _MOST_ROWS):
                file.write(json.dumps(row, default=str) + "\n")
    except DatabaseDown as error:
        return str(error)
    return ""


@dataclass(frozen=True)
class TraceEvidence:
    """The rows by trace id, as they lie on disk; `troubles` are by quantity, "" where well."""

    troubles: Mapping[str, str]
    folder: Path

    def knows(self, quantity: str) -> bool:
        """Tell whether a quantity's rows were read whole."""
        return self.troubles.get(quantity) == ""

    def find(self, quantity: str, trace_ids: Container[str]) -> Found:
        """Return how many rows each of the trace ids has, by label values.

        Raises ValueError where the rows are not a trace id, label values and a count.
        """
        found: dict[Labels, dict[str, int]] = {}
        with (self.folder / _file_of(quantity)).open(encoding="utf-8") as file:
            for line in file:
                trace_id, *values, count = json.loads(line)
                if trace_id in trace_ids:
                    of_labels = found.setdefault(label_values(values), {})
                    of_labels[trace_id] = of_labels.get(trace_id, 0) + int(count)
        return found


def read_traces(folder: RunFolder) -> TraceEvidence:
    """Read which quantities' rows are known by trace id."""
    path = folder.witnesses / "database"
    try:
        troubles = json.loads((path / "traces.json").read_bytes())
    except (OSError, ValueError):
        troubles = {}
    return TraceEvidence(troubles if isinstance(troubles, dict) else {}, path)


def _file_of(quantity: str) -> str:
    return f"traces-{quantity}.jsonl"
