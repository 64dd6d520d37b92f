import json
import subprocess
from pathlib import Path

import pytest

from scenarios.language.promql import find_promql_mistakes
from tests.secured_servers import find_program

WRONG = [
    ("sum(errors_total", "the ( is not closed"),
    ("sum errors_total)", "the ) closes nothing"),
    ("sum(a[5m)]", "the ) closes nothing"),
    ('a{b="c"', "the { is not closed"),
    ('a{b="c}', "a string is not closed"),
    ("a{b=c}", "cannot parse the matchers at 'b=c'"),
    ('a{b-c="d"}', "cannot parse the matchers"),
    ('a{1b="c"}', "cannot parse the matchers"),
    ('a{b="c" d="e"}', "cannot parse the matchers"),
    ('sum(a{b=~"("})', "is not a regular expression"),
    ('a{b=~"(?!x).*"} / b', "a lookaround"),
    ("a{b=~`(x)\\1`}", "a backreference"),
    ('a{b=~"x++"}', "a possessive quantifier"),
    (r'a{b=~"\d+"}', "is no escape in a string of PromQL"),
    ('{b=~".*"}', "no matcher that refuses an empty value"),
    ('sum({b="", c!="d"})', "no matcher that refuses an empty value"),
    ("count({})", "no matcher that refuses an empty value"),
]
RIGHT = [
    "vector(1)",
    'sum(a_total) by (b) / on (b) group_left sum(c{d="e"}) by (b)',
    'rate(a{b=~"x|y", c!~"z.*",}[5m]) # a ) in a comment',
    "a{b='c', d=`e}`}",
    'a{b="}{", c="(["}',
    '{__name__=~"a.+"}',
    '{b!=""}',
    "a{}",
    'a {b="c"}',
    'count_values("v", a)',
    'a{b=~"(?i)straße"}',
    r'a{b=~"[[:alpha:]]+\\pL\\d"}',
    "max_over_time(rate(a[5m])[1h:1m]) > bool 0",
    "a{b='it\\'s'}",
    'label_replace(up, "a", "$1", "b", "(.*)")',
]


@pytest.mark.parametrize(("query", "words"), WRONG)
def test_a_mistake_that_shows_without_prometheus_is_reported(query: str, words: str) -> None:
    (mistake,) = find_promql_mistakes(query)
    assert words in mistake


@pytest.mark.parametrize("query", RIGHT)
def test_what_prometheus_accepts_has_no_mistake(query: str) -> None:
    assert list(find_promql_mistakes(query)) == []


def test_every_wrong_matcher_is_reported() -> None:
    assert len(list(find_promql_mistakes('a{b=~"(", c=~"(?=x)"} + {d=~"y|"}'))) == 3


@pytest.mark.parametrize("query", [*RIGHT, *(query for query, _ in WRONG)])
def test_prometheus_judges_the_query_likewise(tmp_path: Path, query: str) -> None:
    path = tmp_path / "rules.yaml"
    rules = [{"record": "r", "expr": query}]
    path.write_text(json.dumps({"groups": [{"name": "queries", "rules": rules}]}))
    checked = subprocess.run(
        [find_program("promtool"), "check", "rules", path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (checked.returncode == 0) is (query in RIGHT), checked.stderr
