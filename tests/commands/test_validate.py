import json
from pathlib import Path

import pytest

from commands.validate import validate
from config.errors import ConfigError
from tests.paths import ROOT


def test_every_scenario_of_the_project_is_valid(capsys: pytest.CaptureFixture[str]) -> None:
    validate("", "local", as_json=True)
    valid = json.loads(capsys.readouterr().out)["valid"]
    scenarios = {path.name for path in (ROOT / "scenarios").glob("*.yaml")}
    assert {Path(each).name for each in valid} == scenarios | {"local.yaml"}


def test_one_valid_file_is_printed_per_line(capsys: pytest.CaptureFixture[str]) -> None:
    validate("usage_tracking", "local", as_json=False)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert all(line.startswith("valid: ") for line in lines)


def test_all_errors_of_a_scenario_are_reported_and_nothing_is_valid(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text("scenario: wrong\nflow: 5\nprofiles: 6\n")
    with pytest.raises(ConfigError) as error:
        validate(str(path), "local", as_json=True)
    assert {problem.line for problem in error.value.problems} >= {2, 3}
    assert capsys.readouterr().out == ""
