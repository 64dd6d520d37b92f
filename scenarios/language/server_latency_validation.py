"""Validate the objectives on histograms of services."""

from collections.abc import Iterator

from config.model_keys import Location
from scenarios.language.histograms import EDGE, SAMPLE_SUFFIXES
from scenarios.language.identifiers import slug
from scenarios.language.model import ITERATION, Scenario
from scenarios.language.objectives import NO_LIMIT, ServerLatencyObjective, percentile_name
from scenarios.language.selector import Selector
from scenarios.language.templates import TemplateError
from scenarios.language.violations import (
    UnknownName,
    Violation,
    repeated_names,
    template_violations,
    unknown_name,
)

_QUANTILE = "quantile"
_ANY_TENANT = "tenant"


def find_server_latency_violations(scenario: Scenario) -> Iterator[Violation]:
    """Yield every violation of `checks.server_latency`."""
    limited: set[tuple[str, float]] = set()
    for index, objective in enumerate(scenario.checks.server_latency):
        place: Location = ("checks", "server_latency", index)
        if not objective.limits():
            yield place, f"the objective {NO_LIMIT}"
        yield from _step(scenario, objective, place)
        yield from repeated_names(objective.by, (*place, "by"), "label")
        if EDGE in objective.by:
            yield (*place, "by"), "le is the edge of a bucket, and no label to judge by; remove it"
        mistakes = list(_histogram(objective, place))
        yield from mistakes
        if not mistakes:
            yield from _names(objective, limited, place)


def _step(
    scenario: Scenario, objective: ServerLatencyObjective, place: Location
) -> Iterator[Violation]:
    """Report a step that sends no request of an iteration."""
    steps, step = [each.step for each in scenario.flow_steps], objective.step
    if step == ITERATION:
        message = "a histogram times requests, and not iterations; name a step, or leave step out"
        yield (*place, "step"), message
    elif step in scenario.timed and step not in steps:
        message = f"{step!r} is no request; name a step, whose requests the histogram times"
        yield (*place, "step"), UnknownName(step, message)
    elif step is not None and step not in steps:
        yield (*place, "step"), unknown_name(step, steps, "step")


def _histogram(objective: ServerLatencyObjective, place: Location) -> Iterator[Violation]:
    """Report what is no selector of a histogram whose unit is known."""
    at = (*place, "histogram")
    yield from template_violations(objective.histogram, ["tenant"], at)
    try:
        selector = objective.selector(_ANY_TENANT)
    except TemplateError:
        return
    except ValueError as error:
        yield at, str(error)
        return
    mistakes = list(_no_histogram(selector))
    yield from ((at, message) for message in mistakes)
    if not mistakes and objective.per_second(_ANY_TENANT) is None:
        message = f"the unit of {selector.metric} is not in its name; add unit: s, ms or us"
        yield place, message


def _no_histogram(selector: Selector) -> Iterator[str]:
    metric, labels = selector.metric, {each.label for each in selector.matchers}
    suffix = next((each for each in SAMPLE_SUFFIXES if metric.endswith(each)), "")
    if suffix:
        yield f"{metric} is a sample of a histogram; write {metric.removesuffix(suffix)}"
    if EDGE in labels:
        yield "a limit chooses its buckets by itself; leave out le"
    if _QUANTILE in labels:
        yield (
            "a quantile of a summary is an estimate of its process, which shows no share within a "
            "limit; name a histogram"
        )


def _names(
    objective: ServerLatencyObjective, limited: set[tuple[str, float]], place: Location
) -> Iterator[Violation]:
    """Report a name without an id, or whose id another objective has."""
    name = objective.name_in(_ANY_TENANT)
    if not slug(name):
        yield (*place, "name"), "the name has no letter or digit; write a few words"
    for percentile in objective.limits():
        if (slug(name), percentile) in limited:
            message = f"the {percentile_name(percentile)} of {name!r} has a limit already"
            yield place, f"{message}; remove one, or give one a name"
        limited.add((slug(name), percentile))
