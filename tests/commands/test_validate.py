import json
from pathlib import Path
from typing import Any

import pytest

from commands.validate import validate
from config.errors import ConfigError
from tests.paths import ROOT
from tests.scenarios.shop_scenario import GOOD, written


def test_every_scenario_of_the_project_is_valid(capsys: pytest.CaptureFixture[str]) -> None:
    validate("", "local", as_json=True)
    valid = json.loads(capsys.readouterr().out)["valid"]
    scenarios = {path.name for path in (ROOT / "scenarios").glob("*.yaml")}
    assert {Path(each).name for each in valid} == scenarios | {"local.yaml"}


def _project(folder: Path, *environments: str) -> None:
    (folder / "trial-balance.yaml").write_text("environment: here\nscenario: s\n")
    (folder / "environments").mkdir()
    (folder / "scenarios").mkdir()
    for name in environments:
        text = _ENVIRONMENT.replace("here", name).replace("false", "true")
        (folder / "environments" / f"{name}.yaml").write_text(text)


def test_every_scenario_and_environment_of_a_project_file_is_validated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _project(tmp_path, "here", "there")
    written(tmp_path / "scenarios", GOOD)
    monkeypatch.chdir(tmp_path)
    validate("", "here", as_json=True, allow_unset=True)
    assert json.loads(capsys.readouterr().out)["valid"] == [
        "scenarios/s.yaml", "environments/there.yaml", "environments/here.yaml",
    ]  # fmt: skip
    (tmp_path / "environments" / "there.yaml").write_text("environment: there\nservces: {}\n")
    with pytest.raises(ConfigError, match=r"^environments/there.yaml:2: unknown key 'servces'"):
        validate("", "here", as_json=True, allow_unset=True)


def test_a_project_without_a_scenario_is_not_valid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _project(tmp_path, "here")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"^scenarios: there is no scenario in this folder"):
        validate("", "here", as_json=True)


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


_ENVIRONMENT = """\
environment: here
services: {shop: {url: "${NOBODY_SETS_THIS}/base"}}
prometheus: {url: "http://prometheus.example"}
load: {allowed: false}
"""


def _files(folder: Path, profiles: str = "{users: 1, iterations: 1}") -> tuple[str, str]:
    environment = folder / "here.yaml"
    environment.write_text(_ENVIRONMENT)
    text = GOOD.replace("once: {users: 1, iterations: 1}", f"once: {profiles}")
    return str(written(folder, text)), str(environment)


def _problems(folder: Path, scenario: str, environment: str, **options: Any) -> list[str]:
    with pytest.raises(ConfigError) as error:
        validate(scenario, environment, as_json=False, **options)
    return str(error.value).replace(f"{folder}/", "").splitlines()


def test_a_variable_without_a_value_is_a_mistake_unless_it_is_allowed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = _files(tmp_path)
    assert _problems(tmp_path, *files) == [
        "here.yaml:2: the environment variable NOBODY_SETS_THIS is not set; export it first"
    ]
    validate(*files, as_json=False, allow_unset=True)
    assert capsys.readouterr().out.count("valid: ") == 2


def test_every_profile_is_compared_with_the_limits_unless_some_are_named(tmp_path: Path) -> None:
    files = _files(tmp_path, "{users: 1, iterations: 1}\n  many: {users: 5, duration: 1m}")
    assert _problems(tmp_path, *files, allow_unset=True) == [
        "here.yaml:4: the profile 'many' is a load, and here allows none; e2e is one iteration"
    ]
    validate(*files, as_json=False, profiles=["once"], allow_unset=True)


def test_a_profile_that_the_scenario_lacks_is_reported(tmp_path: Path) -> None:
    assert _problems(tmp_path, *_files(tmp_path), profiles=["e2e", "onc"], allow_unset=True) == [
        "s.yaml:20: no profile is named 'e2e'; known here: once",
        "s.yaml:20: no profile is named 'onc'; did you mean once?",
    ]


def test_mistakes_of_scenario_and_environment_are_reported_at_once(tmp_path: Path) -> None:
    scenario, environment = _files(tmp_path)
    Path(scenario).write_text(
        GOOD.replace("GET shop", "GET shoop").replace("order: id", "order: x(")
    )
    Path(environment).write_text(_ENVIRONMENT.replace("allowed: false", "alowed: false"))
    problems = _problems(tmp_path, scenario, environment, allow_unset=True)
    assert [each.partition(": ")[0] for each in problems] == [
        "s.yaml:13",
        "here.yaml:4",
    ]
    assert problems[1].endswith("unknown key 'alowed'; did you mean allowed?")


def test_the_mistake_of_an_environment_is_reported_once_for_all_scenarios(tmp_path: Path) -> None:
    environment = tmp_path / "here.yaml"
    environment.write_text("environment: here\nservices: {shop: {url: nowhere}}\n")
    assert len(_problems(tmp_path, "", str(environment))) == 1
