"""Validate quantities with their witnesses, and the counts of steps."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress

from config.model_keys import Location
from config.suggestions import did_you_mean, nearest
from scenarios.language.amounts import (
    AmountError,
    entries_of,
    recorded_entries,
    resolution_of,
    scaled,
)
from scenarios.language.api_validation import find_api_violations
from scenarios.language.expect import statuses_of
from scenarios.language.model import Scenario
from scenarios.language.quantities import LEAST_WITNESSES, Counts, Quantity
from scenarios.language.selector import Matcher, parse_selector
from scenarios.language.steps import Step
from scenarios.language.store_validation import find_store_violations
from scenarios.language.templates import TemplateError, compile_text, looks_like_template
from scenarios.language.violations import (
    Violation,
    repeated_names,
    template_violations,
    unknown_name,
)

_SHOWN = 40
MAX_RECORDED = 50


def find_quantity_violations(scenario: Scenario) -> Iterator[Violation]:
    """Yield every violation of the quantities and of what the steps count."""
    for place, step in scenario.placed_steps():
        yield from _counts(scenario, step, step.counts, (*place, "counts"))
        yield from _bounds(scenario, step, place)
        yield from _after_hang_up(scenario, step, place)
        yield from _by_status(scenario, step, (*place, "counts_by_status"))
    for name, quantity in scenario.quantities.items():
        yield from _quantity(scenario, name, quantity)


def _counts(
    scenario: Scenario, step: Step, counted: Mapping[str, Counts], place: Location
) -> Iterator[Violation]:
    known = list(scenario.quantities)
    for name, counts in counted.items():
        quantity = scenario.quantities.get(name)
        if quantity is None:
            yield (*place, name), unknown_name(name, list(known), "quantity")
        else:
            yield from _count_shape(counts, quantity.by, (*place, name))
            yield from _constant_amounts(scenario, name, counts, (*place, name))
            yield from _left_out(counts, quantity.by, _matchers(quantity), (*place, name))


def _bounds(scenario: Scenario, step: Step, place: Location) -> Iterator[Violation]:
    """Report bounds of what the step does not count, and more amounts than can be recorded."""
    if len(recorded_entries(step)) > MAX_RECORDED:
        message = f"these are more than {MAX_RECORDED} amounts with templates; split the step"
        yield (*place, "counts"), message
    # a quantity that is misspelt in `counts` is reported there
    meant = {nearest(each, list(scenario.quantities)) for each in step.counts}
    for name in step.at_most:
        at = (*place, "at_most", name)
        if name not in step.counts and name not in meant:
            yield at, f"the step does not count {name!r}; {did_you_mean(name, list(step.counts))}"
        elif name in scenario.quantities:
            yield from _at_most(scenario, step, name, at)


def _after_hang_up(scenario: Scenario, step: Step, place: Location) -> Iterator[Violation]:
    """Report bounds of a hang-up that are none, or are below what the step counts."""
    for name, bound in step.hang_up.at_most.items() if step.hang_up else ():
        at = (*place, "hang_up", "at_most", name)
        if name not in step.counts:
            yield at, f"the step does not count {name!r}; {did_you_mean(name, list(step.counts))}"
        elif name in scenario.quantities and not _is_amount(bound):
            yield at, f"{_short(bound)} is no amount; write a number, or a template"
        elif name in scenario.quantities:
            yield from _constant_amounts(scenario, name, bound, at)
            amounts = [each.amount for each in entries_of(step) if each.quantity == name]
            if any(not isinstance(each, str) and each > bound for each in amounts
                   if not isinstance(bound, str)):  # fmt: skip
                yield at, "it is less than what the step counts; raise it, or remove it"


def _by_status(scenario: Scenario, step: Step, place: Location) -> Iterator[Violation]:
    """Report counts of a status that is expected or that nothing has, and what they count."""
    for status, counted in step.counts_by_status.items():
        if not statuses_of(status):
            yield (*place, status), f"{status!r} is not a status; write 409, or a class such as 4xx"
        elif step.expect.statuses >= statuses_of(status):
            yield (*place, status), f"the step expects {status}; write what it counts in counts"
        yield from _counts(scenario, step, counted, (*place, status))


def _at_most(scenario: Scenario, step: Step, name: str, place: Location) -> Iterator[Violation]:
    """Report a bound that is no amount."""
    bound = step.at_most.get(name)
    if bound is not None and not _is_amount(bound):
        yield place, f"{_short(bound)} is no amount; write a number, or a template"
    else:
        yield from _constant_amounts(scenario, name, bound, place)


def _matchers(quantity: Quantity) -> list[Matcher]:
    """Return the matchers of a selector, without those on the tenant of a run."""
    tenant = "a tenant's name"
    with suppress(ValueError):  # a mistake in the selector is reported at its place
        matchers = quantity.selector(tenant).matchers
        return [each for each in matchers if tenant not in each.value]
    return []


def _left_out(
    counts: Counts, labels: list[str], matchers: list[Matcher], place: Location
) -> Iterator[Violation]:
    """Report what a step counts, and the selector of the quantity does not select."""
    if not isinstance(counts, dict) or not labels:
        return
    for value, inner in counts.items():
        for each in matchers:
            if looks_like_template(value):
                break
            if each.label == labels[0] and inner != 0 and not each.matches({labels[0]: value}):
                yield (
                    (*place, value),
                    f"the quantity's selector leaves out {value!r}: {each.label}{each.operator}"
                    f'"{each.value}" does not match it, since a matcher matches the whole value',
                )
        yield from _left_out(inner, labels[1:], matchers, (*place, value))


def _count_shape(counts: Counts, labels: list[str], place: Location) -> Iterator[Violation]:
    if isinstance(counts, dict) and labels:
        for value, inner in counts.items():
            yield from _count_shape(inner, labels[1:], (*place, value))
    elif isinstance(counts, dict) and counts.keys() & {"at_most", "at_least"}:
        yield place, "counts has the amount alone; write at_most: beside counts"
    elif isinstance(counts, dict):
        yield place, "the quantity has no further label; write one number"
    elif not _is_amount(counts):
        yield (
            place,
            f'{_short(counts)} is no amount; write a number, or a template: "{{{{ used }}}}"',
        )
    elif labels:
        yield place, f"the quantity has the label {labels[0]}; write a number per {labels[0]}"
    elif not isinstance(counts, str) and counts < 0:
        yield place, "a counter cannot decrease; write a number of at least 0"


def _is_amount(value: object) -> bool:
    if isinstance(value, str):
        return "{{" in value or "{%" in value  # a broken template is reported as such
    return isinstance(value, int | float) and not isinstance(value, bool)


def _short(value: object) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _constant_amounts(
    scenario: Scenario, name: str, counts: Counts, place: Location
) -> Iterator[Violation]:
    """Report constant amounts that are no multiple of the quantity's resolution."""
    if isinstance(counts, dict):
        for value, inner in counts.items():
            yield from _constant_amounts(scenario, name, inner, (*place, value))
    elif isinstance(counts, int | float) and counts >= 0:
        try:
            scaled(counts, resolution_of(scenario, name))
        except AmountError as error:
            yield place, f"the amount {error}"


def _quantity(scenario: Scenario, name: str, quantity: Quantity) -> Iterator[Violation]:
    place, known = ("quantities", name), list(scenario.quantities)
    # a misspelt name is reported by itself: here it stands for the quantity that it is nearest to
    counted = {
        count if count in known else nearest(count, known)
        for step in scenario.steps
        for count in step.counted
    }
    # of a flow and several flows at once, it is not known which is meant
    if name not in counted and not (scenario.flow and scenario.flows):
        yield place, f"no step counts {name!r}; add it to the counts of a step, or remove it"
    yield from _too_few_witnesses(scenario, name, quantity)
    yield from repeated_names(quantity.by, (*place, "by"), "label")
    if quantity.prometheus is not None:
        yield from _selector(quantity.prometheus, (*place, "prometheus"))
    yield from find_store_violations(quantity, place)
    yield from find_api_violations(quantity, (*place, "api"))


def _too_few_witnesses(scenario: Scenario, name: str, quantity: Quantity) -> Iterator[Violation]:
    named, least = quantity.named_witnesses, scenario.least_witnesses(name)
    if len(named) < LEAST_WITNESSES:
        yield ("quantities", name), f"{name!r} has no witness; add prometheus:, database: or api:"
    elif least and len(named) < least:
        remedy = "add another one, such as database:"
        yield too_few_witnesses(name, quantity, named, least, remedy)


def too_few_witnesses(
    name: str, quantity: Quantity, named: Sequence[str], least: int, remedy: str
) -> Violation:
    """Return the violation of a quantity with fewer witnesses than it, or the scenario, demands."""
    place = ("quantities", name, "witnesses") if quantity.witnesses else ("witnesses",)
    return place, (f"{name!r} needs at least {least} witnesses and has {len(named)} at most "
                   f"({', '.join(named)}); {remedy}, or lower the number")  # fmt: skip


def _selector(text: str, place: Location) -> Iterator[Violation]:
    yield from template_violations(text, ["tenant"], place)
    try:
        parse_selector(compile_text(text)({"tenant": "tenant"}))
    except TemplateError:
        return
    except ValueError as error:
        yield place, str(error)
