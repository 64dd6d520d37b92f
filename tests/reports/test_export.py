"""Tests of exported tables, read back by the tools that they are for."""

import csv
import json
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pandas as pd
import pytest

from checks.case import read_case
from reports import export
from reports.export import EXCEL_MOST_ROWS, Format, runs_table, tables_of, write_tables
from reports.frames import Frames
from scenarios.http.messages import Response, ResponseLost
from scenarios.http.streams import Event, Stream, StreamEnd
from tests.checks.history.entries import nights
from tests.evidence_factory import GOOD, REFUSED, TIMED_OUT, Load, Made
from tests.metered_run import write_metered_run
from tests.reports.results import good_result
from tests.reports.test_frames import frames_of
from tests.scenarios.evidence.metered import spent


@pytest.fixture
def tables(tmp_path: Path) -> dict[str, pd.DataFrame]:
    stream = Stream((Event("a"),) * 3, StreamEnd.HUNG_UP, 0.25, 0.125)
    streamed = Made("open"), Made("use", stream=stream)
    return tables_of(frames_of(tmp_path, Load((GOOD, REFUSED, streamed, TIMED_OUT))))


def query(text: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        rows: list[tuple[Any, ...]] = connection.execute(text).fetchall()
        return rows


@pytest.mark.parametrize("form", [Format.CSV, Format.JSONL, Format.PARQUET])
def test_duckdb_reads_equal_figures(
    tables: dict[str, pd.DataFrame], tmp_path: Path, form: Format
) -> None:
    for each in write_tables(tables, form, tmp_path / "out"):
        ((count,),) = query(f"SELECT count(*) FROM '{each.path}'")
        assert count == len(tables[each.table]) == each.rows
    of_exchanges = tmp_path / "out" / f"exchanges.{form}"
    found = {
        outcome: (number, total_s)
        for outcome, number, total_s in query(
            f"SELECT outcome, count(*), sum(response_s) FROM '{of_exchanges}' GROUP BY 1"
        )
    }
    expected = tables["exchanges"].groupby("outcome", observed=True)["response_s"]
    assert {key: n for key, (n, _) in found.items()} == expected.size().to_dict()
    assert {key: s for key, (_, s) in found.items()} == pytest.approx(expected.sum().to_dict())


@pytest.mark.parametrize("form", [Format.CSV, Format.JSONL, Format.PARQUET])
def test_duckdb_adds_amounts_up_to_the_ledger(tmp_path: Path, form: Format) -> None:
    answers: list[Response | BaseException] = [
        spent("acme", "0.1"),
        spent("acme", "0.2"),
        ResponseLost("reset"),
    ]
    frames = Frames(read_case(write_metered_run(tmp_path, answers)), good_result())
    write_tables({"amounts": frames.amounts}, form, tmp_path)
    found = query(
        "SELECT labels, sum(units), bool_and(is_confirmed), max(high) IS NULL OR isinf(max(high)) "
        f"FROM '{tmp_path / f'amounts.{form}'}' GROUP BY 1 ORDER BY 1"
    )
    assert found == [('{"customer": "acme"}', 300, True, False),
                     ('{"customer": null}', None, False, True)]  # fmt: skip
    assert frames.case.ledger.confirmed == {("tokens", ("acme",)): 300}


def test_pandas_reads_parquet_as_it_was(tables: dict[str, pd.DataFrame], tmp_path: Path) -> None:
    write_tables(tables, Format.PARQUET, tmp_path)
    for name, table in tables.items():
        pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / f"{name}.parquet"), table)


def test_the_workbook_has_a_sheet_per_table_and_no_formula(
    tables: dict[str, pd.DataFrame], tmp_path: Path
) -> None:
    tables["findings"].loc[0, "observed"] = '=HYPERLINK("http://example.com")'
    write_tables(tables, Format.XLSX, tmp_path)
    book = openpyxl.load_workbook(tmp_path / "tables.xlsx")
    assert book.sheetnames == list(tables)
    cells = [cell for row in book["findings"].iter_rows() for cell in row]
    assert {cell.data_type for cell in cells} <= {"s", "n"}
    assert book["exchanges"].max_row == 1 + len(tables["exchanges"])


def test_a_table_that_excel_cannot_hold_is_left_out_with_the_remedy(
    tables: dict[str, pd.DataFrame], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert EXCEL_MOST_ROWS == 2**20 - 1
    monkeypatch.setattr(export, "EXCEL_MOST_ROWS", 5)
    exported = {each.table: each for each in write_tables(tables, Format.XLSX, tmp_path)}
    assert "export it as parquet or csv" in exported["exchanges"].left_out
    assert exported["iterations"].left_out == ""


def test_the_runs_are_one_row_each_as_otava_reads_them(tmp_path: Path) -> None:
    write_tables({"runs": runs_table(nights(0.2, 0.3))}, Format.CSV, tmp_path)
    with (tmp_path / "runs.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [float(row["iteration_p95_s"]) for row in rows] == [0.2, 0.3]
    assert rows[0]["time"] == "2026-10-02T03:00:00+00:00"


def test_json_lines_are_one_object_each_without_a_nan(
    tables: dict[str, pd.DataFrame], tmp_path: Path
) -> None:
    write_tables(tables, Format.JSONL, tmp_path)
    lines = (tmp_path / "exchanges.jsonl").read_text().splitlines()
    rows = [json.loads(line, parse_constant=pytest.fail) for line in lines]
    assert rows[-1]["status"] is None
    assert rows[0]["due_at"].endswith("Z")


def test_nothing_half_written_stays_where_a_table_cannot_be_written(
    tables: dict[str, pd.DataFrame], tmp_path: Path
) -> None:
    (tmp_path / "out").write_text("a file stands where the folder should be")
    with pytest.raises(OSError, match="exists"):
        write_tables(tables, Format.CSV, tmp_path / "out")
