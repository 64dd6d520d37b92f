"""The documents of the repository, and what stands in their backticks."""

import re
from collections.abc import Iterator

from tests.paths import ROOT

_FENCE = re.compile(r"^( *)```.*?^\1```$", re.DOTALL | re.MULTILINE)
_CODE_SPAN = re.compile(r"`([^`]+)`")


def text_of(document: str) -> str:
    """Return the text of a document, by its path."""
    return (ROOT / document).read_text(encoding="utf-8")


def code_spans(text: str) -> Iterator[str]:
    """Yield what stands in single backticks; fenced blocks are left out."""
    for match in _CODE_SPAN.finditer(_FENCE.sub("", text)):
        yield " ".join(match[1].split())


def table_rows(document: str, heading: str) -> list[list[str]]:
    """Return the cells of the table below a heading, without its head."""
    section = re.split(r"^## ", text_of(document), flags=re.MULTILINE)
    of_heading = next(part for part in section if part.startswith(f"{heading}\n"))
    lines = [line for line in of_heading.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]
