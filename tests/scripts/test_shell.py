"""Is every shell script free of what ShellCheck warns of?"""

import os
import shutil
import subprocess

import pytest

from tests.paths import ROOT

SCRIPTS = sorted(
    str(path.relative_to(ROOT))
    for folder in (".ci", "deploy", "scripts", "tests")
    for path in (ROOT / folder).rglob("*")
    if path.suffix in (".sh", ".bash") or path == ROOT / ".ci" / "run"
)


def test_every_script_is_among_them() -> None:
    assert {".ci/run", "deploy/postgres.sh", "scripts/attend.bash", "scripts/deploy_staging.sh",
            "tests/staging/test_staging_e2e.sh"} <= set(SCRIPTS)  # fmt: skip


@pytest.mark.parametrize("name", SCRIPTS)
def test_shellcheck_has_nothing_to_say(name: str) -> None:
    if not shutil.which("shellcheck"):
        assert not os.environ.get("CI"), "CI has to have shellcheck: see .ci/run"
        pytest.skip("there is no shellcheck here")
    command = ["shellcheck", "--external-sources", name]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert not ended.stdout + ended.stderr
