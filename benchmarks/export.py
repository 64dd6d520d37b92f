"""Export a run of a million exchanges in every format, and check the figures with DuckDB.

    python -m benchmarks.export --exchanges 1000000 [--otava otava/bin/python]

Prints CPU seconds per format, including reading the evidence. With the Python of an environment in
which apache-otava is installed, its own importer reads what is written for it. Exits with 1 unless
all figures are equal.
"""

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb
import pandas as pd

from checks.case import read_case
from checks.history.entry import Entry
from checks.history.store import record_of
from checks.suite import judge
from reports.export import Format, tables_of, write_tables
from reports.frames import Frames
from reports.otava import CONFIGURATION, otava_tables
from reports.time_series import time_series
from scenarios.evidence.exchange import Outcome
from tests.evidence_factory import Load, Made, write_run

# Run by Otava's Python: prints how many values its importer reads of each metric, and their sum.
_READ_WITH_OTAVA = """
import json, sys
from datetime import datetime, timezone
from pathlib import Path
from ruamel.yaml import YAML
from otava.data_selector import DataSelector
from otava.importer import CsvImporter
from otava.test_config import create_test_config
selector = DataSelector()
selector.since_time = datetime(2000, 1, 1, tzinfo=timezone.utc)
selector.until_time = datetime(2100, 1, 1, tzinfo=timezone.utc)
selector.last_n_points = 10 ** 9
read = {}
for name, test in YAML(typ="safe").load(Path(sys.argv[1]))["tests"].items():
    series = CsvImporter().fetch_data(create_test_config(name, test), selector)
    read[name] = {metric: [len(values), sum(values)] for metric, values in series.data.items()}
print(json.dumps(read))
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--exchanges", type=int, default=1_000_000)
    parser.add_argument("--otava", help="a Python with apache-otava")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        iteration = (Made("open", duration_s=0.1), Made("use", Outcome.OK, 200, duration_s=0.2))
        folder = write_run(place, Load([iteration] * (options.exchanges // 2), scheduled=None))
        result = judge(folder)
        equal = []
        for form in (Format.PARQUET, Format.CSV, Format.JSONL):
            begun_s = time.process_time()
            tables = tables_of(Frames(read_case(folder), result))
            write_tables(tables, form, place / form)
            used_s = time.process_time() - begun_s
            file = place / form / f"exchanges.{form}"
            query = f"SELECT count(*), sum(response_s) FROM '{file}'"  # noqa: S608  # our own file
            with duckdb.connect() as connection:
                ((rows, total_s),) = connection.execute(query).fetchall()
            expected_s = tables["exchanges"]["response_s"].sum()
            equal.append(rows == options.exchanges and math.isclose(total_s, expected_s))
            words = "equal" if equal[-1] else "DIFFERENT"
            print(f"{form:<8} {used_s:5.1f} CPU s, {rows:,} rows read by DuckDB, sums {words}")
        if options.otava:
            series = time_series(Frames(read_case(folder), result).exchanges)
            equal.append(is_equal_in_otava(options.otava, place, series, record_of(result)))
            print(f"otava    figures {'equal' if equal[-1] else 'DIFFERENT'}")
    return 0 if all(equal) else 1


def is_equal_in_otava(python: str, place: Path, series: pd.DataFrame, run: Entry) -> bool:
    """Tell whether Otava reads as many values as were written, with the same sums."""
    tables = otava_tables(series, [run])
    write_tables(tables, Format.OTAVA, place / Format.OTAVA)
    command = [python, "-c", _READ_WITH_OTAVA, str(place / Format.OTAVA / CONFIGURATION)]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    written = {
        name: {each.removesuffix("_s"): [len(table), table[each].sum()]
               for each in table.columns if each.startswith("p")}
        for name, table in tables.items()
    }  # fmt: skip
    return is_same(json.loads(ended.stdout), written)


def is_same(
    read: Mapping[str, Mapping[str, Sequence[float]]],
    written: Mapping[str, Mapping[str, Sequence[float]]],
) -> bool:
    """Tell whether each metric of each table has the same number of values and the same sum."""
    return {name: set(each) for name, each in read.items()} == {
        name: set(each) for name, each in written.items()
    } and all(
        count == written[name][metric][0] and math.isclose(total, written[name][metric][1])
        for name, metrics in read.items()
        for metric, (count, total) in metrics.items()
    )


if __name__ == "__main__":
    sys.exit(main())
