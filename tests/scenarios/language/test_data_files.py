"""Data files: their rows, and every mistake in them with file, line and remedy."""

import os
from pathlib import Path
from typing import Any

import pytest

from config.errors import ConfigError
from scenarios.language.data_files import MAX_BYTES, read_tables
from scenarios.language.reader import read_scenario
from scenarios.language.tables import Tables

SCENARIO = """\
scenario: s
data:
  customers: {{file: {name}}}
flow:
  - step: ask
    request: GET shop /{{{{ customers.id }}}}
    json: {{plan: "{{{{ customers.{column} }}}}"}}
profiles:
  load: {{users: 4, iterations: 9}}
"""


def tables_of(folder: Path, name: str, content: bytes | None, column: str = "id") -> Tables:
    """Read a scenario's data file with a content; None leaves the file out."""
    path = folder / "s.yaml"
    path.write_text(SCENARIO.format(name=name, column=column))
    if content is not None:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    return read_tables(read_scenario(path), path)


def problems_of(folder: Path, name: str, content: bytes | None, column: str = "id") -> list[str]:
    with pytest.raises(ConfigError) as error:
        tables_of(folder, name, content, column)
    return str(error.value).replace(f"{folder}/", "").splitlines()


@pytest.mark.parametrize(("content", "rows"), [
    (b"id,plan\nc1,gold\nc2,blue\n", [{"id": "c1", "plan": "gold"}, {"id": "c2", "plan": "blue"}]),
    (b"id\r\nc1\r\nc2", [{"id": "c1"}, {"id": "c2"}]),
    (b"\xef\xbb\xbfid\nc1\n", [{"id": "c1"}]),
    (b"id\n\nc1\n\n", [{"id": "c1"}]),
    (b'id,note\nc1,"a, ""b""\nand more"\nc2,\n',
     [{"id": "c1", "note": 'a, "b"\nand more'}, {"id": "c2", "note": ""}]),
    ("id\nÄ, ö\n".replace(", ", "").encode(), [{"id": "Äö"}]),
    (b"id\n 007 \n", [{"id": " 007 "}]),
], ids=["plain", "CRLF", "BOM", "blank lines", "quoted", "UTF-8", "as written"])  # fmt: skip
def test_the_fields_of_a_csv_file_are_texts_by_the_names_of_the_header(
    tmp_path: Path, content: bytes, rows: list[dict[str, str]]
) -> None:
    table = tables_of(tmp_path, "c.csv", content)["customers"]
    assert list(table.rows) == rows
    assert [table.rows[index] for index in range(len(table.rows))] == rows
    assert table.columns == tuple(rows[0])


def test_the_values_of_json_lines_keep_their_types(tmp_path: Path) -> None:
    content = b'{"id": 7, "tags": ["a"], "big": 9007199254740993}\n\n{"id":null,"tags":[],"big":1}'
    rows: list[dict[str, Any]] = [
        {"id": 7, "tags": ["a"], "big": 9007199254740993}, {"id": None, "tags": [], "big": 1},
    ]  # fmt: skip
    assert list(tables_of(tmp_path, "c.jsonl", content)["customers"].rows) == rows


def test_a_file_is_known_by_its_digest_and_a_file_of_a_folder_below_is_read(tmp_path: Path) -> None:
    one = tables_of(tmp_path, "data/c.csv", b"id\nc1\n")["customers"]
    other = tables_of(tmp_path, "data/c.csv", b"id\nc2\n")["customers"]
    assert (one.file, len(one.sha256)) == ("data/c.csv", 64)
    assert one.sha256 != other.sha256


@pytest.mark.parametrize(("name", "content", "problems"), [
    ("c.csv", None, ["s.yaml:3: no such file: c.csv; its path is relative to "
                     "the scenario"]),
    ("c.csv", b"", ["c.csv: the file has no row; write the columns in the first line, and a row in "
                    "each further one"]),
    ("c.csv", b"id,plan\n", ["c.csv: the file has no row; write the columns in the first line, and "
                             "a row in each further one"]),
    ("c.csv", b"id,plan,a,b\nc1,g,1,2\nc2,1,2\nc3,1,2,3,4\n",
     ["c.csv:3: 3 fields, the header has 4; quote a field that has a comma",
      "c.csv:4: 5 fields, the header has 4; quote a field that has a comma"]),
    ("c.csv", b'id,n\n"a\nb",1\nc3\n',
     ["c.csv:4: 1 field, the header has 2; quote a field that has a comma"]),
    ("c.csv", b"id,id\n1,2\n", ["c.csv:1: two columns are named 'id'; rename one"]),
    ("c.csv", b"id, plan\n1,2\n",
     ["c.csv:1: the column ' plan' has blanks around its name; remove them"]),
    ("c.csv", b"id,\n1,2\n", ["c.csv:1: column 2 has no name; write one in the header"]),
    ("c.csv", b"id;plan\n1;2\n",
     ["c.csv:1: the header is one column, 'id;plan'; separate columns by commas"]),
    ("c.csv", b"id\nc1\nd\xe9\n",
     ["c.csv:3: the byte 0xe9 is not UTF-8; save the file as UTF-8"]),
    ("c.csv", "id\nc1\n".encode("utf-16"), ["c.csv: the file is UTF-16; save it as UTF-8"]),
    ("c.csv", b"id\rc1\rc2\r",
     ["c.csv: its lines end with CR alone; save it with LF or CRLF"]),
    ("c.csv", b'id\n"c1\nc2\n', ["c.csv:2: this is not CSV: unexpected end of data"]),
    ("c.csv", b"id\nc1\n\x00\n", ["c.csv:3: a NUL byte: this is not text; save it as UTF-8"]),
    ("c.jsonl", b"", ["c.jsonl: the file has no row; write a JSON object in each line"]),
    ("c.jsonl", b'{"id": 1}\n[1]\n',
     ['c.jsonl:2: this is not a row; write a JSON object such as {"id": "c1"}']),
    ("c.jsonl", b'{"id": 1}\n{"id": 2\n',
     ["c.jsonl:2: this is not JSON: Expecting ',' delimiter: line 2 column 1 (char 9)"]),
    ("c.jsonl", b'{"id": 1, "id": 2}\n',
     ["c.jsonl:1: this is not JSON: the key 'id' stands twice"]),
    ("c.jsonl", b'{"id": NaN}\n', ["c.jsonl:1: this is not JSON: NaN is not a JSON number"]),
    ("c.jsonl", b'{"id": 1}\n{"idd": 2}\n',
     ["c.jsonl:2: the first row has no 'idd'; did you mean id?",
      "c.jsonl:2: 'id' is missing, which the first row has; add it"]),
    ("c.jsonl", b'{"id": ' + b"[" * 100_000 + b"\n",
     ["c.jsonl:1: it is nested too deep; write a flat object"]),
], ids=lambda each: each[:40] if isinstance(each, bytes) else "")  # fmt: skip
def test_a_mistake_in_a_file_is_reported_with_line_and_remedy(
    tmp_path: Path, name: str, content: bytes | None, problems: list[str]
) -> None:
    assert problems_of(tmp_path, name, content) == problems


def test_of_very_many_mistakes_the_first_ones_are_reported(tmp_path: Path) -> None:
    problems = problems_of(tmp_path, "c.csv", b"id\n" + b"1,2\n" * 1_000)
    assert len(problems) == 11
    assert problems[-1] == "c.csv: more than 10 mistakes; the first ones are shown"


@pytest.mark.parametrize("expression", ["idd", "idd | upper", "idd.length"])
def test_an_unknown_column_is_reported_where_the_template_stands(
    tmp_path: Path, expression: str
) -> None:
    assert problems_of(tmp_path, "c.csv", b"id,plan\nc1,gold\n", expression) == [
        "s.yaml:7: customers has no column 'idd'; did you mean id?"
    ]


def test_a_file_outside_the_folder_of_the_scenario_is_not_read_through_a_link(
    tmp_path: Path,
) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "secret.csv").write_text("id\nsecret\n")
    (inside / "c.csv").symlink_to("../secret.csv")
    assert problems_of(inside, "c.csv", None) == [
        "s.yaml:3: 'c.csv' leads out of the folder of the scenario; copy it there"
    ]


def test_a_folder_and_a_huge_file_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "c.csv").mkdir()
    assert "is not a regular file" in problems_of(tmp_path, "c.csv", None)[0]
    with (tmp_path / "d.csv").open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    assert "has over 100,000,000 bytes" in problems_of(tmp_path, "d.csv", None)[0]


def test_rows_of_the_scenario_are_a_table_too(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    text = SCENARIO.format(name="c.csv", column="plan")
    path.write_text(text.replace("file: c.csv", "rows: [{id: 7, plan: true}]"))
    table = read_tables(read_scenario(path), path)["customers"]
    assert (table.columns, list(table.rows)) == (("id", "plan"), [{"id": 7, "plan": True}])
    assert (table.file, table.sha256) == ("", "")


MANY = 1_000_001  # bytes of a row, or rows


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("c.csv", b"id," * 50_000 + b"x\n", "c.csv:1: 50,001 columns, more than 1,000"),
        ("c.csv", b"id" + b"," * MANY + b"\n1\n", "c.csv:1: this is not CSV: a row has over"),
        ("c.csv", b"id\n" + b"," * MANY + b"\n", "c.csv:2: this is not CSV: a row has over"),
        ("c.csv", b"id\n" + b"x" * MANY + b"\n", "c.csv:2: this is not CSV: "),
        ("c.csv", b'id,a\n1,"' + b"x\n" * MANY, "c.csv:2: this is not CSV: "),
        ("c.csv", b'"id\n' + b"x\n" * MANY, "c.csv:1: this is not CSV: "),
        ("c.csv", b"id," + b"y" * 201 + b"\n1,2\n", "c.csv:1: the name of a column has 201"),
        ("c.jsonl", b'{"id": "' + b"x" * MANY + b'"}\n', "c.jsonl:1: a row has over 1,000,000"),
        ("c.jsonl", b'{"id": [' + b"[]," * MANY + b"1]}\n", "c.jsonl:1: a row has over 1,000,000"),
        ("c.jsonl", b"{" + b",".join(b'"%d": 1' % n for n in range(1_001)) + b"}", "1,001 columns"),
        ("c.jsonl", b'{"id": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deep"),
        ("c.jsonl", b'{"id": 1e400}', "a number out of range"),
        ("c.jsonl", b'{"id": ' + b"9" * 5_000 + b"}", "a number out of range"),
        ("c.jsonl", b'{"id": "\\ud800"}', "half of a surrogate pair"),
    ],
    ids=lambda each: str(each)[:24],
)  # fmt: skip
@pytest.mark.timeout(60)
def test_what_a_file_makes_of_a_row_is_bounded(
    tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    (problem,) = problems_of(tmp_path, name, content)
    assert words in problem


@pytest.mark.parametrize("target", ["c.csv", "d.csv"])
def test_a_loop_of_links_is_one_sentence(tmp_path: Path, target: str) -> None:
    (tmp_path / "c.csv").symlink_to(target)
    (tmp_path / "d.csv").symlink_to("c.csv")
    assert problems_of(tmp_path, "c.csv", None) == [
        "s.yaml:3: 'c.csv' cannot be read: its links are a loop"
    ]


def test_a_name_that_is_too_long_is_one_sentence(tmp_path: Path) -> None:
    (problem,) = problems_of(tmp_path, f"{'x' * 300}.csv", None)
    assert problem.endswith("cannot be read: File name too long")


def test_a_fifo_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "c.csv")
    (problem,) = problems_of(tmp_path, "c.csv", None)
    assert "not a regular file" in problem
