import ast
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from config.errors import ConfigError
from scenarios.evidence.files import (
    MAX_LINE_BYTES,
    decode_json,
    files_in,
    open_to_append,
    open_to_patch,
    plain_name,
    read_document,
    read_file,
    read_json,
    read_lines,
    refuse_irregular,
    replacing,
    write_atomically,
)
from tests.paths import ROOT

Lay = Callable[[Path], object]


def a_link(path: Path) -> None:
    path.symlink_to(path.parent / "outside")


def a_dangling_link(path: Path) -> None:
    path.symlink_to(path.parent / "nowhere")


def a_socket_like_fifo(path: Path) -> None:
    os.mkfifo(path)


IRREGULAR: tuple[Lay, ...] = (a_link, a_dangling_link, a_socket_like_fifo, Path.mkdir)


@pytest.mark.parametrize("lay", IRREGULAR)
@pytest.mark.parametrize("use", [read_file, open_to_append, open_to_patch, read_json])
def test_nothing_but_a_regular_file_is_opened(
    tmp_path: Path, lay: Lay, use: Callable[[Path], object]
) -> None:
    (tmp_path / "outside").write_text("1")
    lay(tmp_path / "a.json")
    with pytest.raises(OSError, match=r"not a file"):
        use(tmp_path / "a.json")
    assert (tmp_path / "outside").read_text() == "1"
    assert not (tmp_path / "nowhere").exists()


def test_a_device_is_not_opened() -> None:
    with pytest.raises(OSError, match="it is a device, not a file"):
        read_file(Path("/dev/zero"))


@pytest.mark.parametrize("lay", IRREGULAR[:3])
def test_what_is_in_the_place_of_a_file_is_replaced_and_not_followed(
    tmp_path: Path, lay: Lay
) -> None:
    (tmp_path / "outside").write_text("1")
    lay(tmp_path / "a.json")
    lay(tmp_path / f".a.json.{os.getpid()}")
    write_atomically(tmp_path / "a.json", b"new")
    assert read_file(tmp_path / "a.json") == b"new"
    assert {path.name for path in tmp_path.iterdir()} == {"a.json", "outside"}
    assert (tmp_path / "outside").read_text() == "1"


def test_a_file_is_replaced_atomically_without_leftovers(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_atomically(path, b"long before")
    with path.open("rb") as reader:
        write_atomically(path, b"now")
        assert reader.read() == b"long before"
    assert path.read_bytes() == b"now"
    assert list(tmp_path.iterdir()) == [path]


def test_a_write_that_fails_leaves_the_old_file_and_no_part_of_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("old")
    with pytest.raises(OSError, match="full"), replacing(path) as file:
        file.write(b"part")
        raise OSError("full")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_with_another_name_elsewhere_is_not_appended_to(tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("1")
    os.link(tmp_path / "outside", tmp_path / "run.log")
    with pytest.raises(OSError, match="another name"):
        open_to_append(tmp_path / "run.log")


def test_a_sparse_file_is_not_read_however_large_it_may_be(tmp_path: Path) -> None:
    path = tmp_path / "load.rows"
    path.touch()
    os.truncate(path, 1_000_000_000)
    with pytest.raises(OSError, match="sparse"):
        read_file(path, 2_000_000_000)
    os.truncate(path, 1_000_000_000_000)
    with pytest.raises(OSError, match="over"):
        read_file(path)


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 100_000, b'{"a":' * 100_000, b"NaN", b'{"a": -Infinity}', b"1e999", b"9" * 10_000,
        b'"\xff"', b"\x00", b"", b"[1", b"{'a': 1}",
    ],
)  # fmt: skip
def test_json_that_is_none_is_a_value_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(ValueError, match=r"\w"):
        read_json(tmp_path / "a.json")


def test_a_document_with_too_many_members_is_not_decoded(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b"[" + b"[]," * 1_500_000 + b"1]")
    with pytest.raises(ValueError, match="members"):
        read_document(tmp_path / "a.json")


def test_the_number_of_members_that_a_document_may_have_is_that_of_its_kind(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b"[1,2,3]")
    assert read_document(tmp_path / "a.json", max_members=3) == b"[1,2,3]"
    with pytest.raises(ValueError, match="over 2 members"):
        read_document(tmp_path / "a.json", max_members=2)


@pytest.mark.parametrize("content", ['{"a": N}', '{"a":-N}', "[N]", "[1,\n N]", '{"a":N.5}'])
def test_a_number_that_no_count_has_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.json").write_text(content.replace("N", "1" + "0" * 400))
    with pytest.raises(ValueError, match="a number of 100 digits"):
        read_json(tmp_path / "a.json")


@pytest.mark.parametrize("content", ['{"a": "N"}', "[0.N]", '["N", 5]', "[1e300]"])
def test_many_digits_are_no_huge_number_elsewhere(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.json").write_text(content.replace("N", "0" * 400))
    assert read_json(tmp_path / "a.json")


def test_a_line_without_an_end_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"1\n" + b"2" * (MAX_LINE_BYTES + 1))
    lines = read_lines(tmp_path / "a.jsonl")
    assert next(lines) == b"1\n"
    with pytest.raises(ValueError, match="line"):
        next(lines)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/etc/passwd", "../a", "a\0b", "a" * 300])
def test_a_path_is_no_file_name(name: str) -> None:
    with pytest.raises(ValueError, match="no file name"):
        plain_name(name)


@pytest.mark.parametrize("lay", IRREGULAR[:3])
def test_a_folder_with_something_irregular_is_refused_by_its_name(tmp_path: Path, lay: Lay) -> None:
    (tmp_path / "evidence" / "deep").mkdir(parents=True)
    refuse_irregular(tmp_path / "evidence")
    lay(tmp_path / "evidence" / "deep" / "a.json")
    with pytest.raises(ConfigError, match=r"a\.json: this is a (symbolic link|FIFO)"):
        refuse_irregular(tmp_path / "evidence")


def test_a_folder_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "evidence").symlink_to(tmp_path)
    with pytest.raises(ConfigError, match="this is a symbolic link, not a folder"):
        refuse_irregular(tmp_path / "evidence")


def test_folders_without_end_are_refused(tmp_path: Path) -> None:
    (tmp_path / "/".join("d" * 12)).mkdir(parents=True)
    with pytest.raises(ConfigError, match="no folders as deep"):
        list(files_in(tmp_path))


def test_decoded_numbers_are_finite() -> None:
    assert decode_json(b'{"a": [1.5, -2e3]}') == {"a": [1.5, -2000.0]}


@pytest.mark.parametrize(
    "content", [rb'{"a": "\ud800"}', rb'[{"\uDFFF": 1}]', rb'"\ude00\ud83d"', b'"\xed\xa0\x80"']
)
def test_half_of_a_surrogate_pair_is_refused_anywhere(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"surrogates not allowed|invalid continuation byte"):
        decode_json(content)


def test_a_whole_surrogate_pair_and_an_escaped_backslash_are_text() -> None:
    assert decode_json(rb'["\ud83d\ude00", "\\ud800"]') == ["\U0001f600", r"\ud800"]


# Modules that work on the files of a run, and calls that would open one without any care.
MODULES = (
    "scenarios/evidence", "witnesses", "checks", "reports", "commands/check.py",
    "commands/report.py", "commands/shared/conclusion.py", "scenarios/driver/prober.py",
)  # fmt: skip
CARELESS = {"open", "read_text", "read_bytes", "write_text", "write_bytes", "touch", "copyfile",
            "memmap", "copy2", "move", "mkstemp", "NamedTemporaryFile"}  # fmt: skip
# Each with why the file is none of a run.
ALLOWED = {
    "reports/render.py": "the step summary of a CI job",
    "reports/html_template.py": "the style sheet",
    "reports/standard_streams.py": "the null device",
    "checks/history/machine.py": "/proc/cpuinfo",
    "scenarios/evidence/run_folder.py": "the scenario and the environment that a user named",
    "scenarios/evidence/files.py": "this is the module",
}


def careless_calls(source: str) -> set[str]:
    calls = (node.func for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    names = (each.attr if isinstance(each, ast.Attribute) else getattr(each, "id", "")
             for each in calls)  # fmt: skip
    return CARELESS & set(names)


@pytest.mark.core
@pytest.mark.long
def test_only_one_module_opens_the_files_of_a_run() -> None:
    files = [
        path
        for name in MODULES
        for path in ([ROOT / name] if name.endswith(".py") else sorted((ROOT / name).rglob("*.py")))
    ]
    careless = {
        path.relative_to(ROOT).as_posix(): calls
        for path in files
        if (calls := careless_calls(path.read_text(encoding="utf-8")))
    }
    assert careless.keys() <= ALLOWED.keys(), careless


def test_a_call_that_opens_a_file_is_seen() -> None:
    assert careless_calls("with path.open() as f: open(f); shutil.copyfile(a, b)") == {
        "open", "copyfile"
    }  # fmt: skip
