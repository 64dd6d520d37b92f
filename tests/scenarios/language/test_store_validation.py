"""Mistakes in the queries of databases and their stores: each has its line and its remedy."""

from pathlib import Path

import pytest

from scenarios.language.reader import read_scenario
from tests.scenarios.language.wrong_scenarios import problems_in
from tests.scenarios.shop_scenario import changed

COUNTER = "    prometheus: calls_total\n"
LOG, TOTALS = "SELECT count(*) FROM log", "SELECT sum(n) FROM totals"


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ("database: {billing: {log: DELETE FROM log}}",
         "this is not a query; begin it with SELECT or WITH"),
        ("database: {billing: {log: 'SELECT n FROM log WHERE t = :run'}}",
         r"unknown variable :run; only :tenant is known, and \: is a literal colon"),
        ("database: {billing: {}}",
         "quantities.calls.database.billing: must have at least 1 items, and has 0"),
        ("database: {billing: {log: [SELECT 1]}}",
         "quantities.calls.database.billing.log: must be a text, and is a list; "
         "quote it if it begins with { or ["),
        ("database: {billing: {Log-1: SELECT 1}}",
         "quantities.calls.database.billing.Log-1: 'Log-1' is not a name; use lower-case letters, "
         "digits and underscores, as in log_1"),
        ("database: {billing: 5}", "quantities.calls.database.billing: must be a text; quote it"),
        (f"database: {{billing: {{log: {LOG}, totals: {TOTALS}}}}}\n"
         "traces: {billing: SELECT trace FROM log}",
         "billing keeps this in log and totals; name the one with trace ids: "
         "traces: {billing: {log: SELECT …}}"),
        (f"database: {{billing: {{log: {LOG}, totals: {TOTALS}}}}}\n"
         "traces: {billing: {logs: SELECT trace FROM log}}",
         "billing keeps this in log and totals; name the one with trace ids: "
         "traces: {billing: {log: SELECT …}}"),
        (f"database: {{billing: {LOG}}}\ntraces: {{billing: {{log: SELECT trace FROM log}}}}",
         "billing has one query for this; write traces: {billing: SELECT …}, "
         "or name its query log as well"),
        (f"database: {{billing: {{log: {LOG}, totals: {TOTALS}}}}}\n"
         "traces: {billing: {log: SELECT trace FROM log, totals: SELECT trace FROM log}}",
         "the rows of one store have trace ids; write one query"),
    ],
)  # fmt: skip
def test_a_mistake_has_its_line_and_its_remedy(tmp_path: Path, keys: str, problem: str) -> None:
    lines = "".join(f"    {each}\n" for each in keys.splitlines())
    problems = problems_in(changed(tmp_path, COUNTER, COUNTER + lines))
    assert problems == [f"s.yaml:{7 + keys.count(chr(10)) + 1}: {problem}"]


def test_a_semicolon_in_quotes_is_no_second_statement(tmp_path: Path) -> None:
    queries = "database: {b: \"SELECT `a;b`, ';' FROM log -- ;\"}\n"
    assert read_scenario(changed(tmp_path, COUNTER, f"    {queries}")).quantities["calls"].stores
