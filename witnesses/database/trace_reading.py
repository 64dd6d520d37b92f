"""Read which requests the databases know: rows counted by the trace id of their writer."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec

from scenarios.evidence.files import read_json, read_lines
from scenarios.evidence.run_folder import RunFolder
from scenarios.language.quantities import Quantity
from witnesses.database.reading import FOLDER, DatabaseReading, read_databases
from witnesses.database.values import count_of, label_value
from witnesses.figure import Labels
from witnesses.model import Moment
from witnesses.row_counts import Counts, label_values

TRACES_FILE = "traces.json"

# A trace id, label values and an amount.
TraceRow = tuple[str, Labels, int | Fraction]


@dataclass(frozen=True)
class TraceReading:
    """The rows by trace id as they lie on disk, and the counts without trace ids beside them.

    `errors` are by quantity, "" where its rows were read whole; `stores` name whose rows they are.
    """

    errors: Mapping[str, str]
    folder: Path
    databases: tuple[DatabaseReading, ...]
    stores: Mapping[str, str] = field(default_factory=dict)

    def knows(self, quantity: str) -> bool:
        """Return whether a quantity's rows were read whole."""
        return self.errors.get(quantity) == ""

    def rows(self, quantity: str, labels: int, *, has_decimals: bool = False) -> Iterator[TraceRow]:
        """Yield the rows one by one; they may be more than memory holds.

        Raises ValueError or OSError where they are not a trace id, `labels` label values and an
        amount, or cannot be read.
        """
        decoder = msgspec.json.Decoder(list[Any], float_hook=Decimal)
        with closing(read_lines(traces_path(self.folder, quantity))) as lines:
            for line in lines:
                row = decoder.decode(line)
                if len(row) != labels + 2:
                    raise ValueError(f"{row} is not a trace id, {labels} label values and a count")
                yield label_value(row[0]), label_values(row[1:-1]), _amount(row[-1], has_decimals)

    def counts_at(self, moment: Moment, quantity: str, labels: int) -> Counts | None:
        """Return the counts without trace ids at a moment, or None if unknown.

        They are those of the store that the rows are of, or of any other where it has no query.
        """
        store = self.stores.get(quantity)
        first = sorted(self.databases, key=lambda each: each.store != store)
        counts = (each.counts_at(moment, quantity, labels) for each in first)
        return next((each for each in counts if each is not None), None)


def read_traces(folder: RunFolder, quantities: Mapping[str, Quantity]) -> TraceReading:
    """Read which quantities' rows are known by trace id."""
    path = folder.witnesses / FOLDER
    try:
        errors = read_json(path / TRACES_FILE)
    except (OSError, ValueError):
        errors = {}
    known = errors if isinstance(errors, dict) else {}
    stores = {name: each.traced.name for name, each in quantities.items() if each.traced}
    return TraceReading(known, path, read_databases(folder), stores)


def traces_path(folder: Path, quantity: str) -> Path:
    """Return the file of a quantity's rows by trace id."""
    return folder / f"traces-{quantity}.jsonl"


def _amount(count: object, has_decimals: bool) -> int | Fraction:
    """Return the amount of a row. Raises ValueError."""
    number = None if count is None else count_of(count)
    if number is None or number < 0 or (number.denominator > 1 and not has_decimals):
        raise ValueError(f"{count!r} is no count")
    return number.numerator if number.denominator == 1 else number
