"""The blocks of a flow, compiled; a step among them is its number."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scenarios.language import blocks as written
from scenarios.language.steps import Step
from scenarios.language.templates import Template, Variables, compile_value


@dataclass(frozen=True, slots=True)
class Repeat:
    """Runs blocks a number of times; `variable` counts from 1, `first` as in `ForEach`."""

    times: int
    variable: str | None
    blocks: "Blocks"
    first: int


@dataclass(frozen=True, slots=True)
class ForEach:
    """Runs blocks for each element of a list; `first` is the number of the first step in them."""

    elements: Template
    variable: str
    blocks: "Blocks"
    first: int


@dataclass(frozen=True, slots=True)
class Condition:
    """Runs one of two lists of blocks; `first` is the number of the first step in them."""

    condition: Template
    blocks: "Blocks"
    otherwise: "Blocks"
    first: int


@dataclass(frozen=True, slots=True)
class Think:
    """Waits for a random time between two, in seconds."""

    least_s: float
    most_s: float


@dataclass(frozen=True, slots=True)
class Together:
    """Sends the requests of several steps at once."""

    steps: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Streamed:
    """A step whose response is a stream."""

    step: int


Block = int | Streamed | Repeat | ForEach | Condition | Think | Together
Blocks = tuple[Block, ...]


def compile_blocks(
    blocks: Sequence[written.Block], numbers: Mapping[str, int], known: Variables
) -> Blocks:
    """Compile blocks; `numbers` are those of the steps, by name. Raises TemplateError."""
    return tuple(_compiled(block, numbers, known) for block in blocks)


def _compiled(block: written.Block, numbers: Mapping[str, int], known: Variables) -> Block:
    match block:
        case Step():
            number = numbers[block.step]
            return number if block.stream is None else Streamed(number)
        case written.Together():
            return Together(tuple(numbers[step.step] for step in block.together))
        case written.Think():
            return Think(*block.think)
    inner = compile_blocks(block.steps, numbers, known)
    match block:
        case written.Repeat():
            return Repeat(block.repeat, block.variable, inner, _first(block, numbers))
        case written.ForEach():
            elements = compile_value(block.for_each, known)
            return ForEach(elements, block.variable, inner, _first(block, numbers))
    otherwise = compile_blocks(block.otherwise or (), numbers, known)
    condition = compile_value(block.condition, known)
    return Condition(condition, inner, otherwise, _first(block, numbers))


def _first(block: written.Block, numbers: Mapping[str, int]) -> int:
    """Return the number of the first step below a block, by which an error in it is recorded."""
    return next(numbers[step.step] for _, step in written.placed_steps([block], ()))
