import json
from fractions import Fraction
from pathlib import Path

import pytest

from scenarios.evidence.run_folder import RunFolder
from tests.evidence_factory import write_rows, write_rows_by_store
from tests.witnesses.counted_quantities import counted
from witnesses.database.trace_reading import TraceReading, read_traces, traces_path
from witnesses.model import Moment


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path)


def _read(folder: RunFolder, *rows: object, errors: object = None) -> TraceReading:
    content = json.dumps({"uses": ""} if errors is None else errors)
    folder.write_witness_file("database/traces.json", content.encode())
    path = traces_path(folder.witnesses / "database", "uses")
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return read_traces(folder, {})


def test_rows_are_a_trace_id_label_values_and_a_count(folder: RunFolder) -> None:
    traces = _read(folder, ["t1", "tea", 2], ["t2", 7, "3"], ["t3", None, 1.0])
    assert traces.knows("uses")
    assert list(traces.rows("uses", 1)) == [
        ("t1", ("tea",), 2),
        ("t2", ("7",), 3),
        ("t3", ("",), 1),
    ]


def test_rows_without_a_trace_id_have_the_empty_one(folder: RunFolder) -> None:
    assert list(_read(folder, [None, "tea", 2]).rows("uses", 1)) == [("", ("tea",), 2)]


@pytest.mark.parametrize("row", [["t1", 2], ["t1", "tea", "gold", 2], []])
def test_a_row_with_other_columns_is_refused(folder: RunFolder, row: list[object]) -> None:
    with pytest.raises(ValueError, match="not a trace id, 1 label values and a count"):
        list(_read(folder, row).rows("uses", 1))


@pytest.mark.parametrize("count", [True, 1.5, -1, "many", None, [1]])
def test_what_is_no_count_of_rows_is_refused(folder: RunFolder, count: object) -> None:
    with pytest.raises(ValueError, match=r"count|convert"):
        list(_read(folder, ["t1", "tea", count]).rows("uses", 1))


def test_rows_that_are_cut_off_are_refused(folder: RunFolder) -> None:
    traces = _read(folder)
    traces_path(traces.folder, "uses").write_bytes(b'["t1", "tea", 1]\n["t2", "te')
    with pytest.raises(ValueError, match="truncated"):
        list(traces.rows("uses", 1))


def test_rows_that_are_missing_cannot_be_read(folder: RunFolder) -> None:
    traces = _read(folder)
    traces_path(traces.folder, "uses").unlink()
    with pytest.raises(OSError, match="No such file"):
        list(traces.rows("uses", 1))


def test_a_quantity_whose_rows_were_not_read_whole_is_not_known(folder: RunFolder) -> None:
    traces = _read(folder, errors={"uses": "its query took longer than 5 s"})
    assert not traces.knows("uses")
    assert not traces.knows("visits")


@pytest.mark.parametrize("content", [None, b"{", b"[]"])
def test_a_run_without_traces_knows_none(folder: RunFolder, content: bytes | None) -> None:
    if content is not None:
        folder.write_witness_file("database/traces.json", content)
    assert not read_traces(folder, {}).knows("uses")


def test_the_counts_without_trace_ids_are_those_of_the_database(folder: RunFolder) -> None:
    write_rows(folder, "before", {"uses": {"rows": [["tea", 3]]}})
    write_rows(folder, "after", {"uses": {"error": "connection refused"}})
    traces = read_traces(folder, {})
    assert traces.counts_at(Moment.BEFORE, "uses", 1) == {("tea",): Fraction(3)}
    assert traces.counts_at(Moment.AFTER, "uses", 1) is None
    assert traces.counts_at(Moment.BEFORE, "visits", 1) is None


def test_the_counts_are_those_of_the_store_that_the_rows_are_of(folder: RunFolder) -> None:
    stores = {"b/totals": {"rows": [["tea", 900]]}, "b/log": {"rows": [["tea", 3]]}}
    write_rows_by_store(folder, "before", {"uses": stores})
    quantity = counted(
        by=["kind"],
        database={"b": {"totals": "SELECT 1", "log": "SELECT 2"}},
        traces={"b": {"log": "SELECT 3"}},
    ).settings
    found = read_traces(folder, {"uses": quantity}).counts_at(Moment.BEFORE, "uses", 1)
    assert found == {("tea",): Fraction(3)}
