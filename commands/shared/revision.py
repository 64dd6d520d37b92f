"""The commit that a run belongs to: of a CI job, or of the folder with the scenario."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

_VARIABLES = ("GITHUB_SHA", "CI_COMMIT_SHA", "GIT_COMMIT", "BUILD_SOURCEVERSION")
_SHORT = 12
_TIMEOUT_S = 5.0


def commit_of(folder: Path, variables: Mapping[str, str] = os.environ) -> str:
    """Return the commit, shortened, or "" where none is known.

    A `+` behind it means that the folder has changes that are not committed.
    """
    named = next((variables[name] for name in _VARIABLES if variables.get(name)), "")
    if named:
        return named[:_SHORT]
    commit = _git(folder, "rev-parse", f"--short={_SHORT}", "HEAD")
    is_changed = commit and _git(folder, "status", "--porcelain", "--untracked-files=no", ".")
    return f"{commit}+" if is_changed else commit


def _git(folder: Path, *arguments: str) -> str:
    """Return what git prints, or "" where there is no git, no repository, or no answer."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True, text=True, timeout=_TIMEOUT_S, check=True, errors="replace",
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
