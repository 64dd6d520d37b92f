"""Podman for the tests of a deployment, and the base image built without a registry."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.paths import ROOT
from tests.patience import HANGS_S

PODMAN = ("podman", "--runtime", "runc")
LIMITS = ("--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024")
# A build uses the package index configuration of this machine.
_SHARED = ("/etc/pip.conf", "/etc/ssl/certs/ca-certificates.crt")
_NO_TIMERS = {"DISABLE_HC_SYSTEMD": "true"}  # podman's health checks want systemd


def base_image() -> str:
    """Return the base image that the Containerfile names."""
    text = (ROOT / "deploy" / "Containerfile").read_text()
    found = re.search(r"^ARG BASE=(\S+)$", text, re.MULTILINE)
    assert found
    return found[1]


def variables() -> dict[str, str]:
    """Return the variables with which the scripts use Podman on a restricted machine."""
    volumes = [f"--volume {path}:{path}:ro" for path in _SHARED if Path(path).exists()]
    return {
        **os.environ,
        **_NO_TIMERS,
        "CONTAINER_ENGINE": " ".join(PODMAN),
        "CONTAINER_BUILD_ARGS": " ".join(["--isolation=chroot --network=host", *volumes]),
        "CONTAINER_RUN_ARGS": " ".join(LIMITS),
    }


def podman(*arguments: str, check: bool = True) -> str:
    """Run Podman; return what it says."""
    done = subprocess.run(
        [*PODMAN, *arguments], capture_output=True, text=True, check=False, timeout=HANGS_S,
        env={**os.environ, **_NO_TIMERS},
    )  # fmt: skip
    assert done.returncode == 0 or not check, done.stderr
    return done.stdout


def need_engine() -> None:
    """Skip the test where no container can run; in CI it has to."""
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin"
    programs = ("podman", "runc", "debootstrap")
    missing = [name for name in programs if not shutil.which(name, path=path)]
    reason = f"there is no {', '.join(missing)} here" if missing else ""
    if not missing and os.geteuid() != 0:
        reason = "debootstrap and Podman want root here"
    if reason:
        if os.environ.get("CI"):
            pytest.fail(f"{reason}, and CI has to have one: see .ci/run")
        pytest.skip(reason)


def make_base(folder: Path) -> None:
    """Make the base with debootstrap under its own name, unless it is there."""
    name = base_image()
    if name.rpartition("/")[2] in podman("images", "--format", "{{.Repository}}:{{.Tag}}"):
        return
    kept = ROOT / ".cache" / f"{name.replace(':', '-')}.tar"
    if not kept.exists():
        root = folder / "base"
        debootstrap = shutil.which("debootstrap") or "/usr/sbin/debootstrap"
        subprocess.run(
            [debootstrap, "--variant=minbase", "--include=ca-certificates",
             name.partition(":")[2].partition("-")[0], str(root)],
            check=True, capture_output=True, timeout=HANGS_S,
        )  # fmt: skip
        kept.parent.mkdir(exist_ok=True)
        unfinished = kept.with_suffix(".unfinished")
        subprocess.run(["tar", "-C", root, "-cf", unfinished, "."], check=True)
        unfinished.replace(kept)
        shutil.rmtree(root)
    podman("import", str(kept), name)
