"""Export a run of a million exchanges in every format, and check the figures with DuckDB.

    python -m benchmarks.export --exchanges 1000000

Prints CPU seconds per format, including reading the evidence. Exits with 1 unless all figures are
equal.
"""

import argparse
import math
import sys
import tempfile
import time
from pathlib import Path

import duckdb

from checks.case import read_case
from checks.suite import judge
from reports.export import Format, tables_of, write_tables
from reports.frames import Frames
from scenarios.evidence.exchange import Outcome
from tests.evidence_factory import Load, Made, write_run


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--exchanges", type=int, default=1_000_000)
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
    return 0 if all(equal) else 1


if __name__ == "__main__":
    sys.exit(main())
