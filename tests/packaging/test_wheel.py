"""What the wheel has: the folders of this project in one package, and nothing else."""

import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

from tests.packaging.installation import Installation, called
from tests.paths import ROOT

PACKAGES = (
    "config", "scenarios", "witnesses", "checks", "reports", "commands", "reference_services",
)  # fmt: skip
NEEDED = (".py", ".yaml", ".j2", ".css")
MAX_BYTES = 1024 * 1024


def _files_of_packages() -> Iterator[str]:
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*"):
            if path.is_file() and path.suffix in NEEDED:
                yield f"trial_balance/{path.relative_to(ROOT)}"


def test_the_wheel_has_every_file_of_the_packages_and_no_other() -> None:
    own = {f"trial_balance/{name}" for name in ("__init__.py", "__main__.py", "run.py")}
    found = {each.distribution_path for each in WheelBuilder(str(ROOT)).recurse_included_files()}
    forced = WheelBuilder(str(ROOT)).config.force_include
    assert found | set(forced.values()) == {*_files_of_packages(), *own}


@pytest.mark.long
def test_one_name_stands_in_site_packages(installation: Installation) -> None:
    names = {path.name for path in installation.packages.iterdir()} - {"others.pth"}
    assert {name for name in names if not name.endswith(".dist-info")} == {"trial_balance"}
    assert installation.wheel.stat().st_size <= MAX_BYTES


@pytest.mark.long
def test_the_source_distribution_builds_the_same_wheel(
    installation: Installation, tmp_path: Path
) -> None:
    """`python -m build` makes the wheel from it; here is the wheel of the checkout itself."""
    direct = Path(next(WheelBuilder(str(ROOT)).build(directory=str(tmp_path))))
    assert direct.name == installation.wheel.name
    assert direct.read_bytes() == installation.wheel.read_bytes()


@pytest.mark.long
def test_the_versions_of_wheel_and_program_are_the_same(
    installation: Installation, tmp_path: Path
) -> None:
    with zipfile.ZipFile(installation.wheel) as wheel:
        (name,) = (each for each in wheel.namelist() if each.endswith("METADATA"))
        metadata = wheel.read(name).decode()
    printed = installation.run(tmp_path, "--version").stdout
    assert f"\nVersion: {printed.split()[1]}\n" in metadata
    assert printed == called([ROOT / ".venv/bin/python", ROOT / "run.py", "--version"], ROOT).stdout
