"""Validate the blocks of a flow: which variables are known where, and how many requests it sends.

A variable is known below a block that may be left out, `if` or `for_each`, only if it is saved in
every case.
"""

from collections.abc import Iterator, Sequence

from config.model_keys import Location
from scenarios.language.blocks import (
    MAX_EXCHANGES,
    Block,
    Condition,
    ForEach,
    Repeat,
    Together,
    placed_blocks,
)
from scenarios.language.extents import extent_of
from scenarios.language.model import Scenario
from scenarios.language.report_validation import find_report_violations, with_report
from scenarios.language.reports import blocks_up_to, saved_in
from scenarios.language.step_validation import (
    BUILT_IN_VARIABLES,
    find_variable_violations,
    reserved_name,
)
from scenarios.language.steps import Step
from scenarios.language.violations import Violation, template_violations

OUTSIDE_VARIABLES = ("tenant", "run", "unique")  # of requests in no iteration

_WHEN = {"setup": "before", "teardown": "after"}


def find_block_violations(scenario: Scenario) -> Iterator[Violation]:
    """Yield every violation of the blocks of the flow, and of what is run before and after it."""
    shared, before = list(OUTSIDE_VARIABLES), len(OUTSIDE_VARIABLES)
    yield from _variables(scenario.setup, ("setup",), shared)
    kept = [name for name, source in scenario.data.items() if source.per == "user"]
    others = [name for name in scenario.data if name not in kept]
    of_user = [*shared, *kept]
    yield from _variables(scenario.user_setup, ("user_setup",), of_user)
    known = [*BUILT_IN_VARIABLES, *others, *of_user[before:]]
    for place, blocks in scenario.placed_parts():
        if place[0] in ("flow", "flows"):
            yield from _variables(blocks, place, list(known))
            yield from _iterations(blocks, place)
        yield from _extent(blocks, place)
    yield from _variables(scenario.teardown, ("teardown",), list(shared))
    if (scenario.flow is None) != bool(scenario.flows):
        yield ("flows",), "write either flow, or flows, each with its share and its steps"
    for name in {"setup", "teardown"} & scenario.profiles.keys():
        yield ("profiles", name), f"{name} names the requests {_WHEN[name]} a run; rename it"


def _variables(blocks: Sequence[Block], place: Location, known: list[str]) -> Iterator[Violation]:
    """Yield the templates that use unknown variables; add to `known` what is saved in any case."""
    for index, block in enumerate(blocks):
        here = (*place, index)
        match block:
            case Step():
                yield from _step(block, here, known, blocks[index + 1 :])
            case Repeat():
                yield from _inside(block, here, known)
            case ForEach():
                yield from template_violations(block.for_each, known, (*here, "for_each"))
                yield from _inside(block, here, known)
            case Condition():
                yield from template_violations(block.condition, known, (*here, "if"))
                yield from _variables(block.steps, (*here, "steps"), list(known))
                yield from _variables(block.otherwise or (), (*here, "else"), list(known))
            case Together():
                for position, step in enumerate(block.together):
                    yield from _step(step, (*here, "together", position), known, ())
        known += dict.fromkeys(name for name in _always_saved([block]) if name not in known)


def _always_saved(blocks: Sequence[Block]) -> Iterator[str]:
    """Yield the names that blocks save in any case."""
    for block in blocks:
        match block:
            case Step():
                yield from block.save
            case Repeat():
                yield from (name for name in _always_saved(block.steps) if name != block.variable)
            case Condition():
                otherwise = set(_always_saved(block.otherwise or ()))
                yield from (name for name in _always_saved(block.steps) if name in otherwise)
            case Together():
                yield from (name for step in block.together for name in step.save)


def _step(
    step: Step, place: Location, known: list[str], behind: Sequence[Block]
) -> Iterator[Violation]:
    """Yield the violations of a step; `behind` are the blocks behind it in its list."""
    if step.reported_by is None:
        found = find_variable_violations(step, place, known)
        yield from with_report(found, place, behind)
        return
    until = blocks_up_to(step.reported_by, behind)
    reported = [*step.save, *_always_saved(until)]
    yield from find_variable_violations(step, place, known, reported)
    names = [block.step for block in behind if isinstance(block, Step)]
    yield from find_report_violations(step, place, names, saved_in(until))


def _inside(block: Repeat | ForEach, place: Location, known: list[str]) -> Iterator[Violation]:
    """Yield the violations of a block that has a variable of its own."""
    if block.variable in known:
        yield (*place, "as"), f"the variable {block.variable!r} is known already; choose another"
    else:
        yield from (((*place, "as"), message) for message in reserved_name(block.variable or ""))
    inner = [*known, *([block.variable] if block.variable else [])]
    yield from _variables(block.steps, (*place, "steps"), inner)


def _iterations(blocks: Sequence[Block], place: Location) -> Iterator[Violation]:
    # an empty list is reported by itself
    if blocks and not extent_of(blocks).sends:
        yield place, "an iteration may send no request; add a step outside of if and for_each"


def _extent(blocks: Sequence[Block], place: Location) -> Iterator[Violation]:
    for here, block in placed_blocks(blocks, place):
        if isinstance(block, Together) and any(step.until for step in block.together):
            yield here, "until waits, and together sends at once; move the step out of together"
    for index, block in enumerate(blocks):
        if (most := extent_of([block]).exchanges) > MAX_EXCHANGES:
            yield (
                (*place, index),
                f"up to {most:,} requests in one iteration, more than {MAX_EXCHANGES:,}; "
                "repeat less, or poll less often",
            )
