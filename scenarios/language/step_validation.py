"""Validate the steps of a flow: their names, their templates and their expressions."""

from collections.abc import Iterator, Sequence
from functools import partial

from config.model_keys import Location
from scenarios.language.amounts import recorded_entries
from scenarios.language.body_validation import find_body_violations, values_in
from scenarios.language.expect_validation import find_expect_violations, texts_in_expect
from scenarios.language.identifiers import slug
from scenarios.language.jmespath_validation import find_mistakes
from scenarios.language.link import compile_link, is_link
from scenarios.language.model import ITERATION, Scenario
from scenarios.language.placeholders import find_placeholders
from scenarios.language.request_body import compile_body
from scenarios.language.steps import Step
from scenarios.language.stream_validation import find_stream_violations
from scenarios.language.streams import EVENTS_VARIABLE
from scenarios.language.target import compile_target
from scenarios.language.templates import looks_like_template, variables_in
from scenarios.language.violations import Violation, template_violations

BUILT_IN_VARIABLES = ("tenant", "run", "iteration", "unique")
# of each request
TRACE_VARIABLE = "trace_id"
_RESERVED = {
    **dict.fromkeys((*BUILT_IN_VARIABLES, TRACE_VARIABLE), "iteration"),
    EVENTS_VARIABLE: "stream",
}

_BODY = partial(compile_body, known={})


def find_step_violations(scenario: Scenario) -> Iterator[Violation]:
    """Yield every violation of the steps."""
    yield from _step_names(scenario)
    for place, step in scenario.placed_steps():
        for sentence in find_placeholders(step.request_parts()[2]):
            yield (*place, "request"), sentence
        yield from find_body_violations(place, step)
        yield from find_stream_violations(place, step)
        for key, expectation in step.expectations():
            for expression in expectation.body_values:
                yield from _jmespath(expression, (*place, key, "json", expression))
            yield from find_expect_violations((*place, key), expectation)
        if step.until and not step.until.model_fields_set - {"every", "within"}:
            yield (*place, "until"), "until has no condition; add status or json"
        for variable, capture in step.save.items():
            if capture.json_path is not None:
                yield from _jmespath(capture.json_path, (*place, "save", variable))


def reserved_name(name: str) -> Iterator[str]:
    """Yield what is wrong with the name of a variable that has a meaning already."""
    if name in _RESERVED:
        yield f"{name!r} is a variable of every {_RESERVED[name]}; choose another name"


def _step_names(scenario: Scenario) -> Iterator[Violation]:
    """Refuse steps that findings could not tell apart: a finding's id has the slug of the name."""
    names = {slug(ITERATION): ITERATION}
    for here, step in scenario.placed_steps():
        place: Location = (*here, "step")
        other = names.get(slug(step.step))
        if other == ITERATION:
            yield place, f"the name {step.step!r} is reserved for the whole iteration; change it"
        elif other == step.step:
            yield place, f"two steps are named {other!r}; rename one"
        elif other is not None:
            yield place, f"steps {other!r} and {step.step!r} have the same id; rename one"
        if looks_like_template(step.step):
            yield place, "templates are not evaluated in a step's name; write a fixed name"
        for timed in step.timed:
            names.setdefault(slug(timed), timed)


def find_variable_violations(
    step: Step, place: Location, known: list[str], reported: Sequence[str] = ()
) -> Iterator[Violation]:
    """Yield the templates of a step that are wrong, or use variables that are not `known`.

    `reported` are those that are known when a later step has reported what this one counts.
    """
    for name in step.save:
        yield from (((*place, "save", name), message) for message in reserved_name(name))
    known = [*known, TRACE_VARIABLE]
    events = [EVENTS_VARIABLE] if step.stream else []
    path = step.request_parts()[2]
    yield from template_violations(path, known, (*place, "request"), _compile_path)
    yield from template_violations(step.headers, known, (*place, "headers"))
    yield from template_violations(step.json_body, known, (*place, "json"), _BODY)
    for key_place, value in values_in(step):
        yield from template_violations(value, known, (*place, *key_place))
    for key, expectation in step.expectations():
        of_response = [*known, *events]
        for expression, value in expectation.body_values.items():
            yield from template_violations(value, of_response, (*place, key, "json", expression))
        for key_place, value in texts_in_expect(expectation):
            yield from template_violations(value, of_response, (*place, key, *key_place))
    yield from template_violations(step.at_most, known, (*place, "at_most"))
    if step.hang_up:
        of_hang_up = [*known, *step.save, *events]
        at = (*place, "hang_up", "at_most")
        yield from template_violations(step.hang_up.at_most, of_hang_up, at)
    # when it is reported, the events are gone
    yield from _counts(step, place, known, reported or [*step.save, *events])


def _counts(
    step: Step, place: Location, known: list[str], counted_with: Sequence[str]
) -> Iterator[Violation]:
    """Yield the templates of what a step counts that are wrong, or use unknown variables."""
    for entry in recorded_entries(step):
        under: Location = ("counts_by_status", entry.status) if entry.status else ("counts",)
        counts: Location = (*place, *under, entry.quantity, *entry.labels)
        values = [*entry.labels, entry.amount]
        of_entry = known if entry.status else [*known, *counted_with]
        yield from template_violations(values, of_entry, counts)
        if step.until and variables_in(values) & set(step.save):
            yield (
                counts,
                "a response before the last of the poll has no such amount; count it in a "
                "step after this one",
            )


def _compile_path(path: str) -> object:
    return compile_link("", path, {}) if is_link(path) else compile_target("", path, {})


def _jmespath(expression: str, place: Location) -> Iterator[Violation]:
    yield from ((place, mistake) for mistake in find_mistakes(expression))
