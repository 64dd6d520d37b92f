"""Validate the checks: objectives, judged quantities and PromQL."""

import re
from collections.abc import Iterator
from contextlib import suppress

from config.model_keys import Location
from config.suggestions import did_you_mean
from scenarios.http.streams import StreamKind
from scenarios.language.identifiers import slug
from scenarios.language.model import ITERATION, Scenario
from scenarios.language.objectives import NO_LIMIT, PromqlCheck, percentile_name
from scenarios.language.promql import find_promql_mistakes
from scenarios.language.server_latency_validation import find_server_latency_violations
from scenarios.language.steps import Until
from scenarios.language.stream_validation import ADD_STREAM
from scenarios.language.templates import TemplateError, compile_text
from scenarios.language.violations import (
    UnknownName,
    Violation,
    template_violations,
    unknown_name,
    unknown_names,
)

QUERY_VARIABLES = ("tenant", "window")

_EXTRAPOLATES = re.compile(r"\b(increase|rate|irate|delta|idelta|deriv)\s*\(")


def find_check_violations(scenario: Scenario) -> Iterator[Violation]:
    """Yield every violation of the checks."""
    steps = list(scenario.timed)
    yield from _latency(scenario, steps)
    yield from find_server_latency_violations(scenario)
    yield from _throughput(scenario)
    yield from _errors(scenario)
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
            hint = _missing_key(scenario, objective.step) or did_you_mean(objective.step, steps)
            yield place, UnknownName(objective.step, f"unknown step {objective.step!r}; {hint}")
        if not objective.limits():
            yield place, f"the objective {NO_LIMIT}"
        for percentile in objective.limits():
            if (objective.step, percentile) in limited:
                of = f"the step {objective.step!r}" if objective.step else "every step"
                name = percentile_name(percentile)
                yield place, f"the {name} of {of} has a limit already; remove one"
            limited.add((objective.step, percentile))


def _missing_key(scenario: Scenario, name: str) -> str:
    """Return which key a step would need to have a duration of this name, or ""."""
    wait, stream = {"until": Until()}, {"stream": StreamKind.SSE}
    for step in scenario.flow_steps:
        if name in step.model_copy(update=wait).timed:
            return f"the step {step.step!r} has no until"
        if name in step.model_copy(update=stream).timed:
            return f"the step {step.step!r} has no stream; {ADD_STREAM}"
    return ""


def _throughput(scenario: Scenario) -> Iterator[Violation]:
    steps = [ITERATION, *(step.step for step in scenario.steps)]
    profiles = scenario.profiles.values()
    most_per_s = max((each.max_rate_per_s for each in profiles if each.is_open), default=0.0)
    limited: set[str] = set()
    for index, objective in enumerate(scenario.checks.throughput):
        place: Location = ("checks", "throughput", index)
        step = objective.step or ITERATION
        if step not in steps:
            yield (*place, "step"), unknown_name(step, steps, "step")
        if step in limited:
            yield place, f"the throughput of {step!r} has a limit already; remove one"
        limited.add(step)
        if objective.at_least == 0:
            yield (*place, "at_least"), "every load reaches 0/s; write for example 50/s"
        elif all(each.is_open for each in profiles) and objective.at_least > most_per_s:
            yield (
                (*place, "at_least"),
                f"no profile has more than {most_per_s:g} iterations per second; lower it, or "
                "raise a rate",
            )


def _errors(scenario: Scenario) -> Iterator[Violation]:
    steps = [step.step for step in scenario.steps]
    limited: set[str | None] = set()
    for index, objective in enumerate(scenario.checks.errors):
        place: Location = ("checks", "errors", index)
        if objective.step == ITERATION:
            yield (*place, "step"), "success_rate limits the errors of iterations; name a step"
        elif objective.step is not None and objective.step not in steps:
            yield (*place, "step"), unknown_name(objective.step, steps, "step")
        if objective.step in limited:
            of = f"the step {objective.step!r}" if objective.step else "every step"
            yield place, f"the errors of {of} have a limit already; remove one"
        limited.add(objective.step)


def _unjudged(scenario: Scenario) -> Iterator[Violation]:
    """Refuse a quantity that is counted and judged by no check, unless a check misspells one."""
    judged, known = set(scenario.judged_quantities), set(scenario.quantities)
    counted = {name for step in scenario.steps for name in step.counted}
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
