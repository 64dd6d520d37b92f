import ast

from tests.docs.documents import code_spans, table_rows
from tests.paths import ROOT

SECURITY = "docs/security.md"


def test_every_module_and_test_of_a_defence_exists() -> None:
    rows = table_rows(SECURITY, "Threats and defences")
    assert len(rows) > 10
    for threat, _, modules, tests in rows:
        named = [
            *(ROOT / "reference_services" / each for each in code_spans(modules)),
            *(ROOT / "tests" / "reference_services" / each for each in code_spans(tests)),
        ]
        assert len(named) > 1, threat
        missing = [
            path for path in named if not (path.is_dir() or path.with_suffix(".py").exists())
        ]
        assert missing == [], threat


def functions_of(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_every_promise_names_tests_that_exist() -> None:
    rows = table_rows(SECURITY, "Promises")
    assert len(rows) > 20
    for promise, tests in rows:
        named = [span.split("::") for span in code_spans(tests)]
        assert named, promise
        missing = [name for path, name in named if name not in functions_of(path)]
        assert missing == [], promise


def test_the_threat_model_says_of_everyone_what_is_promised_and_what_is_not() -> None:
    rows = table_rows(SECURITY, "Threat model")
    assert [row[0].split(":")[0] for row in rows] == [
        "a hostile system under test", "a hostile artifact",
        "a hostile neighbour on the network", "a careless operator",
    ]  # fmt: skip
    assert all(len(row) == 4 and all(row) for row in rows)
