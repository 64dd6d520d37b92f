"""Amounts that a later step reports: which steps those are, and which names are known by then."""

from collections.abc import Sequence

from scenarios.language.blocks import Block, Together, parts_of, placed_steps
from scenarios.language.model import Scenario
from scenarios.language.steps import Step


def blocks_until_report(scenario: Scenario, step: Step) -> Sequence[Block] | None:
    """Return the blocks behind a step up to the one that reports its amounts.

    None if that is no later step of the same list of blocks.
    """
    for _, blocks in scenario.placed_parts():
        if (found := _until_report(blocks, step)) is not None:
            return found
    return None


def _until_report(blocks: Sequence[Block], step: Step) -> Sequence[Block] | None:
    names = [block.step if isinstance(block, Step) else None for block in blocks]
    if step.step in names:
        behind = names.index(step.step) + 1
        if step.reported_by not in names[behind:]:
            return None
        return blocks[behind : names.index(step.reported_by, behind) + 1]
    # steps that are sent together are not one after the other
    parts = (part for block in blocks if not isinstance(block, Together)
             for _, part in parts_of(block))  # fmt: skip
    return next((found for part in parts if (found := _until_report(part, step)) is not None), None)


def saved_until_report(scenario: Scenario, step: Step) -> set[str]:
    """Return the names that may be saved between a step and the end of the one that reports it."""
    blocks = blocks_until_report(scenario, step) if step.reported_by else None
    return {name for _, each in placed_steps(blocks or (), ()) for name in each.save}
