"""Validate the checks: objectives, judged quantities and PromQL."""

import re
from collections.abc import Iterator
from contextlib import suppress

from config.documents import did_you_mean
from config.model_keys import Location
from scenarios.language.identifiers import slug
from scenarios.language.model import Scenario
from scenarios.language.objectives import PromqlCheck
from scenarios.language.promql import find_promql_mistakes
from scenarios.language.templates import TemplateError, compile_text
from scenarios.language.violations import (
    Violation,
    template_violations,
    unknown_names,
)

QUERY_VARIABLES = ("tenant", "window")

_EXTRAPOLATES = re.compile(r"\b(increase|rate|irate|delta|idelta|deriv)\s*\(")


def find_check_violations(scenario: Scenario) -> Iterator[Violation]:
    """Yield every violation of the checks."""
    steps = list(scenario.timed)
    yield from _latency(scenario, steps)
    regression = scenario.checks.regression
    compared = (regression and regression.steps) or []
    yield from unknown_names(compared, steps, ("checks", "regression", "steps"), "step")
    quantities = list(scenario.quantities)
    yield from unknown_names(
        scenario.checks.usage or [], quantities, ("checks", "usage"), "quantity"
    )
    yield from _unjudged(scenario)
    yield from _promql(scenario)


def _latency(scenario: Scenario, steps: list[str]) -> Iterator[Violation]:
    limited: set[tuple[str | None, float]] = set()
    for index, objective in enumerate(scenario.checks.latency):
        place: Location = ("checks", "latency", index)
        if objective.step is not None and objective.step not in steps:
            yield place, f"unknown step {objective.step!r}; {did_you_mean(objective.step, steps)}"
        if not objective.limits():
            yield place, "the objective has no limit; add p50, p95 or p99"
        for percentile in objective.limits():
            if (objective.step, percentile) in limited:
                of = f"the step {objective.step!r}" if objective.step else "every step"
                yield place, f"the p{percentile:g} of {of} has a limit already; remove one"
            limited.add((objective.step, percentile))


def _unjudged(scenario: Scenario) -> Iterator[Violation]:
    """Refuse a quantity that is counted and judged by no check, unless a check misspells one."""
    judged, known = set(scenario.judged_quantities), set(scenario.quantities)
    counted = {name for step in scenario.steps for name in step.counts}
    for name in known - judged if judged <= known else ():
        if name in counted:
            message = f"no check judges {name!r}; add it to checks.usage, or remove checks.usage"
            yield ("quantities", name), f"{message} to judge every quantity"


def _promql(scenario: Scenario) -> Iterator[Violation]:
    names: dict[str, str] = {}
    for index, check in enumerate(scenario.checks.promql):
        place: Location = ("checks", "promql", index)
        other = names.get(slug(check.name))
        if other is not None:
            message = f"checks {other!r} and {check.name!r} have the same id; rename one"
            yield (*place, "name"), message
        elif not slug(check.name):
            yield (*place, "name"), "the name has no letter or digit; write a few words"
        names.setdefault(slug(check.name), check.name)
        yield from _promql_query(check, place)


def _promql_query(check: PromqlCheck, place: Location) -> Iterator[Violation]:
    yield from template_violations(check.query, list(QUERY_VARIABLES), (*place, "query"))
    with suppress(TemplateError):
        query = compile_text(check.query)({"tenant": "tenant", "window": "1m"})
        yield from (((*place, "query"), mistake) for mistake in find_promql_mistakes(query))
    function = _EXTRAPOLATES.search(check.query)
    if function and check.comparison()[0] in ("==", "!="):
        message = f"{function[1]}() extrapolates, so no equality holds for it reliably; "
        message += "declare a quantity, which is computed from raw samples"
        yield (*place, "expect"), message
