"""Wrong words, options and values of every command: one sentence each, which says what to write."""

import pytest

from commands.shared.command_line import whole_number
from config.program import program_version
from run import WRONG_COMMAND, main

USERS = "is not a whole number from 1 to 10,000; write for example 20"
NO_COUNT = "is not a whole number of at least 0; write for example 2"
WRONG = [
    ("load --users ten", f"--users: 'ten' {USERS}"),
    ("load --users 0", f"--users: '0' {USERS}"),
    ("load --users -1", f"--users: '-1' {USERS}"),
    ("load --users 1.5", f"--users: '1.5' {USERS}"),
    ("load --users 1_0", f"--users: '1_0' {USERS}"),
    ("load --users ١", f"--users: '١' {USERS}"),
    ("load --users 10001", f"--users: '10001' {USERS}"),
    ("load --users --live", f"--users: '--live' {USERS}"),
    ("load --users", "--users has no value; add one: Instead of the profile's."),
    (
        "load --iterations 0",
        "--iterations: '0' is not a whole number of at least 1; write for example 100",
    ),
    ("load --workers two", f"--workers: 'two' {NO_COUNT}"),
    ("load --expect -1", f"--expect: '-1' {NO_COUNT}"),
    ("compare a b --last three", f"--last: 'three' {NO_COUNT}"),
    ("trends --days 0", "--days: '0' is not a whole number of at least 1; write for example 90"),
    ("load --usres 3", "load has no option --usres; did you mean --users?"),
    ("doctor --zzz", "doctor has no option --zzz; it has --env, --scenario, --json"),
    ("laod", "there is no command laod; did you mean load?"),
    ("--nosuch", "there is no option --nosuch before a command; write the command first"),
    ("--json", "there is no option --json before a command; write the command first"),
    ("e2e more", "'more' belongs to no option; remove it"),
    ("check a b", "'b' belongs to no option; remove it"),
    ("schema x y", "'x y' belongs to no option; remove it"),
    ("load --live=yes", "--live takes no value; write --live alone"),
    ("worker", "--master is missing; add it: Address of `load --expect`: HOST:PORT."),
    ("compare", "A B is missing; add it: The run before, and the run after."),
]
WRONG_VALUES = [
    ("load --rate fast", "--rate: 'fast' is not a rate; write for example 20/s, 90/m or 500/h"),
    ("load --duration 5",
     "--duration: '5' is not a duration; write a number and a unit: 500ms, 2.5s, 10m"),
    ("load --bind 127.0.0.1:5557",
     "--bind is for remote workers, and none are expected; add --expect N, or remove --bind"),
    ("load --expect 1 --bind :http",
     "--bind :http is not HOST:PORT; write for example 10.0.0.5:5557 or [::1]:5557"),
    ("load --profile nosuch", "no profile is named 'nosuch'; known here: e2e, benchmark, soak; "
                              "name one with --profile"),
    ("compare a b --level 2",
     "--level: '2' is not a percentage from 0% to 100%; write for example 99.5%"),
    ("watch --for forever",
     "--for: 'forever' is not a duration; write a number and a unit: 500ms, 2.5s, 10m"),
    ("watch --objective most",
     "--objective: 'most' is not a percentage from 0% to 100%; write for example 99.5%"),
    ("export --format pdf",
     "--format: there is no format 'pdf'; write csv, jsonl, parquet, xlsx or otava"),
    ("worker --master a:b",
     "--master a:b is not HOST or HOST:PORT; write for example 10.0.0.5:5557"),
    ("nightly --fault slow-tale", "unknown fault 'slow-tale'; did you mean slow-tail?"),
]  # fmt: skip


def refused(line: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(line.split()) == WRONG_COMMAND
    (sentence,) = capsys.readouterr().err.splitlines()
    return sentence


@pytest.mark.parametrize(("line", "sentence"), WRONG)
def test_a_wrong_word_or_option_is_one_sentence_that_names_it_and_the_remedy(
    line: str, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    command = line.split(maxsplit=1)[0]
    is_known = command not in ("laod", "--nosuch", "--json")
    where = f" (see run.py {command} --help)" if is_known else " (see run.py --help)"
    assert refused(line, capsys) == f"{sentence}{where}"


def test_the_version_is_printed_and_nothing_else_happens(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--version", "nightly", "--fault", "slow-tale"]) == 0
    assert capsys.readouterr().out == f"trial-balance {program_version()}\n"


@pytest.mark.parametrize(("line", "sentence"), WRONG_VALUES)
def test_a_wrong_value_of_an_option_is_one_sentence_with_the_remedy(
    line: str, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refused(line, capsys).endswith(sentence)


@pytest.mark.parametrize("text", ["7", "+7", "007"])
def test_a_whole_number_is_read(text: str) -> None:
    assert whole_number(1, 7)(text) == 7
