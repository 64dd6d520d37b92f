"""Wrong keys of a step: one sentence each, with its line and a remedy.

`golden/wrong_steps.txt` has the lines that are written into the second step of the good scenario
from line 19 on, and after `>` what is wrong. With UPDATE_GOLDEN=1 it is written anew.
"""

import os
from pathlib import Path

import pytest

from tests.scenarios.language.wrong_scenarios import problems_in
from tests.scenarios.shop_scenario import changed

GOLDEN = Path(__file__).parent / "golden" / "wrong_steps.txt"
PLACE = "    counts: {calls: 1}"
CASES = GOLDEN.read_text().split("\n\n")


def written_of(case: str) -> str:
    """Return a case without its problems."""
    return "".join(f"{line}\n" for line in case.splitlines() if not line.startswith("> "))


def problems_of(case: str, folder: Path) -> str:
    keys = "".join(f"    {line}\n" for line in written_of(case).splitlines()[1:])
    problems = problems_in(changed(folder, PLACE, f"{keys}{PLACE}"))
    return "".join(f"> {problem}\n" for problem in problems)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.splitlines()[0])
def test_a_wrong_step_is_one_sentence_with_line_and_remedy(tmp_path: Path, case: str) -> None:
    assert f"{written_of(case)}{problems_of(case, tmp_path)}" == f"{case.strip()}\n"


@pytest.mark.skipif("UPDATE_GOLDEN" not in os.environ, reason="it updates the golden file")
def test_the_golden_file_is_updated(tmp_path: Path) -> None:
    updated = [f"{written_of(case)}{problems_of(case, tmp_path)}" for case in CASES]
    GOLDEN.write_text("\n".join(updated))
