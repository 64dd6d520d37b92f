from pathlib import Path

import pytest

from config.errors import ConfigError
from config.named_files import find_named_file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project's folder, with one known file; the user's files are beside it."""
    (tmp_path / "known").mkdir()
    (tmp_path / "known" / "nightly.yaml").write_text("")
    (tmp_path / "mine.yaml").write_text("")
    (tmp_path / "mine.json").write_text("")
    return tmp_path / "known"


def refusal(folder: Path, name: str) -> str:
    with pytest.raises(ConfigError) as error:
        find_named_file(name, [f"{name}.yaml"], [folder], "scenario")
    return str(error.value).replace(f"{folder.parent}/", "")


def test_a_file_is_found_by_its_path_and_by_its_name(folder: Path) -> None:
    mine = folder.parent / "mine.yaml"
    assert find_named_file(str(mine), [""], [folder], "scenario") == mine
    assert find_named_file("nightly", ["nightly.yaml"], [folder], "x") == folder / "nightly.yaml"


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("known", "this is a folder; name the YAML file of the scenario in it"),
        (".", "this is a folder; name the YAML file of the scenario in it"),
        ("mine.json",
         "this is not the name of a YAML file; rename the scenario so that it ends in .yaml"),
        ("mime", "no such scenario; known: nightly, or the path of a YAML file; "
                 "did you mean mine.yaml?"),
        ("mime.yaml", "no such scenario; known: nightly, or the path of a YAML file; "
                      "did you mean mine.yaml?"),
        ("zzz", "no such scenario; known: nightly, or the path of a YAML file"),
    ],
)  # fmt: skip
def test_what_is_no_file_is_refused_with_what_is_near(
    folder: Path, name: str, problem: str
) -> None:
    assert refusal(folder, str(folder.parent / name)).endswith(problem)


def test_a_misspelt_name_is_refused_with_the_known_one(folder: Path) -> None:
    assert refusal(folder, "nigtly").endswith("a YAML file; did you mean nightly?")


def test_an_empty_name_is_refused(folder: Path) -> None:
    assert "no such scenario; known: nightly" in refusal(folder, "")
