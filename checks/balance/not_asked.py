"""Find that no witness of a load was asked, so that its usage is not judged, with the remedy."""

from checks.case import Case
from checks.judgement import Judgement
from checks.result import Code, Finding, Kind, finding_id
from checks.verdict import Verdict
from config.program import NAME

_REASON = "usage was not judged: plain Locust asks no witness"
_REMEDY = (
    f"Plain Locust asks no witness: {NAME} load drives the same scenario in the same "
    "environment, and asks every one."
)


def judge_not_asked(case: Case) -> Judgement:
    """Return one finding for all that the scenario asks of witnesses: balances, histograms."""
    quantities, histograms = case.scenario.judged_quantities, case.scenario.checks.server_latency
    if not quantities and not histograms:
        return Judgement()
    balance = f"a balance of {', '.join(quantities)}" if quantities else ""
    limits = "limits on histograms of services" if histograms else ""
    finding = Finding(
        finding_id("usage", "witnesses"), "usage", Kind.USAGE, Verdict.INCONCLUSIVE,
        " and ".join(filter(None, (balance, limits))), "no witness was asked", _REMEDY,
        Code.NOT_ASKED, _REASON,
    )  # fmt: skip
    return Judgement((finding,))
