"""Amounts that a later step reports: which steps those are, and which names are known by then."""

from collections.abc import Sequence

from scenarios.language.blocks import Block, parts_of, placed_blocks, placed_steps
from scenarios.language.model import Scenario
from scenarios.language.steps import Step


def saved_until_report(scenario: Scenario, step: Step) -> set[str]:
    """Return the names that may be saved between a step and the end of the one that reports it."""
    if step.reported_by is None:
        return set()
    return saved_in(blocks_up_to(step.reported_by, _behind(scenario, step)))


def blocks_up_to(name: str, blocks: Sequence[Block]) -> Sequence[Block]:
    """Return the blocks up to the step of a name, and with it; all if it is none of them."""
    names = _names(blocks)
    return blocks[: names.index(name) + 1] if name in names else blocks


def saved_in(blocks: Sequence[Block]) -> set[str]:
    """Return the names that may be saved in blocks."""
    return {name for _, step in placed_steps(blocks, ()) for name in step.save}


def _behind(scenario: Scenario, step: Step) -> Sequence[Block]:
    """Return the blocks behind a step in its list."""
    lists = [blocks for _, blocks in scenario.placed_parts()]
    inner = (part for blocks in lists for _, block in placed_blocks(blocks, ())
             for _, part in parts_of(block))  # fmt: skip
    for blocks in (*lists, *inner):
        if step.step in (names := _names(blocks)):
            return blocks[names.index(step.step) + 1 :]
    return ()


def _names(blocks: Sequence[Block]) -> list[str | None]:
    return [block.step if isinstance(block, Step) else None for block in blocks]
