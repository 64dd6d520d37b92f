import logging
from dataclasses import replace
from pathlib import Path

import pytest

from checks.case import read_case
from config.errors import ConfigError
from config.program import check_command
from scenarios.engine.load_task import LoadTask, read_task
from scenarios.engine.plain_run import open_plain_run
from tests.scenarios.engine.engine_doubles import options_of
from tests.scenarios.engine.locust_child import write_task

OPTIONS = ("-f", "scenarios/locustfile.py", "--scenario", "my shop.yaml")


def task_in(folder: Path, profile: str = "load") -> LoadTask:
    options = options_of(write_task(folder, "load: {users: 3, iterations: 8}"), profile=profile)
    task = read_task(options)
    return replace(task, exchanges=folder / "runs" / task.run_id / "evidence" / "exchanges")


def test_the_folder_is_that_of_any_run(tmp_path: Path) -> None:
    plain = open_plain_run(replace(task_in(tmp_path), users=2, iterations=5), OPTIONS)
    plain.end()
    case = read_case(plain.folder)
    (driven,) = case.driven
    assert (driven.profile.users, driven.profile.iterations) == (2, 5)
    assert case.run.finished_at == driven.phase.finished_at is not None
    assert (
        case.run.repeat == "python -m locust -f scenarios/locustfile.py --scenario 'my shop.yaml'"
    )


def test_a_load_without_a_profile_can_be_read(tmp_path: Path) -> None:
    plain = open_plain_run(task_in(tmp_path, profile=""), OPTIONS)
    (driven,) = read_case(plain.folder).driven
    assert (driven.phase.profile, driven.profile.iterations) == ("until stopped", None)


def test_a_load_that_was_killed_has_no_end(tmp_path: Path) -> None:
    plain = open_plain_run(task_in(tmp_path), OPTIONS)
    assert plain.folder.read_run().early_end is not None


def test_the_end_says_how_to_judge(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        plain = open_plain_run(task_in(tmp_path), OPTIONS)
        plain.end()
    assert f"recording to {plain.folder.path}" in caplog.text
    assert check_command(plain.folder.path) in caplog.text


def test_secrets_of_the_environment_are_not_in_the_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_TOKEN", "t0ken-of-the-shop")
    task = task_in(tmp_path)
    text = task.environment.read_text()
    task.environment.write_text(text + '\nheaders: {Authorization: "Bearer ${SHOP_TOKEN}"}\n')
    plain = open_plain_run(task, OPTIONS)
    kept = [path.read_text() for path in plain.folder.evidence.glob("*.*")]
    assert len(kept) == 3
    assert not any("t0ken-of-the-shop" in each for each in kept)


def test_a_folder_that_cannot_be_made_is_a_mistake_of_the_user(tmp_path: Path) -> None:
    task = task_in(tmp_path)
    (tmp_path / "runs").write_text("a file")
    with pytest.raises(ConfigError, match="cannot create the run folder"):
        open_plain_run(task, OPTIONS)
