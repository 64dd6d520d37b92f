"""The three verdicts, their order of weight and their exit codes."""

from collections.abc import Iterable
from enum import StrEnum


class Verdict(StrEnum):
    """The three values that a finding, a row or a run can have."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


_MILDEST_FIRST = (Verdict.PASS, Verdict.INCONCLUSIVE, Verdict.FAIL)

_EXIT_CODES = {Verdict.PASS: 0, Verdict.FAIL: 1, Verdict.INCONCLUSIVE: 3}


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the verdict that decides: fail, then inconclusive, then pass.

    Nothing judged is nothing proven:

    >>> worst([])
    <Verdict.INCONCLUSIVE: 'inconclusive'>
    """
    return max(verdicts, key=_MILDEST_FIRST.index, default=Verdict.INCONCLUSIVE)


def exit_code(verdict: Verdict) -> int:
    """Return the process's exit code: 0 pass, 1 fail, 3 inconclusive."""
    return _EXIT_CODES[verdict]
