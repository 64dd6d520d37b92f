"""Order the findings that do not pass by what explains what, for headlines and tables."""

from checks.result import LOCAL_STACK, NOT_SATURATED, RUN_COMPLETE, Code, Finding, Result
from checks.verdict import Verdict
from checks.wording import shortened
from reports import formatting as write
from reports.views.kinds import KINDS
from reports.views.ordering import WORST_FIRST

_MOST_CHARACTERS = 160
_MOST_OBSERVED = 110

# First what makes the rest inconclusive: a precondition, a saturated generator.
_INCONCLUSIVE = tuple(sorted(KINDS, key=lambda kind: not KINDS[kind].is_precondition))


def deciding_finding(result: Result) -> Finding | None:
    """Return the finding that explains the run's verdict: the cause before what it caused."""
    alike = [each for each in result.findings if each.verdict is result.verdict]
    return min(alike, key=lambda each: _weight(result, each), default=None)


def open_findings(result: Result) -> tuple[Finding, ...]:
    """Return the findings that do not pass, failing ones first, causes before what they caused."""
    not_passed = [each for each in result.findings if each.verdict is not Verdict.PASS]
    return tuple(sorted(not_passed, key=lambda each: _weight(result, each)))


def reason_of(finding: Finding) -> str:
    """Return why a finding does not pass, and the remedy, in a few words; "" if it passes."""
    if finding.verdict is Verdict.PASS:
        return ""
    if finding.reason:
        return shortened(write.clean(finding.reason), _MOST_CHARACTERS)
    code = f"{finding.code}, " if finding.code else ""
    observed = f"{finding.title}: {code}{finding.observed}"
    if KINDS[finding.kind].is_precondition and finding.detail:
        return shortened(write.clean(f"{observed}; {finding.detail}"), _MOST_CHARACTERS)
    return shortened(write.clean(observed), _MOST_OBSERVED)


def interruption_of(result: Result) -> Finding | None:
    """Return the finding that shows how far an interrupted run came."""
    if result.interruption is None:
        return None
    return next((each for each in result.findings if each.id == RUN_COMPLETE), None)


def _weight(result: Result, finding: Finding) -> tuple[int, bool, int, bool]:
    """Return the place of a finding; what ended a run or its stack explains all the rest."""
    is_interruption = finding is interruption_of(result) or finding.id == LOCAL_STACK
    order = tuple(KINDS) if finding.verdict is Verdict.FAIL else _INCONCLUSIVE
    return (
        WORST_FIRST.index(finding.verdict), not is_interruption,
        # what was never asked is known before the load, and says nothing of it
        len(order) if finding.code is Code.NOT_ASKED else order.index(finding.kind),
        finding.id != NOT_SATURATED,  # a generator that is too busy drops arrivals
    )  # fmt: skip
