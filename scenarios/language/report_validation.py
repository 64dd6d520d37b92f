"""Validate `reported_by`: the later step whose response has the amounts that a step counts."""

from collections.abc import Iterator, Sequence

from config.model_keys import Location
from config.suggestions import did_you_mean
from scenarios.language.amounts import recorded_entries
from scenarios.language.blocks import Block
from scenarios.language.steps import Step
from scenarios.language.templates import TemplateError, variables_in
from scenarios.language.violations import UnknownName, Violation


def find_report_violations(
    step: Step, place: Location, behind: Sequence[str], later: set[str]
) -> Iterator[Violation]:
    """Yield what is wrong with the report of a step's amounts.

    `behind` are the steps behind it in its list, and `later` the names that are saved up to the
    report.
    """
    at = (*place, "reported_by")
    if step.until or step.hang_up:
        key = "until" if step.until else "hang_up"
        yield at, f"what is counted with {key} is not reported later; remove one of both"
    elif step.reported_by not in behind:
        hint = did_you_mean(step.reported_by or "", behind) if behind else "write that one below it"
        sentence = f"{step.reported_by!r} is no step behind this one in the same list; {hint}"
        yield at, UnknownName(step.reported_by or "", sentence)
    elif not _uses(step, later):
        yield at, "nothing that it counts needs a value that is saved later; remove reported_by"


def _uses(step: Step, later: set[str]) -> bool:
    try:
        values = ([*each.labels, each.amount] for each in recorded_entries(step) if not each.status)
        return any(variables_in(each) & later for each in values)
    except TemplateError:  # reported at its place
        return True


def with_report(
    violations: Iterator[Violation], place: Location, behind: Sequence[Block]
) -> Iterator[Violation]:
    """Yield the violations of a step; where it counts what a later step saves, with that remedy."""
    for where, message in violations:
        name = message.name if isinstance(message, UnknownName) else ""
        is_count = where[len(place) : len(place) + 1] == ("counts",)
        steps = [block for block in behind if isinstance(block, Step) and name in block.save]
        if is_count and steps:
            remedy = f"add reported_by: {steps[0].step}"
            sentence = f"the variable {name!r} is saved by a later step; {remedy}"
            yield where, UnknownName(name, sentence)
        else:
            yield where, message
