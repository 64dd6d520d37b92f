"""Mistakes of people who know another tool, or YAML too little: one sentence each, with the remedy.

In `golden/newcomers.txt`, the lines after `-` of the good scenario are replaced by those after `+`;
the problems follow after `>`. With UPDATE_GOLDEN=1 it is written anew.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scenarios.language.wrong_scenarios import problems_in
from tests.scenarios.shop_scenario import changed

GOLDEN = Path(__file__).parent / "golden" / "newcomers.txt"
CASES = GOLDEN.read_text(encoding="utf-8").strip().split("\n\n")


def _block(case: str, sign: str) -> str:
    lines = case.splitlines()
    return "".join(f"{line[2:]}\n" for line in lines if line.startswith(f"{sign} "))


def _with_problems(case: str, folder: Path) -> str:
    problems = problems_in(changed(folder, _block(case, "-"), _block(case, "+")))
    kept = [line for line in case.splitlines() if not line.startswith("> ")]
    return "\n".join((*kept, *(f"> {problem}" for problem in problems)))


def _titles() -> Iterator[str]:
    return (case.partition("\n")[0].removeprefix("# ") for case in CASES)


@pytest.mark.parametrize("case", CASES, ids=_titles())
def test_a_newcomers_mistake_has_its_line_and_its_remedy(tmp_path: Path, case: str) -> None:
    assert _with_problems(case, tmp_path) == case


def test_the_mistakes_have_different_names() -> None:
    assert len(set(_titles())) == len(CASES)


@pytest.mark.skipif("UPDATE_GOLDEN" not in os.environ, reason="it updates the golden file")
def test_the_golden_file_is_updated(tmp_path: Path) -> None:
    updated = [_with_problems(case, tmp_path) for case in CASES]
    GOLDEN.write_text("\n\n".join(updated) + "\n", encoding="utf-8")
