"""What the harness alone installs: how many packages, and how large they are.

The packages are those of the tests' environment; the requirements are those of pyproject.toml.
"""

import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement

from tests.paths import ROOT

MAX_PACKAGES = 66  # the harness itself is one of them
MAX_BYTES = 200_000_000
EXTRAS = ("pandas", "scipy", "pyarrow", "vl-convert-python", "fastapi", "psycopg", "pymysql")


def _name(text: str) -> str:
    return re.sub(r"[-_.]+", "-", text).lower()


def _required(requirements: list[str], extras: set[str]) -> Iterator[tuple[str, set[str]]]:
    for requirement in map(Requirement, requirements):
        markers = [{"extra": extra} for extra in extras or {""}]
        if requirement.marker is None or any(map(requirement.marker.evaluate, markers)):
            yield _name(requirement.name), requirement.extras


def _installed_with_harness() -> dict[str, Distribution]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    waiting = list(_required(project["dependencies"], set()))
    found: dict[str, Distribution] = {}
    seen: set[str] = set()
    while waiting:
        name, extras = waiting.pop()
        if (key := f"{name}{sorted(extras)}") not in seen:
            seen.add(key)
            found[name] = distribution(name)
            waiting += _required(found[name].requires or [], extras)
    return found


def _size(package: Distribution) -> int:
    paths = (Path(str(each.locate())) for each in package.files or [])
    return sum(path.stat().st_size for path in paths if path.is_file())


def test_the_harness_alone_is_few_packages_and_small() -> None:
    packages = _installed_with_harness()
    assert packages.keys().isdisjoint(EXTRAS)
    assert len(packages) + 1 <= MAX_PACKAGES, sorted(packages)
    assert sum(map(_size, packages.values())) <= MAX_BYTES
