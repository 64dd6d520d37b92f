import csv
import json
from dataclasses import replace
from pathlib import Path

from checks.case import read_case
from reports.export import Format, write_tables
from reports.frames import Frames
from reports.otava import otava_tables
from reports.time_series import time_series
from tests.checks.history.entries import entry, nights, step_entry
from tests.evidence_factory import GOOD, NOT_SENT, Load, write_run
from tests.reports.results import good_result


def test_the_configuration_names_each_file_with_its_columns(tmp_path: Path) -> None:
    frames = Frames(read_case(write_run(tmp_path, Load())), good_result())
    tables = otava_tables(time_series(frames.exchanges), nights(0.2, 0.3))
    write_tables(tables, Format.OTAVA, tmp_path / "out")
    tests = json.loads((tmp_path / "out" / "otava.yaml").read_text())["tests"]
    assert set(tests) == {"time_series-open", "time_series-use", "runs-open", "runs-use",
                          "runs-iteration"}  # fmt: skip
    for test in tests.values():
        with Path(test["file"]).open() as file:
            rows = list(csv.DictReader(file))
        columns = [each["column"] for each in test["metrics"].values()]
        assert columns == ["p50_s", "p95_s", "p99_s"]
        assert rows
        assert {test["time_column"], *test["attributes"], *columns} == set(rows[0])
        assert all(float(row[column]) > 0 for row in rows for column in columns)


def test_the_runs_of_a_step_are_those_that_timed_it_oldest_first(tmp_path: Path) -> None:
    frames = Frames(read_case(write_run(tmp_path, Load())), good_result())
    runs = (
        entry(3, latency={"use": step_entry(0.4), "new": step_entry(0.9)}),
        replace(entry(1), latency={"use": step_entry(0.2)}),
        entry(2, latency={}),
    )
    tables = otava_tables(time_series(frames.exchanges), runs)
    assert list(tables["runs-use"]["p95_s"]) == [0.2, 0.4]
    assert list(tables["runs-use"]["run_id"]) == [runs[1].run_id, runs[0].run_id]
    assert list(tables["runs-new"]["p95_s"]) == [0.9]


def test_an_interval_in_which_nothing_was_served_has_no_row(tmp_path: Path) -> None:
    frames = Frames(read_case(write_run(tmp_path, Load((GOOD, NOT_SENT)))), good_result())
    tables = otava_tables(time_series(frames.exchanges), ())
    assert not any(table.isna().to_numpy().any() for table in tables.values())
