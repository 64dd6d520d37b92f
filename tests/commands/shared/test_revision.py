import subprocess
from pathlib import Path

import pytest

from commands.shared.revision import commit_of


def _git(folder: Path, *arguments: str) -> str:
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    done = subprocess.run(
        ["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    _git(tmp_path, "init", "-q")
    (tmp_path / "shop.yaml").write_text("scenario: shop")
    _git(tmp_path, "add", ".")
    _git(tmp_path, "commit", "-qm", "first")
    return tmp_path


def test_the_commit_of_the_scenario_is_known_from_its_repository(repository: Path) -> None:
    commit = commit_of(repository, {})
    assert len(commit) == 12
    assert _git(repository, "rev-parse", "HEAD").startswith(commit)


def test_a_change_that_is_not_committed_is_marked(repository: Path) -> None:
    (repository / "shop.yaml").write_text("scenario: another")
    assert commit_of(repository, {}).endswith("+")


def test_a_ci_job_names_the_commit_itself(repository: Path) -> None:
    assert commit_of(repository, {"CI_COMMIT_SHA": "4c1f9e0" * 6}) == "4c1f9e04c1f9"


def test_a_folder_without_a_repository_has_no_commit(tmp_path: Path) -> None:
    assert commit_of(tmp_path / "none", {}) == ""
