"""Write a run's tables to files that other tools read: CSV, JSON Lines, Parquet, Excel, Otava."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from checks.history.entry import Entry
from checks.history.trends import PERCENTILES, percentile_of
from reports.otava import write_otava_configuration
from scenarios.evidence.files import make_folder, replacing

if TYPE_CHECKING:
    import pandas as pd

    from reports.frames import Frames

WORKBOOK = "tables.xlsx"
EXCEL_MOST_ROWS = 1_048_575  # below the head
_JSON_BATCH_ROWS = 50_000


class Format(StrEnum):
    """A format of exported tables."""

    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"
    XLSX = "xlsx"
    OTAVA = "otava"


@dataclass(frozen=True, slots=True)
class Exported:
    """One table in a file: its number of rows, or why it is not there."""

    table: str
    path: Path
    rows: int
    left_out: str = ""


def tables_of(frames: "Frames") -> "dict[str, pd.DataFrame]":
    """Return every table of a run by name; docs/export.md has their columns."""
    from reports.time_series import time_series

    return {
        "exchanges": frames.exchanges,
        "amounts": frames.amounts,
        "streams": frames.streams,
        "iterations": frames.iterations,
        "findings": frames.findings,
        "balance": frames.balance,
        "time_series": time_series(frames.exchanges),
    }


def runs_table(entries: Iterable[Entry]) -> "pd.DataFrame":
    """Return one row per remembered run, oldest first.

    time (ISO 8601), run_id, environment, scenario, profile, verdict: text. duration_s, and per step
    and percentile STEP_p50_s, …: float64, seconds.
    """
    import pandas as pd

    rows = [
        {
            "time": each.started_at.isoformat(), "run_id": each.run_id,
            "environment": each.environment, "scenario": each.scenario, "profile": each.profile,
            "verdict": str(each.verdict),
            "duration_s": (each.finished_at - each.started_at).total_seconds(),
            **{
                f"{step.replace(' ', '_')}_{percentile}_s": percentile_of(timed, percentile)
                for step, timed in each.latency.items()
                for percentile in PERCENTILES
            },
        }
        for each in sorted(entries, key=lambda each: each.started_at)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def write_tables(
    tables: "Mapping[str, pd.DataFrame]", form: Format, folder: Path
) -> list[Exported]:
    """Write the tables into a folder, one file each, or all into one workbook. Raises OSError.

    For Otava, they are CSV, and a configuration names them.
    """
    make_folder(folder)
    if form is Format.XLSX:
        return _write_workbook(tables, folder / WORKBOOK)
    if form is Format.OTAVA:
        path = write_otava_configuration(tables, folder)
        return [*write_tables(tables, Format.CSV, folder), Exported(path.name, path, len(tables))]
    write = {Format.CSV: _write_csv, Format.JSONL: _write_jsonl, Format.PARQUET: _write_parquet}
    exported = []
    for name, table in tables.items():
        path = folder / f"{name}.{form}"
        with replacing(path) as file:
            write[form](table, file)
        exported.append(Exported(name, path, len(table)))
    return exported


def _write_parquet(table: "pd.DataFrame", file: BinaryIO) -> None:
    table.to_parquet(file, engine="pyarrow", index=False)


def _write_csv(table: "pd.DataFrame", file: BinaryIO) -> None:
    """Write with pyarrow: a million rows take a tenth of the time of pandas' own writer."""
    import pyarrow as pa
    from pyarrow import csv

    whole = pa.Table.from_pandas(table, preserve_index=False)
    plain = [
        pa.field(each.name, pa.string()) if pa.types.is_dictionary(each.type) else each
        for each in whole.schema
    ]
    csv.write_csv(whole.cast(pa.schema(plain)), file)


def _write_jsonl(table: "pd.DataFrame", file: BinaryIO) -> None:
    for first in range(0, len(table), _JSON_BATCH_ROWS):
        lines = table.iloc[first : first + _JSON_BATCH_ROWS].to_json(
            orient="records", lines=True, date_format="iso", date_unit="us",
            double_precision=15, force_ascii=False,
        )  # fmt: skip
        file.write(lines.encode())


def _write_workbook(tables: "Mapping[str, pd.DataFrame]", path: Path) -> list[Exported]:
    """Write a sheet per table; one that Excel cannot hold is left out, with the reason."""
    import pandas as pd

    exported = []
    # a text that begins with "=" must not become a formula
    options = {"options": {"strings_to_formulas": False, "strings_to_urls": False}}
    with (
        replacing(path) as file,
        pd.ExcelWriter(file, engine="xlsxwriter", engine_kwargs=options) as writer,
    ):
        for name, table in tables.items():
            if len(table) > EXCEL_MOST_ROWS:
                reason = f"Excel holds {EXCEL_MOST_ROWS:,} rows: export it as parquet or csv"
                exported.append(Exported(name, path, len(table), reason))
                continue
            _without_zones(table).to_excel(writer, sheet_name=name, index=False)
            exported.append(Exported(name, path, len(table)))
    return exported


def _without_zones(table: "pd.DataFrame") -> "pd.DataFrame":
    """Return the table with instants as text: Excel knows no time zone and no microsecond."""
    zoned = table.select_dtypes("datetimetz").columns
    return table.assign(**{
        name: table[name].dt.strftime("%Y-%m-%dT%H:%M:%S.%fZ") for name in zoned
    })  # fmt: skip


def exported_json(exported: Iterable[Exported]) -> str:
    """Render what was written as a JSON list."""
    return json.dumps(
        [{"table": each.table, "path": str(each.path), "rows": each.rows,
          "left_out": each.left_out} for each in exported], indent=2,
    )  # fmt: skip
