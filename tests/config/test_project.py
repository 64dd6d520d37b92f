"""The project file: found upwards, and read with every mistake."""

import os
from pathlib import Path

import pytest

from config.environment import find_environment
from config.errors import ConfigError
from config.project import ENVIRONMENTS, FILE_NAME, SCENARIOS, Project, find_project
from scenarios.language.reader import find_scenario


def project_in(folder: Path, text: str) -> Path:
    for name in ("flows", "places", "places/inner"):
        (folder / name).mkdir()
    (folder / FILE_NAME).write_text(text)
    return folder


WHOLE = """\
scenarios: flows
environments: places
runs: ../runs
scenario: uses
environment: staging
"""


@pytest.mark.parametrize("below", ["", "flows", "places/inner"])
def test_a_project_is_found_in_a_folder_above_with_paths_from_here(
    tmp_path: Path, below: str
) -> None:
    folder = project_in(tmp_path, WHOLE) / below
    assert find_project(folder) == Project(
        Path(os.path.relpath(tmp_path / FILE_NAME, folder)),
        Path(os.path.relpath(tmp_path / "flows", folder)),
        Path(os.path.relpath(tmp_path / "places", folder)),
        Path(os.path.relpath(tmp_path.parent / "runs", folder)),
        "uses",
        "staging",
    )


def test_the_nearest_project_file_counts(tmp_path: Path) -> None:
    folder = project_in(tmp_path, WHOLE)
    (folder / "places" / FILE_NAME).write_text("scenario: other\n")
    found = find_project(folder / "places" / "inner")
    assert (found.scenario, found.environment, found.runs) == ("other", None, Path("../runs"))


def test_a_checkout_without_a_file_has_the_reference_services(tmp_path: Path) -> None:
    found = find_project(tmp_path, is_installed=False)
    assert (found.scenarios, found.environments) == (SCENARIOS, ENVIRONMENTS)
    assert (found.default_scenario(), found.default_environment()) == ("usage_tracking", "local")
    assert found.watched_environment() == "staging"


def test_the_installed_program_without_a_file_has_no_defaults(tmp_path: Path) -> None:
    found = find_project(tmp_path, is_installed=True)
    with pytest.raises(ConfigError, match=r"^no environment is named: add --env, or write environ"):
        found.default_environment()
    with pytest.raises(ConfigError, match=r"a file trial-balance.yaml, which is neither here nor"):
        found.default_scenario()


def test_a_project_that_names_no_default_is_named_in_the_error(tmp_path: Path) -> None:
    found = find_project(project_in(tmp_path, "scenario: uses\n"))
    assert found.default_scenario() == "uses"
    with pytest.raises(ConfigError, match=r"write environment: … to trial-balance.yaml$"):
        found.watched_environment()


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("scenarois: flows\n", [":1: unknown key 'scenarois'; did you mean scenarios?"]),
        ("retention: 30d\n", [":1: unknown key 'retention'; write keep: {days: 30, at_least: 10}"]),
        ("keep: {days: 0}\n", [":1: keep.days: must be greater than or equal to 1"]),
        ("keep: {age: 3}\n", [":1: unknown key 'age'; write days: 30, a whole number"]),
        (
            "services: {}\n",
            [":1: unknown key 'services'; it is a key of an environment file, which --env names"],
        ),
        ("runs: 3\n", [":1: runs: must be a text; quote it"]),
        (
            "scenario: uses\nscenarios: flwos\nenvironments: place\n",
            [
                ":2: there is no folder flwos; make it, or correct the name",
                ":3: there is no folder place; make it, or correct the name",
            ],
        ),
    ],
)
def test_every_mistake_of_a_project_file_is_reported_with_its_line(
    tmp_path: Path, text: str, problems: list[str]
) -> None:
    with pytest.raises(ConfigError) as refused:
        find_project(project_in(tmp_path, text))
    found = [str(each).removeprefix(str(tmp_path / FILE_NAME)) for each in refused.value.problems]
    assert found == problems


def test_names_are_those_of_the_project_and_then_those_of_the_reference_services(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = project_in(tmp_path, WHOLE)
    for name in ("flows/token-billing.yaml", "places/staging.yaml"):
        (folder / name).touch()
    monkeypatch.chdir(folder / "flows")
    assert find_scenario("token-billing") == Path("token-billing.yaml")
    assert find_environment("staging") == Path("../places/staging.yaml")
    assert find_environment("local") == ENVIRONMENTS / "local.yaml"
    with pytest.raises(ConfigError, match="known: token-billing, or the path of a YAML file"):
        find_scenario("billing")
