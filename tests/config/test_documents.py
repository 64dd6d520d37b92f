from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.documents import Document, parse_document, read_document
from config.errors import ConfigError
from tests.paths import ROOT


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "cart.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def mistakes(error: pytest.ExceptionInfo[ConfigError]) -> list[tuple[int | None, str]]:
    return [(problem.line, problem.message) for problem in error.value.problems]


def read(folder: Path, text: str | bytes, variables: dict[str, str] | None = None) -> Document:
    return read_document(written(folder, text), variables)


def test_every_location_has_its_line(tmp_path: Path) -> None:
    document = read(tmp_path, "# a cart\nname: a\n\nwheels:\n  - {size: 1}\n  -\n    size: 2\n")
    assert document.content == {"name": "a", "wheels": [{"size": 1}, {"size": 2}]}
    assert document.line_of(("name",)) == 2
    assert document.line_of(("wheels",)) == 4
    assert document.line_of(("wheels", 0, "size")) == 5
    assert document.line_of(("wheels", 1, "size")) == 7


def test_a_missing_location_has_the_line_of_its_nearest_ancestor(tmp_path: Path) -> None:
    document = read(tmp_path, "name: a\nwheels:\n  - size: 1\n")
    assert document.line_of(("wheels", 0, "spokes", 4)) == 3
    assert document.line_of(("owners", "ann")) == 1


def test_scalars_keep_their_types(tmp_path: Path) -> None:
    document = read(tmp_path, "a: 1\nb: 1.5\nc: 'yes'\nd: true\ne: null\nf: \"1\"\n")
    assert list(document.content.values()) == [1, 1.5, "yes", True, None, "1"]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        pytest.param("", None, "the file is empty", id="empty"),
        pytest.param("# only this\n", None, "the file is empty", id="only a comment"),
        pytest.param(
            "a: 1\nb: 2\na: 3\n",
            3,
            "the key 'a' is defined twice, first in line 1; remove or rename one",
            id="duplicate",
        ),
        pytest.param(
            "a:\n  b: 1\n  b: 1\n",
            3,
            "the key 'b' is defined twice, first in line 2; remove or rename one",
            id="inner duplicate",
        ),
        pytest.param(
            "a: {b, c: 1}\n",
            1,
            "'b' has no colon and no value; quote the whole value if the comma is a part of it",
            id="no colon",
        ),
        pytest.param(
            "a: {{ b }}\n",
            1,
            'a value that begins with {{ must be quoted, as in "{{ name }}"',
            id="template",
        ),
        pytest.param(
            "a: 1\nb: &x 1\n",
            2,
            "anchors (&) and aliases (*) are not supported; quote the value if it is text",
            id="anchor",
        ),
        pytest.param(
            "a: 1\nb: *x\n",
            2,
            "anchors (&) and aliases (*) are not supported; quote the value if it is text",
            id="alias",
        ),
        pytest.param("a: 1\n? [b]\n: 2\n", 2, "a key must be plain text", id="key not text"),
        pytest.param(
            "a: 1\nb: 2026-13-01\n",
            2,
            "2026-13-01 is read as a date; quote it: '2026-13-01'",
            id="no such date",
        ),
        pytest.param("a: 1\nb: !!int x\n", 2, None, id="not the type that its tag says"),
        pytest.param("a: 1\nb: !!python/name:os.system\n", 2, None, id="Python's own tag"),
        pytest.param("a: [1\n", 1, None, id="unclosed list"),
        pytest.param("a: 1\n\tb: 2\n", 2, None, id="tab"),
        pytest.param("a: 1\n---\nb: 2\n", 2, None, id="two documents"),
        pytest.param(
            "a: 1\nb: \x00\n",
            2,
            "this is not YAML: a control character; remove it, or write an escape",
            id="control character",
        ),
        pytest.param(
            b"a: 1\nb: \xff\n",
            2,
            "the file is not UTF-8 text; save it in that encoding",
            id="not UTF-8",
        ),
        pytest.param("[" * 60 + "]" * 60, 1, "nested deeper than 40 levels", id="deep"),
        pytest.param(
            "{a: " * 60 + "1" + "}" * 60, 1, "nested deeper than 40 levels", id="deep keys"
        ),
    ],
)
def test_anything_but_plain_yaml_is_refused_with_its_line(
    tmp_path: Path, text: str | bytes, line: int | None, message: str | None
) -> None:
    with pytest.raises(ConfigError) as error:
        read(tmp_path, text)
    assert error.value.problems[0].file == tmp_path / "cart.yaml"
    assert error.value.problems[0].line == line
    if message is not None:
        assert mistakes(error) == [(line, message)]


def test_a_file_nested_deeper_than_pythons_stack_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cart.yaml"):
        read(tmp_path, "[" * 1000 + "]" * 1000)


def test_a_small_file_cannot_expand_into_a_huge_one(tmp_path: Path) -> None:
    bomb = "a: &a [x, x]\n" + "".join(f"b{i}: &b{i} [*a, *a]\n" for i in range(9))
    with pytest.raises(ConfigError, match=r"cart.yaml:1: anchors"):
        read(tmp_path, bomb)


def test_an_ampersand_in_quotes_is_text(tmp_path: Path) -> None:
    assert read(tmp_path, "a: '&x'\nb: \"*x\"\n").content == {"a": "&x", "b": "*x"}


def test_a_byte_order_mark_is_not_part_of_the_first_key(tmp_path: Path) -> None:
    assert read(tmp_path, b"\xef\xbb\xbfname: a\n").content == {"name": "a"}


def test_a_file_of_a_megabyte_is_read_and_a_larger_one_is_refused(tmp_path: Path) -> None:
    full = "a: " + "x" * (1_000_000 - 4) + "\n"
    assert len(read(tmp_path, full).content["a"]) == 1_000_000 - 4
    with pytest.raises(ConfigError, match=r"the file is over 1,000,000 bytes"):
        read(tmp_path, full + "\n")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        read_document(tmp_path / "no.yaml")
    assert str(error.value) == f"{tmp_path / 'no.yaml'}: the file does not exist"


def test_a_folder_cannot_be_read_as_a_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        read_document(tmp_path)
    assert str(error.value) == f"{tmp_path}: the file cannot be read: Is a directory"


@pytest.mark.parametrize(
    "value",
    ["2026-01-01", "2026-01-01T10:00:00Z", ".inf", "-.inf", ".nan", "!!binary aGk="],
)
def test_a_value_without_a_json_equivalent_is_refused_with_its_line(
    tmp_path: Path, value: str
) -> None:
    with pytest.raises(ConfigError) as error:
        read(tmp_path, f"a: 1\nb: {value}\n")
    assert error.value.problems[0].line == 2


def test_variables_are_expanded_anywhere_in_a_value(tmp_path: Path) -> None:
    text = "a: ${HOST}\nb: ['http://${HOST}:${PORT}/', $HOST]\n"
    content = read(tmp_path, text, {"HOST": "h", "PORT": "1"}).content
    assert content == {"a": "h", "b": ["http://h:1/", "$HOST"]}


def test_a_variables_value_is_text_and_is_not_expanded_again(tmp_path: Path) -> None:
    content = read(tmp_path, "a: ${ONE}\nb: ${TWO}\n", {"ONE": "${TWO}", "TWO": "2"}).content
    assert content == {"a": "${TWO}", "b": "2"}


def test_a_variables_value_cannot_add_keys(tmp_path: Path) -> None:
    assert read(tmp_path, "a: ${X}\n", {"X": "1\nb: 2"}).content == {"a": "1\nb: 2"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("${A B}", "${A B} is no variable: a name has letters, digits and _ only; "
                   "write ${A_B} or ${NAME:-default}"),
        ("${A-B}", "${A-B} is no variable: a name has letters, digits and _ only; "
                   "write ${A_B} or ${NAME:-default}"),
        ("${ A }", "${ A } is no variable: a name has letters, digits and _ only; "
                   "write ${A} or ${NAME:-default}"),
        ("${1ST}", "${1ST} is no variable: a name has letters, digits and _ only; "
                   "write ${_1ST} or ${NAME:-default}"),
        ("${A:?p4ss}", "${…} is no variable: a name has letters, digits and _ only; "
                       "write ${NAME} or ${NAME:-default}"),
        ("${}", "${} names no variable; write ${NAME}"),
        ("${A", "${ is not closed; write ${NAME}"),
        ("${A:-${B}}", "the default of ${A} has a variable in it; write a fixed text"),
        ("${{ secrets.A }}",
         "${{ … }} is no variable; write ${NAME}, and have the CI job export NAME"),
    ],
)  # fmt: skip
def test_what_begins_as_a_variable_and_is_none_is_refused(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(ConfigError) as error:
        read(tmp_path, f"a: 1\nb: '{text}'\n", {"A": "1"})
    assert mistakes(error) == [(2, message)]


def test_flaws_do_not_end_the_parsing(tmp_path: Path) -> None:
    document = parse_document(written(tmp_path, "a: ${NONE}\nb: 1\nb: 2\n"), {})
    assert [place for place, _ in document.flaws] == [("a",), ("b",)]
    assert document.content == {"a": "", "b": 2}


def test_without_variables_nothing_is_expanded(tmp_path: Path) -> None:
    assert read(tmp_path, "a: ${HOST}\n").content == {"a": "${HOST}"}


def test_every_unset_variable_is_reported_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        read(tmp_path, "a: ${ONE}\nb: ${SET}\nc: [x, '${TWO}-${THREE}']\n", {"SET": "1"})
    assert mistakes(error) == [
        (1, "the environment variable ONE is not set; export it first"),
        (3, "the environment variable TWO is not set; export it first"),
        (3, "the environment variable THREE is not set; export it first"),
    ]


@given(st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=12))
def test_each_repetition_of_a_key_is_reported_on_its_own_line(keys: list[str]) -> None:
    again = [i + 1 for i, key in enumerate(keys) if key in keys[:i]]
    with TemporaryDirectory() as folder:
        try:
            read(Path(folder), "".join(f"{key}: 1\n" for key in keys))
            reported: list[int | None] = []
        except ConfigError as error:
            reported = [problem.line for problem in error.problems]
    assert reported == again


FILES = sorted([*(ROOT / "scenarios").glob("*.yaml"), *(ROOT / "config").glob("*.yaml")])
MISTAKEN = "a: 1\na: 2\nb: {c, d: NO, e: 12:30:00}\n? [x]\n: ${GONE}\n"
ODD = "a: {b: '1', \"c\": 01}\nd: >\n  e\n  f\n", '- 1\n- |\n  a: b\n- {ü: "é\\n"}\n-\n  k: ~\n'


@pytest.mark.parametrize("text", [*(path.read_text() for path in FILES), *ODD, MISTAKEN])
def test_both_parsers_read_the_same_in_the_same_lines(tmp_path: Path, text: str) -> None:
    """A file with a tab is read by the parser in Python."""
    fast = parse_document(tmp_path / "a.yaml", {}, text.encode())
    slow = parse_document(tmp_path / "a.yaml", {}, f"{text}#\t".encode())
    assert (fast.content, fast.lines, fast.misread) == (slow.content, slow.lines, slow.misread)
    assert list(map(str, fast.flaws)) == list(map(str, slow.flaws))
