"""Validate how the parts of a scenario fit together, which the types of `model` cannot express.

Each violation is the place in the document and one sentence: what is wrong, and the remedy.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

from config.documents import did_you_mean, nearest
from config.model_keys import Location
from scenarios.language.identifiers import slug
from scenarios.language.jmespath_validation import find_mistakes
from scenarios.language.model import (
    ITERATION,
    Counts,
    Profile,
    PromqlCheck,
    Quantity,
    Scenario,
    Step,
)
from scenarios.language.promql import find_promql_mistakes
from scenarios.language.request_body import compile_body
from scenarios.language.selector import Matcher, parse_selector
from scenarios.language.target import compile_target
from scenarios.language.templates import (
    TemplateError,
    compile_text,
    compile_value,
    looks_like_template,
    variables_in,
)

Violation = tuple[Location, str]

BUILT_IN_VARIABLES = ("tenant", "run", "iteration", "unique")
QUERY_VARIABLES = ("tenant", "window")

_BODY = partial(compile_body, known={})
_QUERY_START = re.compile(r"(select|with)\b", re.IGNORECASE)
_NOT_SQL = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|--[^\n]*|/\*.*?\*/", re.DOTALL)
# as SQLAlchemy parses bind parameters, since it executes the query
_BIND_VARIABLE = re.compile(r"(?<![:\w\\]):(\w+)(?!:)")
# the keys of one load model, and what is wrong with them in a profile of the other
_OF_CLOSED_MODEL = (
    ("users", "iterations", "think", "max_duration"),
    "belongs to the closed model; remove it, or remove the rate or stages",
)
_OF_OPEN_MODEL = (
    ("arrivals", "seed", "max_users"),
    "belongs to the open model; remove it, or write a rate instead of users",
)
_EXTRAPOLATES = re.compile(r"\b(increase|rate|irate|delta|idelta|deriv)\s*\(")


def find_violations(scenario: Scenario) -> Iterator[Violation]:
    """Yield every violation of a scenario."""
    yield from _step_names(scenario)
    yield from _variables(scenario)
    for index, step in enumerate(scenario.flow):
        place: Location = ("flow", index)
        for expression in step.expect.body_values:
            yield from _jmespath(expression, (*place, "expect", "json", expression))
        for variable, expression in step.save.items():
            yield from _jmespath(expression, (*place, "save", variable))
        yield from _counts(scenario, step, (*place, "counts"))
    for name, quantity in scenario.quantities.items():
        yield from _quantity(scenario, name, quantity)
    yield from _profiles(scenario)
    yield from _checks(scenario)


def _step_names(scenario: Scenario) -> Iterator[Violation]:
    """Refuse steps that findings could not tell apart: a finding's id has the slug of the name."""
    names = {slug(ITERATION): ITERATION}
    for index, step in enumerate(scenario.flow):
        place: Location = ("flow", index, "step")
        other = names.get(slug(step.step))
        if other == ITERATION:
            yield place, f"the name {step.step!r} is reserved for the whole iteration; change it"
        elif other == step.step:
            yield place, f"two steps are named {other!r}; rename one"
        elif other is not None:
            yield place, f"steps {other!r} and {step.step!r} have the same id; rename one"
        if looks_like_template(step.step):
            yield place, "templates are not evaluated in a step's name; write a fixed name"
        names.setdefault(slug(step.step), step.step)


def _variables(scenario: Scenario) -> Iterator[Violation]:
    known = list(BUILT_IN_VARIABLES)
    for index, step in enumerate(scenario.flow):
        path = step.request_parts()[2]
        yield from _template(
            path, known, ("flow", index, "request"), lambda text: compile_target("", text, {})
        )
        yield from _template(step.headers, known, ("flow", index, "headers"))
        yield from _template(step.body, known, ("flow", index, "json"), _BODY)
        for key, value in step.expect.body_values.items():
            yield from _template(value, known, ("flow", index, "expect", "json", key))
        known += step.save


def _template(
    value: Any,
    known: list[str],
    place: Location,
    compile_as: Callable[[Any], object] = compile_value,
) -> Iterator[Violation]:
    try:
        compile_as(value)
        unknown = sorted(variables_in(value) - set(known))
    except TemplateError as error:
        yield place, str(error)
        return
    for name in unknown:
        yield place, f"the variable {name!r} is not defined here; {did_you_mean(name, known)}"


def _jmespath(expression: str, place: Location) -> Iterator[Violation]:
    yield from ((place, mistake) for mistake in find_mistakes(expression))


def _counts(scenario: Scenario, step: Step, place: Location) -> Iterator[Violation]:
    known = list(scenario.quantities)
    for name, counts in step.counts.items():
        quantity = scenario.quantities.get(name)
        if quantity is None:
            yield (*place, name), f"unknown quantity {name!r}; {did_you_mean(name, known)}"
        else:
            yield from _count_shape(counts, quantity.by, (*place, name))
            yield from _left_out(counts, quantity.by, _matchers(quantity), (*place, name))


def _matchers(quantity: Quantity) -> list[Matcher]:
    """Return the matchers of a selector, without those on the tenant of a run."""
    tenant = "a tenant's name"
    with suppress(ValueError):  # a mistake in the selector is reported at its place
        selector = parse_selector(compile_text(quantity.prometheus or "")({"tenant": tenant}))
        return [each for each in selector.matchers if tenant not in each.value]
    return []


def _left_out(
    counts: Counts, labels: list[str], matchers: list[Matcher], place: Location
) -> Iterator[Violation]:
    """Report what a step counts, and the selector of the quantity does not select."""
    if isinstance(counts, int) or not labels:
        return
    for value, inner in counts.items():
        for each in matchers:
            if each.label == labels[0] and inner != 0 and not each.matches({labels[0]: value}):
                yield (
                    (*place, value),
                    f"the quantity's selector leaves out {value!r}: {each.label}{each.operator}"
                    f'"{each.value}" does not match it, since a matcher matches the whole value',
                )
        yield from _left_out(inner, labels[1:], matchers, (*place, value))


def _count_shape(counts: Counts, labels: list[str], place: Location) -> Iterator[Violation]:
    if isinstance(counts, int) and labels:
        yield place, f"the quantity has the label {labels[0]}; write a number per {labels[0]}"
    elif isinstance(counts, int) and counts < 0:
        yield place, "a counter cannot decrease; write a number of at least 0"
    elif isinstance(counts, dict) and not labels:
        yield place, "the quantity has no further label; write one number"
    elif isinstance(counts, dict):
        for value, inner in counts.items():
            if looks_like_template(value):
                yield (
                    (*place, value),
                    f"{value!r}: templates are not evaluated in counts; write the label's value, "
                    "or count by other labels",
                )
            yield from _count_shape(inner, labels[1:], (*place, value))


def _quantity(scenario: Scenario, name: str, quantity: Quantity) -> Iterator[Violation]:
    place, known = ("quantities", name), list(scenario.quantities)
    # a misspelt name is reported by itself: here it stands for the quantity that it is nearest to
    counted = {
        count if count in known else nearest(count, known)
        for step in scenario.flow
        for count in step.counts
    }
    if name not in counted:
        yield place, f"no step counts {name!r}; add it to the counts of a step, or remove it"
    if quantity.prometheus is None and quantity.database is None:
        yield place, f"{name!r} has no witness; add prometheus: or database:"
    yield from _repeated(quantity.by, (*place, "by"), "label")
    if quantity.prometheus is not None:
        yield from _selector(quantity.prometheus, (*place, "prometheus"))
    for key, queries in (("database", quantity.database), ("traces", quantity.traces)):
        for database, query in (queries or {}).items():
            yield from _query(query, (*place, key, database))


def _query(query: str, place: Location) -> Iterator[Violation]:
    """Refuse what is plainly not one query; the read-only connection refuses hidden writes."""
    bare = _NOT_SQL.sub(" ", query).strip()
    if not _QUERY_START.match(bare):
        yield place, "this is not a query; begin it with SELECT or WITH"
    elif looks_like_template(query):
        yield place, "templates are not evaluated in a query; write :tenant, without quotes"
    elif ";" in bare.removesuffix(";"):
        yield place, "these are several statements; write one, without a ; inside"
    for name in dict.fromkeys(_BIND_VARIABLE.findall(query)):
        if name != "tenant":
            yield (
                place,
                rf"unknown variable :{name}; only :tenant is known, and \: is a literal colon",
            )


def _selector(text: str, place: Location) -> Iterator[Violation]:
    yield from _template(text, ["tenant"], place)
    try:
        parse_selector(compile_text(text)({"tenant": "tenant"}))
    except TemplateError:
        return
    except ValueError as error:
        yield place, str(error)


def _profiles(scenario: Scenario) -> Iterator[Violation]:
    for name, profile in scenario.profiles.items():
        place: Location = ("profiles", name)
        others, remedy = _OF_CLOSED_MODEL if profile.is_open else _OF_OPEN_MODEL
        misplaced = [key for key in others if getattr(profile, key) is not None]
        yield from (((*place, key), f"{key} {remedy}") for key in misplaced)
        # a profile with keys of both models has no model whose rules it could break
        if not misplaced:
            yield from ((place, message) for message in _profile(profile))


def _profile(profile: Profile) -> Iterator[str]:
    if profile.is_open:
        yield from _open_model(profile)
    elif profile.users is None:
        yield "no load is given; write users and iterations or duration, or a rate and duration"
    elif (profile.iterations is None) == (profile.duration is None):
        yield "write either iterations or duration"
    elif profile.duration is not None and profile.max_duration is not None:
        yield "max_duration limits iterations; remove it, or remove duration"
    if profile.warm_up is not None and profile.iterations is not None:
        yield "warm_up is a part of the duration; write duration instead of iterations"
    elif profile.warm_up is not None and 0 < profile.duration_s <= profile.warm_up:
        yield "warm_up covers the whole load; make it shorter, or the load longer"


def _open_model(profile: Profile) -> Iterator[str]:
    if profile.rate is not None and profile.stages is not None:
        yield "write either rate or stages"
    elif isinstance(profile.rate, float) and profile.duration is None:
        yield "the rate has no duration; add one, as in duration: 10m"
    elif not isinstance(profile.rate, float) and profile.duration is not None:
        yield "ramps and stages have their own durations; remove duration"
    elif not sum(stage.arrivals for stage in profile.open_stages):
        yield "no iteration arrives at a rate of 0; write for example 20/s"
    if profile.seed is not None and profile.arrivals != "poisson":
        yield "evenly spaced arrivals have no seed; remove it, or write arrivals: poisson"


def _checks(scenario: Scenario) -> Iterator[Violation]:
    steps = [ITERATION, *(step.step for step in scenario.flow)]
    yield from _latency(scenario, steps)
    regression = scenario.checks.regression
    compared = (regression and regression.steps) or []
    yield from _known(compared, steps, ("checks", "regression", "steps"), "step")
    quantities = list(scenario.quantities)
    yield from _known(scenario.checks.usage or [], quantities, ("checks", "usage"), "quantity")
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


def _known(names: list[str], known: list[str], place: Location, kind: str) -> Iterator[Violation]:
    """Yield the names of a list that are unknown, and those that it has twice."""
    for index, name in enumerate(names):
        if name not in known:
            yield (*place, index), f"unknown {kind} {name!r}; {did_you_mean(name, known)}"
    yield from _repeated(names, place, kind)


def _repeated(names: list[str], place: Location, kind: str) -> Iterator[Violation]:
    for index, name in enumerate(names):
        if name in names[:index]:
            yield (*place, index), f"the {kind} {name!r} is named twice; remove one"


def _unjudged(scenario: Scenario) -> Iterator[Violation]:
    """Refuse a quantity that is counted and judged by no check, unless a check misspells one."""
    judged, known = set(scenario.judged_quantities), set(scenario.quantities)
    counted = {name for step in scenario.flow for name in step.counts}
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
    yield from _template(check.query, list(QUERY_VARIABLES), (*place, "query"))
    with suppress(TemplateError):
        query = compile_text(check.query)({"tenant": "tenant", "window": "1m"})
        yield from (((*place, "query"), mistake) for mistake in find_promql_mistakes(query))
    function = _EXTRAPOLATES.search(check.query)
    if function and check.comparison()[0] in ("==", "!="):
        message = f"{function[1]}() extrapolates, so no equality holds for it reliably; "
        message += "declare a quantity, which is computed from raw samples"
        yield (*place, "expect"), message
