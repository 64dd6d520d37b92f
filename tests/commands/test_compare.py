"""Tests of the command `compare`."""

import json
from pathlib import Path

import pytest
import typer

from checks.comparison import ComparisonRule
from checks.result_document import render_result
from commands.compare import ComparisonOptions, compare, rule_of
from config.errors import ConfigError
from tests.checks.test_differences import run_of
from tests.evidence_factory import Load

RULE = ComparisonRule()


def folder_of(place: Path, name: str, factor: float = 1.0, load: Load | None = None) -> str:
    run = run_of(place, name, factor, load)
    run.case.folder.result.write_text(render_result(run.result))
    return str(run.case.folder.path)


def exit_of(*names: str, last: int = 0, output: Path | None = None, as_json: bool = False) -> int:
    with pytest.raises(typer.Exit) as ended:
        compare(names, Path("runs"), ComparisonOptions(last, RULE, output, as_json))
    return ended.value.exit_code


def test_the_exit_code_is_the_outcome(tmp_path: Path) -> None:
    before, alike, slower, few = (
        folder_of(tmp_path, "before"), folder_of(tmp_path, "alike"),
        folder_of(tmp_path, "slower", 1.3), folder_of(tmp_path, "few", load=Load()),
    )  # fmt: skip
    assert [exit_of(before, each) for each in (alike, slower, few)] == [0, 1, 3]


def test_page_and_summary_are_written_into_the_second_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, after = folder_of(tmp_path, "a"), folder_of(tmp_path, "b", 1.3)
    exit_of(before, after)
    assert "Regression" in (Path(after) / "comparison.html").read_text()
    assert "# Regression: b against a" in (Path(after) / "comparison.md").read_text()
    assert str(Path(after) / "comparison.html") in capsys.readouterr().out
    assert not list(Path(before).glob("comparison*"))


def test_they_are_written_where_they_should_be(tmp_path: Path) -> None:
    before, after = folder_of(tmp_path, "a"), folder_of(tmp_path, "b")
    exit_of(before, after, output=tmp_path / "new" / "folder")
    assert (tmp_path / "new" / "folder" / "comparison.html").exists()
    assert not list(Path(after).glob("comparison*"))


def test_the_document_is_one_json_object(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = exit_of(folder_of(tmp_path, "a"), folder_of(tmp_path, "b", 1.3), as_json=True)
    document = json.loads(capsys.readouterr().out)
    assert (code, document["verdict"], document["after"]) == (1, "fail", "b")
    assert {each["step"] for each in document["steps"]} == {"open", "use", "iteration"}


def test_a_run_without_a_history_says_nothing(tmp_path: Path) -> None:
    assert exit_of(folder_of(tmp_path, "b"), last=5) == 3


@pytest.mark.parametrize(("count", "last"), [(1, 0), (3, 0), (2, 5)])
def test_another_number_of_runs_is_one_sentence(count: int, last: int) -> None:
    with pytest.raises(ConfigError, match="needs two runs, or one with --last N"):
        compare(["a"] * count, Path("runs"), ComparisonOptions(last, RULE, None, False))


def test_a_run_is_not_compared_with_itself(tmp_path: Path) -> None:
    run = folder_of(tmp_path, "a")
    with pytest.raises(ConfigError, match="are the same run"):
        compare([run, run], Path("runs"), ComparisonOptions(0, RULE, None, False))


def test_a_run_without_a_result_names_the_remedy(tmp_path: Path) -> None:
    before = folder_of(tmp_path, "a")
    after = run_of(tmp_path, "b").case.folder.path
    with pytest.raises(ConfigError, match=r"no readable result; run: .*run\.py check"):
        compare([before, str(after)], Path("runs"), ComparisonOptions(0, RULE, None, False))


def test_every_wrong_option_is_reported_at_once() -> None:
    with pytest.raises(ConfigError) as raised:
        rule_of("5", "none", "3%")
    assert [str(each).split(":")[0] for each in raised.value.problems] == ["--at-least", "--level"]
    assert rule_of("10%", "1%", "0%") == ComparisonRule(0.1, 0.01, 0.0)


def test_a_noise_that_nobody_gave_is_assumed() -> None:
    assert rule_of("5%", "5%", "") == ComparisonRule(is_noise_assumed=True)


def test_a_slower_run_is_not_proven_by_an_assumed_noise_and_the_remedy_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, after = folder_of(tmp_path, "before"), folder_of(tmp_path, "after", 1.3)
    with pytest.raises(typer.Exit) as ended:
        compare([before, after], Path("runs"),
                ComparisonOptions(0, rule_of("5%", "5%", ""), None, False))  # fmt: skip
    printed = " ".join(capsys.readouterr().out.split())
    assert ended.value.exit_code == 3
    assert "Not proven" in printed
    assert "Perhaps slower: " in printed
    assert "make 5 or more runs before the last one" in printed
    assert "assumed, not measured: fewer than 5 comparable runs before are known" in printed


def test_runs_that_do_not_differ_need_no_noise(tmp_path: Path) -> None:
    before, after = folder_of(tmp_path, "before"), folder_of(tmp_path, "after")
    with pytest.raises(typer.Exit) as ended:
        compare([before, after], Path("runs"),
                ComparisonOptions(0, rule_of("5%", "5%", ""), None, False))  # fmt: skip
    assert ended.value.exit_code == 0
