"""Which packages of an extra are missing, and what to do."""

import re
import tomllib

import pytest

from config.extras import CHARTS, EXPORT, MYSQL, POSTGRESQL, REFERENCE, SCHEMA, missing_packages
from tests.paths import ROOT

EXTRAS = (CHARTS, EXPORT, SCHEMA, POSTGRESQL, MYSQL, REFERENCE)


@pytest.mark.parametrize("extra", EXTRAS)
def test_an_extra_that_is_named_exists(extra: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    sentence = missing_packages(extra, lambda _: None, is_installed=True)
    named = re.search(r"run pip install 'trial-balance\[(\w+)\]'$", sentence)
    assert named
    assert named[1] in project["optional-dependencies"]


@pytest.mark.parametrize("extra", EXTRAS)
def test_nothing_is_missing_where_the_tests_run(extra: str) -> None:
    assert missing_packages(extra) == ""


def test_only_what_is_missing_is_named() -> None:
    def find(name: str) -> object:
        return None if name in ("pyarrow", "xlsxwriter") else name

    assert missing_packages(EXPORT, find, is_installed=False) == (
        "pyarrow, xlsxwriter are not installed; run make setup"
    )
