"""The program as pip installs it: the wheel of this checkout, in a virtual environment of its own.

The packages that it depends on are those of the tests' own environment.
"""

import os
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.paths import ROOT
from tests.patience import HANGS_S

DISTRIBUTIONS = ["-m", "build", "--no-isolation", "--outdir"]


@dataclass(frozen=True)
class Installation:
    """A virtual environment with the program, and the distributions that were built."""

    venv: Path
    distributions: Path

    @property
    def command(self) -> Path:
        """The command that pip made."""
        return self.venv / "bin" / "trial-balance"

    @property
    def packages(self) -> Path:
        """The folder that pip installed into."""
        return next((self.venv / "lib").glob("python*")) / "site-packages"

    @property
    def wheel(self) -> Path:
        """The wheel."""
        return next(self.distributions.glob("*.whl"))

    def run(
        self, folder: Path, *arguments: str, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run the command in a folder, found on the PATH."""
        path = f"{self.command.parent}{os.pathsep}{os.environ['PATH']}"
        return called(["trial-balance", *arguments], folder, PATH=path, **variables)


def called(
    words: Sequence[str | Path], folder: Path, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder to its end, without what pytest sets for Python."""
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        words, cwd=folder, env={**environ, **variables}, capture_output=True, text=True,
        check=False, timeout=HANGS_S,
    )  # fmt: skip


def build_distributions(folder: Path) -> None:
    """Build the source distribution, and from it the wheel."""
    built = called([sys.executable, *DISTRIBUTIONS, folder], ROOT)
    assert built.returncode == 0, built.stdout + built.stderr


def install_program(folder: Path) -> Installation:
    """Build the wheel and install it, without anything from an index."""
    installation = Installation(folder / "venv", folder / "dist")
    build_distributions(installation.distributions)
    made = called([sys.executable, "-m", "venv", "--without-pip", installation.venv], folder)
    assert made.returncode == 0, made.stderr
    others = installation.packages / "others.pth"
    others.write_text(f"{sysconfig.get_path('purelib')}\n{sysconfig.get_path('platlib')}\n")
    python = installation.venv / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-index"]
    installed = called([*pip, "--no-deps", "--quiet", installation.wheel], folder)
    assert installed.returncode == 0, installed.stderr
    return installation
