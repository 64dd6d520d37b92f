"""How many requests blocks send, and how long they take, at most."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scenarios.language.blocks import (
    MAX_EXCHANGES,
    Block,
    Condition,
    ForEach,
    Repeat,
    Think,
    Together,
    placed_steps,
)
from scenarios.language.steps import Step


@dataclass(frozen=True, slots=True)
class Extent:
    """What blocks do whatever the variables are: whether they send at all, and the most they can.

    `exchanges` takes a list whose length is not known for one element; `is_open` if there is one.
    """

    sends: bool = False
    exchanges: int = 0
    duration_s: float = 0.0
    is_open: bool = False

    def __add__(self, other: "Extent") -> "Extent":
        """Return the extent of both, one after the other."""
        return Extent(
            self.sends or other.sends, self.exchanges + other.exchanges,
            self.duration_s + other.duration_s, self.is_open or other.is_open,
        )  # fmt: skip

    def __or__(self, other: "Extent") -> "Extent":
        """Return the extent of either."""
        return Extent(
            self.sends and other.sends, max(self.exchanges, other.exchanges),
            max(self.duration_s, other.duration_s), self.is_open or other.is_open,
        )  # fmt: skip

    def times(self, number: int) -> "Extent":
        """Return the extent of a number of repetitions."""
        return Extent(self.sends and number > 0, self.exchanges * number,
                      self.duration_s * number, self.is_open)  # fmt: skip

    @property
    def most_exchanges(self) -> int:
        """How many requests one iteration can send, lists from responses included."""
        return MAX_EXCHANGES if self.is_open else min(self.exchanges, MAX_EXCHANGES)


def extent_of(blocks: Sequence[Block]) -> Extent:
    """Return the extent of blocks, one after the other."""
    return sum(map(_extent_of, blocks), Extent())


def runs_of(blocks: Sequence[Block]) -> dict[str, int | None]:
    """Return how often each step runs in one iteration, by name; None if that depends."""
    runs: dict[str, int | None] = {}
    for block in blocks:
        match block:
            case Step():
                runs[block.step] = None if block.until else 1
            case Repeat() | ForEach(for_each=list()):
                times = block.repeat if isinstance(block, Repeat) else len(block.for_each)
                for name, inner in runs_of(block.steps).items():
                    runs[name] = None if inner is None else times * inner
            case _:
                once = 1 if isinstance(block, Together) else None
                runs |= {step.step: once for _, step in placed_steps([block], ())}
    return runs


def _extent_of(block: Block) -> Extent:
    match block:
        case Step():
            polls = math.ceil(block.until.within / block.until.every) + 1 if block.until else 1
            waits_s = block.until.within if block.until else 0.0
            extent = Extent(True, polls, block.timeout + waits_s)
        case Together():
            timeout_s = max(step.timeout for step in block.together)
            extent = Extent(True, len(block.together), timeout_s)
        case Think():
            extent = Extent(duration_s=block.think[1])
        case Condition():
            extent = extent_of(block.steps) | extent_of(block.otherwise or ())
        case Repeat():
            extent = extent_of(block.steps).times(block.repeat)
        case ForEach(for_each=list()):
            extent = extent_of(block.steps).times(len(block.for_each))
        case ForEach():
            each = extent_of(block.steps)
            extent = Extent(False, each.exchanges, each.duration_s * MAX_EXCHANGES, is_open=True)
    return extent
