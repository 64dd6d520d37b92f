"""The examples of docs/usage-apis.md: what an environment and a quantity say for each API."""

import re
from typing import Any

import yaml

from tests.paths import ROOT

DOCUMENT = ROOT / "docs" / "usage-apis.md"
_SECTION = re.compile(r"^## (\w+)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_BLOCK = re.compile(r"```yaml\n(.*?)```", re.DOTALL)


def documented(name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the settings of an API, and those of the quantity that it counts."""
    sections = {title.lower(): text for title, text in _SECTION.findall(DOCUMENT.read_text())}
    environment, quantity = map(yaml.safe_load, _BLOCK.findall(sections[name]))
    return environment["apis"][name], quantity["calls"]
