import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from reports.standard_streams import InertStream, PipeFile, write_commands
from tests.paths import ROOT


def test_what_nobody_reads_any_more_is_discarded() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with PipeFile(writing, "w") as file:
        assert file.write(b"one") == 3
        assert file.write(b"two") == 3


def test_what_is_read_arrives(tmp_path: Path) -> None:
    path = tmp_path / "out"
    with PipeFile(os.open(path, os.O_WRONLY | os.O_CREAT), "w") as file:
        file.write(b"one")
    assert path.read_bytes() == b"one"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["schema"], 0),
        (["--help"], 0),
        pytest.param(["validate"], 0, marks=pytest.mark.long),
        (["validate", "--json"], 0),
        pytest.param(["validate", "--scenario", "no such file"], 2, marks=pytest.mark.long),
        (["no-such-command"], 2),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_command_keeps_its_exit_code_when_the_reader_of_its_output_is_gone(
    arguments: list[str], code: int
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        ended = subprocess.run(
            [sys.executable, ROOT / "run.py", *arguments], stdout=writing, stderr=writing,
            cwd=ROOT, timeout=120, check=False,
        )  # fmt: skip
    finally:
        os.close(writing)
    assert ended.returncode == code


def _written(*texts: str) -> str:
    buffer = io.BytesIO()
    stream = InertStream(buffer, "utf-8")
    for text in texts:
        assert stream.write(text) == len(text)
    stream.flush()
    return buffer.getvalue().decode()


@pytest.mark.parametrize(
    "line",
    [
        "::error::odd", "::add-mask::a", "  ::set-env name=PATH::x", "\t::stop-commands::x",
        "\u00a0\u3000::error::x", "ok\n::error::x", "ok\r::error::x", "ok\r\n \n::error::x",
        "::::error::", "##[group]a", "ok ##[error]a", "##[add-mask]a", "###[error]a",
        "ok ##vso[task.setvariable]a", "##teamcity[a]", "\n\n::x::\n##[x]\n::y::",
    ],
)  # fmt: skip
def test_no_line_is_a_command_to_a_ci_runner_however_it_is_written(line: str) -> None:
    for texts in ((line,), tuple(line), (line[:3], line[3:]), (line, "\n", line)):
        written = _written(*texts)
        assert not any(_is_command(each) for each in re.split(r"[\n\r]", written)), written
        assert re.sub(r"\s", "", written) == re.sub(r"\s", "", "".join(texts))


def _is_command(line: str) -> bool:
    return line.strip().startswith("::") or re.search(r"##\w*\[", line) is not None


@pytest.mark.parametrize(
    "text", ["", "a::b", "PASS  e2e :: load\n", "# [a]", "a: :b\n", "::", '{"a": "::error::"}\n']
)
def test_other_text_is_written_as_it_is(text: str) -> None:
    expected = ": :" if text == "::" else text
    assert _written(text) == _written(*text) == expected


@given(st.lists(st.text(alphabet=":# [\n\rvso\u00a0", max_size=9), max_size=6))
def test_any_text_in_any_pieces_is_inert_and_loses_nothing(texts: list[str]) -> None:
    written = _written(*texts)
    assert not any(_is_command(each) for each in re.split(r"[\n\r]", written))
    assert re.sub(r"\s", "", written) == re.sub(r"\s", "", "".join(texts))


def test_bytes_are_refused_so_that_typer_prints_a_text_and_nothing_else() -> None:
    buffer = io.BytesIO()
    stream = InertStream(buffer, "utf-8")
    with pytest.raises(TypeError):
        stream.write(b"a")  # type: ignore[arg-type]
    typer.echo("the help of a command", file=stream)
    assert buffer.getvalue() == b"the help of a command\n"


def test_our_own_commands_are_written_as_they_are() -> None:
    buffer = io.BytesIO()
    stream = InertStream(buffer, "utf-8")
    stream.write("before\n")
    write_commands(stream, "::error title=FAIL::a\n")
    assert buffer.getvalue() == b"before\n::error title=FAIL::a\n"


@pytest.mark.core
@pytest.mark.long
def test_a_mistake_that_quotes_a_command_gives_none(tmp_path: Path) -> None:
    scenario = tmp_path / "s.yaml"
    scenario.write_text('scenario: "x"\n"::error::odd\\n::add-mask::a": 1\n')
    command = [sys.executable, str(ROOT / "run.py"), "validate", "--scenario", str(scenario)]
    ended = subprocess.run(command, capture_output=True, timeout=120, check=False, cwd=ROOT)
    shown = (ended.stdout + ended.stderr).decode()
    assert ended.returncode == 2
    assert "odd" in shown
    assert not any(_is_command(line) for line in shown.splitlines()), shown


@pytest.mark.core
@pytest.mark.long
def test_a_mistake_that_quotes_a_data_file_steers_no_terminal(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("\x1b[31mred,\u202eright\n1,2\n")
    scenario = tmp_path / "s.yaml"
    scenario.write_text(
        "scenario: s\ndata: {d: {file: d.csv}}\nprofiles: {e: {users: 1, iterations: 1}}\n"
        'flow:\n  - {step: a, request: "GET cards /{{ d.id }}"}\n'
    )
    command = [sys.executable, str(ROOT / "run.py"), "validate", "--scenario", str(scenario)]
    ended = subprocess.run(command, capture_output=True, timeout=120, check=False, cwd=ROOT)
    shown = (ended.stdout + ended.stderr).decode()
    assert "[31mred" in shown
    assert not {"\x1b", "\u202e"} & set(shown)
