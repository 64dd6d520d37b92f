"""A session behind a login form passes in `e2e` and under load, also with workers."""

from collections import Counter
from pathlib import Path

import pytest

from tests.integration.command import Start
from tests.login_shop import REPORT, SCENARIO, USER_SCENARIO, login_shop

COMMANDS = [
    pytest.param(["e2e"], 1, 2, id="e2e"),
    pytest.param(["load"], 3, 9, id="load"),
    pytest.param(["load", "--workers", "2"], 3, 9, id="workers"),
]


@pytest.mark.long
@pytest.mark.parametrize("scenario", [SCENARIO, USER_SCENARIO], ids=["iteration", "user"])
@pytest.mark.parametrize(("arguments", "users", "iterations"), COMMANDS)
def test_a_session_passes_alone_and_under_load(
    start: Start, tmp_path: Path, arguments: list[str], users: int, iterations: int, scenario: str
) -> None:
    with login_shop() as shop:
        files = shop.write_files(tmp_path, scenario)
        ended = start(*arguments, "--scenario", str(files[0]), "--env", str(files[1])).wait()
    assert ended.code == 0, ended.stdout + ended.stderr
    assert shop.logins == (users if scenario == USER_SCENARIO else iterations)
    assert Counter(content for _, content in shop.files) == {REPORT: iterations}
    (tmp_path / "report.bin").unlink()
    assert start("check", str(ended.folder)).wait().code == 0
