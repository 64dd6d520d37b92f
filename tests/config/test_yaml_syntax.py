"""Tests of the remedies for wrong YAML: the line that must be changed, and what to write."""

from pathlib import Path

import pytest

from config.documents import read_document
from config.errors import ConfigError

TAB = "a tab stands here; indent and separate with spaces"
QUOTE = "a quotation mark is opened here and not closed; close it in this line"
AFTER_QUOTE = (
    "text follows a closing quotation mark; quote the whole value, and within '…' double a '"
)
VARIABLE = 'a value with ${…} in braces or brackets must be quoted, as in "${NAME}"'
TEMPLATE = 'a value with {{ … }} must be quoted as a whole, as in "{{ name }}"'
INDICATOR = "a value must not begin with %, @ or `; quote it"
COLON = "a value that has a colon and a space in it, or ends in a colon, must be quoted"
COLON_SPACE = "a colon needs a space after it, as in key: value"
DASH_SPACE = "a dash needs a space after it, as in - step: name"
INDENTATION = (
    "the indentation does not fit to the lines above; line up the keys of one mapping, and give "
    "each a colon"
)
DASH = "the dash does not line up; write the entries of a list at one depth, and no key beside them"
UNOPENED = "a bracket is closed here that is not open; remove it"


@pytest.mark.parametrize(
    ("text", "line", "remedy"),
    [
        ("a: 1\n\tb: 2\n", 2, TAB),
        ("a:\t{b: 1}\n", 1, TAB),
        ("a:\n  b: 1\n\tc: 2\n", 3, TAB),
        ("a: \"b\nc: 1\nd: 2\n", 1, QUOTE),
        ("a: 'b\nc: 1\n", 1, QUOTE),
        ("a: {b: \"x, c: 1}\nd: 2\ne: \"y\"\n", 1, QUOTE),
        ("a: 'it's'\n", 1, AFTER_QUOTE),
        ("a: \"say \"hi\" now\"\n", 1, AFTER_QUOTE),
        ("a: b\nc: \"x\" y\n", 2, AFTER_QUOTE),
        ("a: {{ b }}-c\n", 1, TEMPLATE),
        ("a: {b: c-{{ d }}}\n", 1, TEMPLATE),
        ("a: {b: ${C}}\n", 1, VARIABLE),
        ("a: {b: x-${C}, d: 1}\n", 1, VARIABLE),
        ("a: {b: '${B}', c: ${C}}\n", 1, VARIABLE),
        ("a:\n  - [b, ${C}]\n", 2, VARIABLE),
        ("a:\n  - {{ b }}/x\n", 2, TEMPLATE),
        ("a: %b\n", 1, INDICATOR),
        ("a: @b\n", 1, INDICATOR),
        ("a: {b: `5`}\n", 1, INDICATOR),
        ("a:\n  - @b\n", 2, INDICATOR),
        ("a: |b\n", 1, "a value that begins with | or > must be quoted"),
        ("a: b: c\n", 1, COLON),
        ("a: b:\n", 1, COLON),
        ("a: at 10:30: tea\n", 1, COLON),
        ("a:1\nb: 2\n", 1, COLON_SPACE),
        ("a:\n  - b: 1\n  -c: 2\n", 3, DASH_SPACE),
        ("a:\n  b: 1\n   c: 2\n", 3, INDENTATION),
        ("a:\n  b: 1\n c: 2\n", 3, INDENTATION),
        ("a:\n  - b: 1\n   - c: 2\n", 3, DASH),
        ("a:\n  b: 1\n  - c\n", 3, DASH),
        ("a: [b\nc: 1\n", 1, "after this [, a comma or the ] is missing, or a text is not quoted"),
        ("a: {b: 1 c: 2}\n", 1,
         "after this {, a comma or the } is missing, or a text is not quoted"),
        ("a: [b]]\nc: 1\n", 1, UNOPENED),
        ("a: {b: 1}}\n", 1, UNOPENED),
        ("a: {b: “c, {d}”}\n", 1, "a curly quotation mark is text in YAML; write \" or '"),
        ("a:\u00a0b\nc: 1\n", 1, "a no-break space; write a plain space"),
        ("a: \"C:\\dir\"\n", 1, "\\d is no escape in \"…\"; write \\\\d, or use '…'"),
        ("a: 1\n---\nb: 2\n", 2, "--- begins a second document; write one document per file"),
    ],
)  # fmt: skip
def test_wrong_yaml_has_the_line_to_change_and_the_remedy(
    tmp_path: Path, text: str, line: int, remedy: str
) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as error:
        read_document(path)
    (problem,) = error.value.problems
    assert (problem.line, problem.message) == (line, f"this is not YAML: {remedy}")


@pytest.mark.parametrize(
    "text",
    [
        "a: b/{{ c }}\n",  # a template within a text needs no quotes
        "a: it's\nb: don't\n",
        "a: \"{{ b }}\"\nc: 'x # y'\n",
        "# a tab\tin a comment\na: 1\n",
        "---\na: 1\n",
        "a: http://b\nc: d:e\n",
    ],
)
def test_good_yaml_is_read(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(text)
    assert read_document(path).content


@pytest.mark.parametrize("ends", ["\r\n", "\r", "\n"])
def test_the_line_is_the_same_with_any_line_ends(tmp_path: Path, ends: str) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(ends.join(("a: 1", "b: @c", "d: 2", "")).encode("utf-8-sig"))
    with pytest.raises(ConfigError) as error:
        read_document(path)
    assert error.value.problems[0].line == 2
