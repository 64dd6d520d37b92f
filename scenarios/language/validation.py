"""Do the parts of a scenario fit together? What the types of the language cannot say."""

import re
from collections.abc import Iterator
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError

from config.documents import Location, did_you_mean, nearest
from scenarios.language.model import ITERATION, Counts, Profile, Quantity, Scenario, Step
from scenarios.language.selector import parse_selector
from scenarios.language.templates import TemplateError, compile_text, compile_value, names_in

Broken = tuple[Location, str]

ALWAYS_KNOWN = ("tenant", "run", "iteration", "unique")
QUERY_VARIABLES = ("tenant", "window")

_QUESTION = re.compile(r"(select|with)\b", re.IGNORECASE)
_NOT_SQL = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|--[^\n]*|/\*.*?\*/", re.DOTALL)
# As SQLAlchemy reads it, which is given the query.
_VARIABLE = re.compile(r"(?<![:\w\\]):(\w+)(?!:)")
_EXTRAPOLATES = re.compile(r"\b(increase|rate|irate|delta|idelta|deriv)\s*\(")


def broken_rules(scenario: Scenario) -> Iterator[Broken]:
    """Yield each broken rule as the place in the document and a sentence."""
    yield from _repeated_steps(scenario)
    yield from _names(scenario)
    for index, step in enumerate(scenario.flow):
        yield from _answer_paths(step, ("flow", index))
        yield from _counts(scenario, step, ("flow", index, "counts"))
    for name, quantity in scenario.quantities.items():
        yield from _quantity(scenario, name, quantity)
    yield from _profiles(scenario)
    yield from _checks(scenario)


def _repeated_steps(scenario: Scenario) -> Iterator[Broken]:
    seen = {ITERATION}
    for index, step in enumerate(scenario.flow):
        if step.step in seen:
            yield ("flow", index, "step"), f"the name {step.step!r} is taken; give another"
        seen.add(step.step)


def _names(scenario: Scenario) -> Iterator[Broken]:
    known = list(ALWAYS_KNOWN)
    for index, step in enumerate(scenario.flow):
        parts: dict[str, Any] = {
            "request": step.request_parts()[2],
            "headers": step.headers,
            "json": step.body,
        }
        for key, value in parts.items():
            yield from _template(value, known, ("flow", index, key))
        yield from _template(step.expect.answer, known, ("flow", index, "expect", "json"))
        known += step.save


def _template(value: Any, known: list[str], place: Location) -> Iterator[Broken]:
    try:
        compile_value(value)
        unknown = sorted(names_in(value) - set(known))
    except TemplateError as error:
        yield place, str(error)
        return
    for name in unknown:
        yield place, f"{name!r} is used before any step saves it; {did_you_mean(name, known)}"


def _answer_paths(step: Step, place: Location) -> Iterator[Broken]:
    for expression in step.expect.answer:
        yield from _jmespath(expression, (*place, "expect", "json", expression))
    for name, expression in step.save.items():
        yield from _jmespath(expression, (*place, "save", name))


def _jmespath(expression: str, place: Location) -> Iterator[Broken]:
    try:
        jmespath.compile(expression)
    except JMESPathError as error:
        yield place, f"{expression!r} is not JMESPath: {str(error).splitlines()[0]}"


def _counts(scenario: Scenario, step: Step, place: Location) -> Iterator[Broken]:
    known = list(scenario.quantities)
    for name, counts in step.counts.items():
        quantity = scenario.quantities.get(name)
        if quantity is None:
            yield (*place, name), f"unknown quantity {name!r}; {did_you_mean(name, known)}"
        else:
            yield from _count_shape(counts, quantity.by, (*place, name))


def _count_shape(counts: Counts, labels: list[str], place: Location) -> Iterator[Broken]:
    if isinstance(counts, int) and labels:
        yield place, f"counted by {labels[0]}: write a number for each {labels[0]}"
    elif isinstance(counts, int) and counts < 0:
        yield place, "a counter cannot go down; write a number from 0"
    elif isinstance(counts, dict) and not labels:
        yield place, "this quantity has no further label; write one number"
    elif isinstance(counts, dict):
        for value, inner in counts.items():
            yield from _count_shape(inner, labels[1:], (*place, value))


def _quantity(scenario: Scenario, name: str, quantity: Quantity) -> Iterator[Broken]:
    place = ("quantities", name)
    if not any(_may_move(scenario, step, name) for step in scenario.flow):
        yield place, f"no step moves {name!r}; add it to the counts of a step, or remove it"
    if quantity.prometheus is None and quantity.database is None:
        yield place, f"{name!r} has no witness; add prometheus: or database:"
    if quantity.prometheus is not None:
        yield from _selector(quantity.prometheus, (*place, "prometheus"))
    for key, queries in (("database", quantity.database), ("traces", quantity.traces)):
        for database, query in (queries or {}).items():
            yield from _query(query, (*place, key, database))


def _query(query: str, place: Location) -> Iterator[Broken]:
    """Refuse what is not plainly a question; what writes in hiding the connection refuses."""
    bare = _NOT_SQL.sub(" ", query).strip()
    if not _QUESTION.match(bare):
        yield place, "only questions are put to a database: begin with SELECT or WITH"
    elif ";" in bare.removesuffix(";"):
        yield place, "write one statement; the ; parts it in two"
    for name in dict.fromkeys(_VARIABLE.findall(query)):
        if name != "tenant":
            yield place, rf"nothing is known for :{name}; only :tenant is, and \: is a plain colon"


def _may_move(scenario: Scenario, step: Step, name: str) -> bool:
    """Take a misspelt count as moving what it is near to: that mistake is reported by itself."""
    known = list(scenario.quantities)
    misspelt = (count for count in step.counts if count not in known)
    return name in step.counts or any(nearest(count, known) == name for count in misspelt)


def _selector(text: str, place: Location) -> Iterator[Broken]:
    yield from _template(text, ["tenant"], place)
    try:
        parse_selector(compile_text(text)({"tenant": "tenant"}))
    except TemplateError:
        return
    except ValueError as error:
        yield place, str(error)


def _profiles(scenario: Scenario) -> Iterator[Broken]:
    for name, profile in scenario.profiles.items():
        place: Location = ("profiles", name)
        misplaced = _misplaced_keys(profile)
        if misplaced:
            yield from (((*place, key), message) for key, message in misplaced)
        else:
            yield from ((place, message) for message in _profile(profile))


def _misplaced_keys(profile: Profile) -> list[tuple[str, str]]:
    """Return what belongs to the other model, each with a sentence."""
    others: tuple[str, ...]
    if profile.is_open:
        others = ("users", "iterations", "think", "max_duration")
        told = "belongs to a closed model; leave it out, or leave out the rate"
    else:
        others = ("arrivals", "seed", "max_users")
        told = "belongs to an open model; leave it out, or give a rate instead of users"
    return [(key, f"{key} {told}") for key in others if getattr(profile, key) is not None]


def _profile(profile: Profile) -> Iterator[str]:
    if profile.is_open:
        yield from _open_model(profile)
    elif profile.users is None:
        yield "give users, and iterations or duration; or a rate, as in 20/s, and duration"
    elif (profile.iterations is None) == (profile.duration is None):
        yield "give either iterations or duration"
    elif profile.duration is not None and profile.max_duration is not None:
        yield "max_duration bounds iterations; leave it out beside duration"
    if profile.warm_up is not None and profile.iterations is not None:
        yield "a warm-up is a part of the duration; give duration instead of iterations"
    elif profile.warm_up is not None and 0 < profile.lasts_s <= profile.warm_up:
        yield "the warm-up takes all of the time; make it shorter, or the load longer"


def _open_model(profile: Profile) -> Iterator[str]:
    if profile.rate is not None and profile.stages is not None:
        yield "give either rate or stages"
    elif isinstance(profile.rate, float) and profile.duration is None:
        yield "give the rate a duration, as in duration: 10m"
    elif not isinstance(profile.rate, float) and profile.duration is not None:
        yield "ramps and stages say how long they last; leave out duration"
    elif not sum(stage.arrivals for stage in profile.open_stages):
        yield "nothing arrives at a rate of 0; write for example 20/s"
    if profile.seed is not None and profile.arrivals != "poisson":
        yield "evenly spaced arrivals need no seed; leave it out, or write arrivals: poisson"


def _checks(scenario: Scenario) -> Iterator[Broken]:
    steps = [ITERATION, *(step.step for step in scenario.flow)]
    for index, objective in enumerate(scenario.checks.latency):
        place: Location = ("checks", "latency", index)
        if objective.step is not None and objective.step not in steps:
            yield place, f"unknown step {objective.step!r}; {did_you_mean(objective.step, steps)}"
        if not objective.limits():
            yield place, "an objective needs a limit: p50, p95 or p99"
    regression = scenario.checks.regression
    for index, step in enumerate((regression and regression.steps) or []):
        if step not in steps:
            place = ("checks", "regression", "steps", index)
            yield place, f"unknown step {step!r}; {did_you_mean(step, steps)}"
    known = list(scenario.quantities)
    for index, name in enumerate(scenario.checks.usage):
        if name not in known:
            place = ("checks", "usage", index)
            yield place, f"unknown quantity {name!r}; {did_you_mean(name, known)}"
    yield from _promql(scenario)


def _promql(scenario: Scenario) -> Iterator[Broken]:
    for index, check in enumerate(scenario.checks.promql):
        place: Location = ("checks", "promql", index)
        yield from _template(check.query, list(QUERY_VARIABLES), (*place, "query"))
        exact = check.comparison()[0] in ("==", "!=")
        function = _EXTRAPOLATES.search(check.query)
        if exact and function:
            yield (
                (*place, "expect"),
                f"{function[1]}() extrapolates, so an equality on it is chance; "
                "make it a quantity, which is counted from raw samples",
            )
