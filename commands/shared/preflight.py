"""Report a scenario whose names nobody has and whose queries are refused, before a load."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from config.documents import read_document
from config.environment import Environment
from config.errors import ConfigError, Problem
from config.redaction import redact
from scenarios.language.model import Scenario
from witnesses.preflight.inspection import Inspection, Outcome
from witnesses.preflight.preflight import inspect_scenario


def refuse_wrong_scenario(
    scenario: Scenario, path: Path, environment: Environment, tenant: str,
    secrets: Iterable[str],
) -> None:  # fmt: skip
    """Raise ConfigError for names that nobody has, and for queries that are refused.

    What is not known yet, or cannot be asked for, is left to the judges of the run.
    """
    inspections = inspect_scenario(scenario, environment, tenant)
    if problems := problems_of(inspections, path, secrets):
        raise ConfigError(*problems)


def problems_of(
    inspections: Sequence[Inspection], path: Path, secrets: Iterable[str]
) -> list[Problem]:
    """Return the mistakes of a scenario that inspections have shown, in the order of its lines."""
    document = read_document(path)
    problems = []
    for inspection in inspections:
        if inspection.outcome is Outcome.WRONG:
            words = "; ".join(filter(None, (inspection.observed, inspection.remedy)))
            problems.append(document.problem(inspection.location, redact(words, secrets)))
    return sorted(dict.fromkeys(problems), key=lambda problem: problem.line or 0)
