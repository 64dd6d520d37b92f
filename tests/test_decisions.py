"""No decision of the harness rests on a sentence: neither on its words nor on its beginning."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.paths import ROOT

FOLDERS = ("witnesses", "checks", "reports", "commands")
# What holds a text for people, wherever it stands.
TEXTS = {
    "detail", "title", "expected", "observed", "sentence", "sentences", "remark", "words", "note",
    "notes", "message", "text", "explanation", "stopped", "reason_words", "subject",
}  # fmt: skip
LOOKS_INTO = {"startswith", "endswith", "find", "index", "count", "search", "match", "fullmatch"}

# Each with why it decides nothing of a verdict, a code or a key.
ALLOWED = {
    "checks/audit.py": "the audit reads the explanation of a black box, as a user would",
    "reports/formatting.py": "formats texts",
    "reports/terminal_output.py": "formats texts",
    "reports/markdown.py": "formats texts",
    "reports/charts.py": "formats texts",
    "reports/progress.py": "formats texts",
}


def _name(node: ast.AST) -> str:
    """Return the name by which a value is known, "" of anything computed."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _is_text(node: ast.AST) -> bool:
    return _name(node) in TEXTS


def _is_sentence(node: ast.AST) -> bool:
    """Return whether a node is a constant text of more than one word."""
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value


def decisions_on_texts(source: str) -> Iterator[int]:
    """Yield the line of each comparison with a text, and of each search in one."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            compares = any(
                isinstance(op, ast.Eq | ast.NotEq | ast.In | ast.NotIn) for op in node.ops
            )
            empties = any(isinstance(side, ast.Constant) and side.value == "" for side in sides)
            if (
                compares
                and not empties
                and any(_is_text(side) or _is_sentence(side) for side in sides)
            ):
                yield node.lineno
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            searched = [node.func.value, *node.args]
            if node.func.attr in LOOKS_INTO and any(_is_text(each) for each in searched):
                yield node.lineno


@pytest.mark.parametrize(
    "source",
    [
        'if "restarted" in figure.detail: pass',
        'ok = row.detail == "a restart"',
        "ok = finding.title != name",
        "ok = end.stopped.startswith(PREFIX)",
        'ok = re.search("scraped", figure.detail)',
        'ok = observed == "not checked"',
        'ok = other == "two words"',
    ],
)
def test_a_decision_on_a_text_is_found(source: str) -> None:
    assert list(decisions_on_texts(source)) == [1]


@pytest.mark.parametrize(
    "source",
    [
        "ok = figure.reason is Reason.COUNTER_FELL",
        'ok = finding.id == "usage/cards"',
        'ok = finding.detail != ""',
        "ok = row.code in CODES",
    ],
)
def test_a_decision_on_data_is_none(source: str) -> None:
    assert list(decisions_on_texts(source)) == []


def _sources() -> list[Path]:
    return sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))


@pytest.mark.parametrize("path", _sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_decision_rests_on_a_sentence(path: Path) -> None:
    if str(path.relative_to(ROOT)) in ALLOWED:
        return
    assert list(decisions_on_texts(path.read_text(encoding="utf-8"))) == []
