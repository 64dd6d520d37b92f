"""A session behind a login form passes in `e2e` and under load, also with workers."""

from collections import Counter
from pathlib import Path

import pytest

from tests.integration.command import Start
from tests.login_shop import REPORT, login_shop


@pytest.mark.long
@pytest.mark.parametrize(
    ("arguments", "logins"),
    [(["e2e"], 2), (["load"], 9), (["load", "--workers", "2"], 9)],
    ids=["e2e", "load", "workers"],
)
def test_a_session_passes_alone_and_under_load(
    start: Start, tmp_path: Path, arguments: list[str], logins: int
) -> None:
    with login_shop() as shop:
        scenario, environment = shop.write_files(tmp_path)
        files = ["--env", str(environment), "--scenario", str(scenario)]
        ended = start(*arguments, *files).wait()
    assert ended.code == 0, ended.stdout + ended.stderr
    assert shop.logins == logins
    assert Counter(content for _, content in shop.files) == {REPORT: logins}
    (tmp_path / "report.bin").unlink()
    assert start("check", str(ended.folder)).wait().code == 0
