"""Tests of the command `trends`."""

import json
from pathlib import Path

import pytest

from checks.history.store import FOLDER_NAME, write_entry
from commands.trends import trends
from config.errors import ConfigError
from tests.checks.history.entries import entry, nights


def write_history(runs: Path) -> None:
    for each in nights(*[1.0] * 12):
        write_entry(runs / FOLDER_NAME, each)


def test_the_page_is_written_beside_the_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_history(tmp_path)
    trends(tmp_path, 90, as_json=False)
    assert "12 runs of 1 scenario, no shift" in (tmp_path / "trends.html").read_text()
    assert str(tmp_path / "trends.html") in capsys.readouterr().out


def test_the_document_is_one_json_list(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_history(tmp_path)
    trends(tmp_path, 90, as_json=True)
    (trend,) = json.loads(capsys.readouterr().out)
    assert trend["scenario"] == "shop"


def test_a_folder_without_a_history_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no history here .*--runs"):
        trends(tmp_path, 90, as_json=False)


def test_a_history_of_seeded_faults_alone_is_one_sentence(tmp_path: Path) -> None:
    write_entry(tmp_path / FOLDER_NAME, entry(fault="lost-count"))
    with pytest.raises(ConfigError, match="no run yet"):
        trends(tmp_path, 90, as_json=False)
