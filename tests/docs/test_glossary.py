import ast
import re

import pytest

from checks.balance.diagnosis import CODE_OF_REASON
from checks.result import Code
from tests.docs.documents import table_rows, text_of
from tests.paths import ROOT
from witnesses.figure import Direction, Reason

GLOSSARY = "docs/glossary.md"
TERMS = ("Scenario and environment", "Load", "Evidence", "Balance", "Result")


def test_every_code_of_the_balance_has_a_row() -> None:
    codes = [row[0].strip("`") for row in table_rows(GLOSSARY, "Codes of the balance")]
    assert sorted(codes) == sorted(Code)


def test_every_reason_has_a_row_in_the_order_of_weight_with_its_code() -> None:
    rows = table_rows(GLOSSARY, "Reasons")
    assert [row[0].strip("`") for row in rows] == [reason.value for reason in Reason]
    for reason, _, code in rows:
        assert code.strip("`") == CODE_OF_REASON[Reason(reason.strip("`"))], reason


def test_every_reason_is_explained_in_one_sentence() -> None:
    for reason, sentence, _ in table_rows(GLOSSARY, "Reasons"):
        assert re.fullmatch(r"[A-Z].*[a-z]\.", sentence), reason


def test_every_direction_has_a_row() -> None:
    rows = table_rows(GLOSSARY, "Directions of a figure")
    assert [row[0] for row in rows] == [direction.value for direction in Direction]


@pytest.mark.parametrize("term", ["reading", "collector", "reason", "direction", "gate", "code"])
def test_a_central_term_is_defined(term: str) -> None:
    assert term in [row[0] for heading in TERMS for row in table_rows(GLOSSARY, heading)]


def test_no_term_is_defined_twice() -> None:
    terms = [
        term
        for heading in TERMS
        for row in table_rows(GLOSSARY, heading)
        for term in row[0].split(", ")
    ]
    assert sorted(terms) == sorted(set(terms))


def _constant_beginnings() -> set[str]:
    """Return the constant first parts of all ids that the code gives to findings."""
    beginnings = set()
    for path in [*(ROOT / "checks").rglob("*.py"), ROOT / "commands" / "doctor.py"]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            is_id = isinstance(node, ast.Call) and getattr(node.func, "id", "") == "finding_id"
            if isinstance(node, ast.Call) and is_id:
                parts = [arg.value for arg in node.args if isinstance(arg, ast.Constant)]
                beginnings.add("/".join(map(str, parts)))
    return beginnings - {"crashed"}


def test_every_finding_id_that_the_code_makes_is_explained() -> None:
    explained = text_of(GLOSSARY).partition("## Finding ids")[2]
    beginnings = _constant_beginnings()
    assert {"usage", "clock/prometheus", "precondition/scraped"} <= beginnings
    missing = [each for each in beginnings if not re.search(rf"`{each}[/`]", explained)]
    assert missing == []
