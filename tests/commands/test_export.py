"""Tests of the command `export`."""

import json
import sys
from pathlib import Path

import pandas as pd
import pytest

from checks.history.store import history_path, write_entry
from checks.result_document import render_result
from commands.export import export, format_of
from config.errors import ConfigError
from reports.export import Format
from scenarios.evidence.run_folder import RunFolder
from tests.checks.history.entries import entry
from tests.evidence_factory import Load, write_run
from tests.reports.results import good_result


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    folder = write_run(tmp_path, Load())
    folder.result.write_text(render_result(good_result()))
    return folder


def test_all_tables_are_written_into_the_run(
    folder: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export(str(folder.path), tmp_path, Format.PARQUET, (), None, as_json=False)
    assert len(pd.read_parquet(folder.path / "export" / "exchanges.parquet")) == 8
    assert capsys.readouterr().out.startswith("exchanges    8 rows  ")


def test_only_the_wanted_tables_are_written_where_they_should_be(
    folder: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export(str(folder.path), tmp_path, Format.CSV, ["findings"], tmp_path / "o", as_json=True)
    (written,) = json.loads(capsys.readouterr().out)
    assert Path(written["path"]) == tmp_path / "o" / "findings.csv"
    assert [path.name for path in (tmp_path / "o").iterdir()] == ["findings.csv"]


def test_apache_otava_gets_only_runs_that_can_be_compared(
    folder: RunFolder, tmp_path: Path
) -> None:
    others = entry(2, scenario="another"), entry(3, environment="staging"), entry(4, fault="x")
    for each in (entry(5), entry(1), *others, entry(6, profile="soak")):
        write_entry(history_path(folder), each)
    export(str(folder.path), tmp_path, Format.OTAVA, (), None, as_json=False)
    runs = pd.read_csv(folder.path / "export" / "runs-use.csv")
    assert list(runs["run_id"]) == [entry(1).run_id, entry(5).run_id]


def test_an_unknown_table_names_the_known_ones(folder: RunFolder, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="'exchange'; there are exchanges, amounts, streams, it"):
        export(str(folder.path), tmp_path, Format.CSV, ["exchange"], None, as_json=False)


def test_without_its_packages_nothing_is_written(
    folder: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ConfigError, match=r"^pyarrow is not installed; run make setup$"):
        export(str(folder.path), tmp_path, Format.CSV, (), None, as_json=False)
    assert not (folder.path / "export").exists()


def test_an_unknown_format_names_the_known_ones() -> None:
    with pytest.raises(
        ConfigError, match="there is no format 'pdf'; write csv, jsonl, parquet, xlsx or otava"
    ):
        format_of("pdf")


def test_a_run_without_a_result_names_the_remedy(tmp_path: Path) -> None:
    folder = write_run(tmp_path, Load())
    with pytest.raises(ConfigError, match=r"no readable result; run: .*run\.py check"):
        export(str(folder.path), tmp_path, Format.CSV, (), None, as_json=False)


def test_a_folder_that_cannot_be_written_is_one_sentence(folder: RunFolder, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be written here: File exists"):
        export(str(folder.path), tmp_path, Format.CSV, (), tmp_path / "file", as_json=False)
