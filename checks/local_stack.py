"""Judge whether the local stack lasted as long as the run."""

from collections.abc import Sequence
from dataclasses import replace

from checks.judgement import Judgement
from checks.result import LOCAL_STACK, Finding, Kind
from checks.verdict import Verdict
from checks.wording import listed
from config.signals import signal_name
from scenarios.evidence.run_folder import LostPart


def judge_local_stack(lost: Sequence[LostPart]) -> Finding:
    """Return the finding of a local stack of which parts were lost: the run is inconclusive."""
    return Finding(
        LOCAL_STACK, "local stack complete", Kind.VALIDITY, Verdict.INCONCLUSIVE,
        "every process of the local stack runs to the end of the run",
        listed([render_lost(part) for part in lost]),
        "The logs of the processes are in the folder stack of the run. Run it again.",
    )  # fmt: skip


def excuse_services(judgement: Judgement) -> Judgement:
    """Return a judgement without failures: with the supervisor, every service was ended."""
    findings = tuple(
        replace(each, verdict=Verdict.INCONCLUSIVE) if each.verdict is Verdict.FAIL else each
        for each in judgement.findings
    )
    return replace(judgement, findings=findings)


def render_lost(part: LostPart) -> str:
    """Return how a part was lost.

    >>> render_lost(LostPart("prometheus", -9))
    'prometheus was ended by SIGKILL'
    >>> render_lost(LostPart("cards", 0)), render_lost(LostPart("supervisor", None))
    ('cards ended with code 0', 'supervisor is suspended by a signal')
    """
    if part.exit_code is None:
        return f"{part.name} is suspended by a signal"
    if part.exit_code >= 0:
        return f"{part.name} ended with code {part.exit_code}"
    return f"{part.name} was ended by {signal_name(-part.exit_code)}"
