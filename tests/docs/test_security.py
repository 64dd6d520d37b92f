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
