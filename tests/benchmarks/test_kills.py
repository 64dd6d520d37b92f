"""What a trial counts as wrong, and that the trials of a seed are the same every time."""

from collections import Counter
from itertools import islice
from pathlib import Path

import pytest

from benchmarks.kills import (
    Blow,
    Trial,
    TrialResult,
    draw_trials,
    main,
    render_tally,
    write_scenario_with_setup,
)
from scenarios.language.reader import read_scenario

TRIAL = Trial(("nightly",), Blow.KILL, True, 1.0, 0.5)


def result(**changes: object) -> TrialResult:
    given: dict[str, object] = {
        "trial": TRIAL, "target": "prometheus", "is_in_load": True, "verdict": "inconclusive",
        "reason": "prometheus was ended by SIGKILL", "orphans": (), "leftovers": (),
        "duration_s": 12.3, **changes,
    }  # fmt: skip
    return TrialResult(**given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "is_wrong"),
    [
        ({}, False),
        ({"verdict": "fail"}, False),
        ({"verdict": "pass"}, True),
        ({"verdict": "pass", "is_in_load": False}, False),
        ({"verdict": "pass", "target": ""}, False),
        ({"verdict": "no end"}, True),
        ({"orphans": ("7 python",)}, True),
        ({"leftovers": ("worker-1",)}, True),
    ],
)
def test_a_pass_with_a_lost_part_and_everything_that_is_left_are_wrong(
    changes: dict[str, object], is_wrong: bool
) -> None:
    assert result(**changes).is_wrong == is_wrong


def test_the_trials_of_a_seed_are_the_same_and_of_every_kind() -> None:
    trials = list(islice(draw_trials(1), 100))
    assert trials == list(islice(draw_trials(1), 100))
    assert trials != list(islice(draw_trials(2), 100))
    assert {trial.blow for trial in trials} == set(Blow)
    assert Counter(trial.command[0] for trial in trials) == {"nightly": 34, "load": 66}
    assert sum("--scenario" in trial.command for trial in trials) == 33


def test_the_scenario_with_set_up_is_valid(tmp_path: Path) -> None:
    scenario = read_scenario(write_scenario_with_setup(tmp_path))
    assert all((scenario.setup, scenario.user_setup, scenario.teardown))


def test_the_tally_counts_verdicts_by_when_the_signal_came() -> None:
    results = [result(), result(verdict="fail"), result(target="", verdict="pass")]
    assert render_tally([*results, result(orphans=("7 python",))]).splitlines() == [
        "3 in the load: 2 inconclusive, 1 fail", "1 elsewhere: 1 pass",
        "1 orphans, 0 temporary folders, 1 wrong",
    ]  # fmt: skip


@pytest.mark.long
@pytest.mark.stack
def test_a_few_kills_leave_nothing_and_no_run_passes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--times", "4", "--seed", "3"]) == 0
    assert "0 orphans, 0 temporary folders, 0 wrong" in capsys.readouterr().out
