"""Wrong scenario files, and the problems that reading them reports."""

import re
from pathlib import Path

import pytest

from config.errors import ConfigError
from scenarios.language.reader import read_scenario
from tests.scenarios.shop_scenario import changed


def problems_in(path: Path) -> list[str]:
    """Return the problems of a scenario file, one line each, with the name of the file only."""
    with pytest.raises(ConfigError) as error:
        read_scenario(path)
    return str(error.value).replace(f"{path.parent}/", "").splitlines()


def with_profile(folder: Path, profile: str) -> Path:
    """Write the good scenario with another profile, one key per line, from line 22 on."""
    keys = re.split(r", (?=\w+: )(?![^{]*\})", profile)
    lines = "".join(f"\n    {key}" for key in keys)
    return changed(folder, "  once: {users: 1, iterations: 1}", f"  once:{lines}")
