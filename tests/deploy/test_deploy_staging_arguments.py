"""Tests of the arguments, variables and dry run of scripts/deploy_staging.sh."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.paths import ROOT

SCRIPT = ROOT / "scripts" / "deploy_staging.sh"


def deploy(*arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SCRIPT, *arguments], env={**os.environ, **changes}, cwd="/",
        capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--imgae", "x"), "unknown argument --imgae"),
        (("--image",), "--image wants a value"),
        (("--port-base", "80"), "from 1024 to 65500"),
        (("--port-base", "eighty"), "from 1024 to 65500"),
    ],
)
def test_an_invalid_argument_is_reported_in_one_sentence_and_nothing_is_done(
    tmp_path: Path, arguments: tuple[str, ...], expected: str
) -> None:
    done = deploy("--state", str(tmp_path / "state"), *arguments)
    assert done.returncode == 2
    assert expected in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"TLS_CERTIFICATE": "/x.pem"}, "go together"),
        ({"CONTAINER_ENGINE": "no-such-engine"}, "there is no no-such-engine"),
    ],
)
def test_an_invalid_variable_is_reported_in_one_sentence(
    changes: dict[str, str], expected: str
) -> None:
    done = deploy("--dry-run", **changes)
    assert done.returncode == 2
    assert expected in done.stderr


def test_a_dry_run_prints_every_command_and_changes_nothing(tmp_path: Path) -> None:
    state = tmp_path / "state"
    done = deploy("--dry-run", "--state", str(state), CONTAINER_ENGINE="true")
    assert done.returncode == 0, done.stderr
    printed = [line for line in done.stdout.splitlines() if line.startswith("would run: ")]
    assert sum(" build " in line for line in printed) == 4
    assert sum(" run --detach " in line for line in printed) == 8
    assert printed[-2].endswith("doctor --env staging")
    assert printed[-1].endswith("e2e --env staging")
    assert not state.exists()


def test_help_names_every_option_and_variable() -> None:
    help_text = deploy("--help").stdout
    text = SCRIPT.read_text()
    read = set(re.findall(r"\$\{([A-Z][A-Z_]+):-", text)) - {"BASH_SOURCE"}
    assert {name for name in read if name not in help_text} == set()
    for option in ("--dry-run", "--image", "--env", "--state", "--port-base"):
        assert option in help_text


def test_only_the_proxy_mounts_the_key_of_tls_and_the_operations_token() -> None:
    """Each is in the folder `proxy`; Prometheus has one of its own, and the others have none."""
    lines = deploy("--dry-run").stdout.splitlines()
    mounts = {
        re.search(r"--name \S+?-(\w+(?:-\d)?) ", line)[1]: re.findall(r"--volume (\S+)", line)  # type: ignore[index]
        for line in lines
        if " run --detach " in line
    }
    holders = [name for name, each in mounts.items() if "rendered/proxy:" in str(each)]
    assert holders == ["proxy"]
    (configuration,) = [each for each in mounts["prometheus"] if each.endswith(":/etc/deploy:ro")]
    assert configuration.endswith("/rendered/prometheus:/etc/deploy:ro")
    script = SCRIPT.read_text()
    for secret in ("nginx.conf", "server.key"):
        assert not re.search(rf"rendered/prometheus/{secret}", script)


def test_no_service_receives_the_password_of_another_role() -> None:
    script = SCRIPT.read_text()
    assert "postgresql://$service:${!password}@" in script
    assert "POSTGRES_PASSWORD" not in script
