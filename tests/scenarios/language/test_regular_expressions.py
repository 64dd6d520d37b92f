import json
import subprocess
from pathlib import Path

import pytest

from scenarios.language.regular_expressions import compile_pattern
from tests.secured_servers import find_program

# What Prometheus refuses, or reads differently from Python, and the remedy.
FOREIGN = [
    ("a(?=b)", "a lookaround"),
    ("(?!health).*", "write a further matcher on the label instead"),
    ("(?<=a)b", "a lookaround"),
    ("(?<!a)b", "a lookaround"),
    (r"(a)\1", "a backreference"),
    ("(?P<n>a)(?P=n)", "a backreference"),
    ("(a)?(?(1)b|c)", "a condition"),
    ("a(?#comment)", "a comment"),
    ("(?>ab)c", "an atomic group"),
    ("a++", "remove the last +"),
    ("a*+b", "a possessive quantifier"),
    ("a{1,2}+", "a possessive quantifier"),
    ("a{,3}", "write {0,n}"),
    (r"a\Z", "always matches the whole value"),
    (r"a\z", "always matches the whole value"),
    (r"\Qa.b\E", "escape each special character"),
    (r"\pL+", "write the characters, as in [A-Za-z]"),
    (r"\p{Greek}", "a Unicode class"),
    (r"[\pL]", "a Unicode class"),
    ("[[:alpha:]]+", "a POSIX class"),
    ("[^[:space:]]", "a POSIX class"),
    (r"[\b]", r"write \x08"),
    (r"\x{41}", "write the character itself"),
    (r"\u0041", "write the character itself"),
    (r"[\u0041]", "write the character itself"),
    ("(?<n>a)", "write (?P<name>…)"),
    ("(?P<é>a)", "use letters, digits and underscores"),
    ("(?x)a b", "a flag other than i, m and s"),
    ("(?U)a+", "a flag other than i, m and s"),
    ("(?ix:a)", "a flag other than i, m and s"),
    ("a(?i)b", "write (?i:…) around"),
    ("(?i)straße", "write both cases"),
    ("a{1001}", "repeat at most 1000 times"),
    ("a{0,2000}", "repeat at most 1000 times"),
    (r"\é", "remove the backslash"),
    ("(", "is not a regular expression"),
    ("a**", "is not a regular expression"),
    ("[z-a]", "is not a regular expression"),
    ("a{3,2}", "is not a regular expression"),
    (r"\y", "is not a regular expression"),
]

# Patterns that both read alike, and texts that they match or do not match.
SHARED = [
    (r"\d+", "17", "١٧"),
    (r"\w+", "abc_1", "é"),
    (r"a\sb", "a b", "a\u00a0b"),
    ("(?P<kind>tea|coffee)", "tea", "milk"),
    ("(?i)tea", "TEA", "te"),
    ("(?i:t)ea", "Tea", "TEA"),
    ("a{2,3}", "aaa", "a"),
    ("a{,b", "a{,b", "a"),
    ("[[a]", "[", "b"),
    ("[]a]+", "]a", "b"),
    ("[^]a]", "b", "]"),
    (r"[\]\\]+", "\\]", "a"),
    (r"[(?=]+", "?=(", "a"),
    (r"\(\?=a\)", "(?=a)", "a"),
    (r"\\Z", "\\Z", "Z"),
    ("tea|coffee", "coffee", "teacoffee"),
    ("ä+", "ää", "a"),
    (r"\x41\.", "A.", "AB"),
    ("", "", "a"),
]


@pytest.mark.parametrize(("pattern", "words"), FOREIGN)
def test_what_prometheus_and_python_do_not_share_is_refused_with_a_remedy(
    pattern: str, words: str
) -> None:
    with pytest.raises(ValueError) as error:
        compile_pattern(pattern)
    assert words in str(error.value)
    assert repr(pattern) in str(error.value)


@pytest.mark.parametrize(("pattern", "matched", "other"), SHARED)
def test_what_they_share_matches_the_same_whole_values(
    pattern: str, matched: str, other: str
) -> None:
    compiled = compile_pattern(pattern)
    assert compiled.fullmatch(matched)
    assert not compiled.fullmatch(other)


def test_prometheus_accepts_each_pattern_that_is_accepted(tmp_path: Path) -> None:
    rules = [
        {"record": f"r{number}", "expr": f"up{{a=~{json.dumps(pattern, ensure_ascii=False)}}}"}
        for number, (pattern, _, _) in enumerate(SHARED)
    ]
    path = tmp_path / "rules.yaml"
    path.write_text(json.dumps({"groups": [{"name": "patterns", "rules": rules}]}))
    checked = subprocess.run(
        [find_program("promtool"), "check", "rules", path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr
