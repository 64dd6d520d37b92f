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


def test_every_shell_script_is_checked() -> None:
    assert {
        ".ci/run", "deploy/postgres.sh", "scripts/deploy_staging.sh",
        "scripts/forward_signals.bash", "tests/staging/test_staging_e2e.sh",
    } <= set(SCRIPTS)  # fmt: skip


@pytest.mark.parametrize("name", SCRIPTS)
def test_shellcheck_reports_nothing(name: str) -> None:
    if not shutil.which("shellcheck"):
        assert not os.environ.get("CI"), "CI must have shellcheck: see .ci/run"
        pytest.skip("shellcheck is not installed")
    command = ["shellcheck", "--external-sources", name]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert not ended.stdout + ended.stderr
