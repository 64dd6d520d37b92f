"""No decision of the harness rests on a sentence: neither on its words nor on its beginning."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.paths import ROOT

# scenarios/language parses what people write, so it has to read texts.
FOLDERS = (
    "scenarios/driver", "scenarios/engine", "scenarios/evidence", "scenarios/http",
    "witnesses", "checks", "reports", "commands",
)  # fmt: skip
# What holds a text for people, wherever it stands.
TEXTS = {
    "detail", "title", "expected", "observed", "sentence", "sentences", "remark", "words", "note",
    "notes", "message", "text", "explanation", "stopped", "reason_words", "subject",
}  # fmt: skip
# Names of texts when something is searched in them; compared whole, they hold members of an enum.
SEARCHED = TEXTS | {"reason", "error", "cause", "stderr", "stdout"}
LOOKS_INTO = {"startswith", "endswith", "find", "index", "count", "search", "match", "fullmatch"}

# Each with why it decides nothing of a verdict, a code or a key.
ALLOWED = {
    "part not in explanation": "the audit reads the explanation of a black box, as a user does",
    "found == expected": "a scenario's expectation is compared with the value of the response",
    "not in notes": "the notes of a recording are lines by kind",
}


def _name(node: ast.AST) -> str:
    """Return the name by which a value is known, "" of anything computed."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _is_text(node: ast.AST) -> bool:
    return _name(node) in TEXTS


def _is_search(node: ast.Compare) -> bool:
    """Return whether a constant text is looked for within a text."""
    return (
        isinstance(node.left, ast.Constant)
        and isinstance(node.left.value, str)
        and isinstance(node.ops[0], ast.In | ast.NotIn)
        and _name(node.comparators[0]) in SEARCHED
    )


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
            texts = any(_is_text(side) or _is_sentence(side) for side in sides)
            if compares and not empties and (texts or _is_search(node)):
                yield node.lineno
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            searched = [node.func.value, *node.args]
            if node.func.attr in LOOKS_INTO and any(_name(each) in SEARCHED for each in searched):
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
        "sign = 0 if text == NO_DATA else 1",
        'ok = "refused" not in reason',
        'ok = error.startswith("the body")',
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
    source = path.read_text(encoding="utf-8")
    lines = source.splitlines()
    found = [lines[number - 1].strip() for number in decisions_on_texts(source)]
    assert [line for line in found if not any(part in line for part in ALLOWED)] == []
