from pathlib import Path

import pytest

from benchmarks.evidence_fuzz import fuzz
from checks.suite import judge
from checks.verdict import Verdict
from tests.complete_run import write_complete_run

FEW = {"check 2", "check 3", "report 2"}


@pytest.mark.parametrize(
    ("mutations", "seed", "codes"),
    [
        (12, 2, FEW),
        pytest.param(
            2000, 20261127, {*FEW, "report 0"},
            marks=[pytest.mark.long, pytest.mark.timeout(1_800)],
        ),
    ],
)  # fmt: skip
def test_no_mutation_of_a_run_escapes_as_a_traceback_a_write_or_a_pass(
    tmp_path: Path, mutations: int, seed: int, codes: set[str]
) -> None:
    folder = write_complete_run(tmp_path)
    assert judge(folder).verdict is Verdict.PASS
    outcome = fuzz(folder.path, mutations, seed)
    assert not outcome.faults
    assert set(outcome.codes) >= codes
