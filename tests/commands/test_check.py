import json
from pathlib import Path

import pytest
import typer

from checks.result import read_result
from checks.verdict import Verdict
from commands.check import check
from config.errors import ConfigError
from scenarios.evidence.run_folder import RunFolder
from tests.evidence_factory import Load, write_agreeing_witnesses, write_rows, write_run


def _run(place: Path) -> RunFolder:
    folder = write_run(place, Load())
    write_agreeing_witnesses(folder)
    return folder


def test_a_run_is_judged_again_by_its_evidence_and_its_reports_are_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = _run(tmp_path)
    with pytest.raises(typer.Exit) as first:
        check(str(folder.path), tmp_path, as_json=True)
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads(folder.result.read_text())
    names = {"result.json", "report.html", "junit.xml", "summary.md"}
    assert names <= {path.name for path in folder.path.iterdir()}
    write_rows(folder, "after", {"uses": {"rows": [["tea", 3], ["coffee", 8]]}})
    with pytest.raises(typer.Exit) as second:
        check(str(folder.path), tmp_path, as_json=True)
    verdicts = {each.id: each.verdict for each in read_result(folder.result).findings}
    assert verdicts["usage/uses"] is Verdict.FAIL
    assert (first.value.exit_code, second.value.exit_code) == (0, 1)


def test_a_run_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no-such-run"):
        check("no-such-run", tmp_path, as_json=True)
