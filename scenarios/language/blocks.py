"""Blocks: what a flow is made of. A step is one; the others say when and how often steps run.

A block is recognised by its key, so that a mistake in it is reported for that block alone.
"""

from collections.abc import Iterator, Sequence
from typing import Annotated, Any

from pydantic import BeforeValidator, Discriminator, Field, Tag

from config.model_keys import Location
from config.models import StrictModel
from config.requirements import requires
from config.suggestions import nearest
from config.units import Pause
from scenarios.language.identifiers import Name
from scenarios.language.other_names import OF_BLOCKS, OF_CONDITION, OF_SHARED_FLOW
from scenarios.language.steps import Step
from scenarios.language.templates import is_expression

# of one iteration
MAX_EXCHANGES = 10_000
MAX_ROUNDS = 100_000  # of repeat and for_each, whose lists may come from responses
_MOST_TOGETHER = 100
KEYS = ("step", "repeat", "for_each", "if", "think", "together")

_IS_EXPRESSION = requires(
    is_expression, '{0!r} is not one expression; write it in braces, as in "{{{{ total > 10 }}}}"'
)
_IS_LIST = requires(
    lambda value: isinstance(value, list) or (isinstance(value, str) and is_expression(value)),
    '{0!r} is no list; write one, or one expression that has a list, as in "{{{{ items }}}}"',
)
_IS_NUMBER = requires(
    lambda value: type(value) is int and 1 <= value <= MAX_EXCHANGES,
    f"{{0!r}} is no number of repetitions; write a whole number from 1 to {MAX_EXCHANGES:,}",
)
_HAS_BLOCKS = requires(bool, "a list without a step does nothing; add a step")
_SENDS_SEVERAL = requires(
    lambda steps: 1 < len(steps) <= _MOST_TOGETHER,
    f"from 2 to {_MOST_TOGETHER} steps are sent together; add a step, or remove some",
)


class Repeat(StrictModel):
    """Runs its steps a number of times; `as` names a variable that counts from 1."""

    other_names = OF_BLOCKS

    repeat: Annotated[Any, _IS_NUMBER, Field(examples=[3])]
    variable: Annotated[Name | None, Field(alias="as")] = None
    steps: "Blocks"


class ForEach(StrictModel):
    """Runs its steps for each element of a list, which has the name `as` there."""

    other_names = OF_BLOCKS

    for_each: Annotated[Any, _IS_LIST, Field(examples=[["a", "b"]])]
    variable: Annotated[Name, Field(alias="as", examples=["item"])]
    steps: "Blocks"


class Condition(StrictModel):
    """Runs its steps if the value of an expression is true in Jinja's sense, or those of `else`."""

    other_names = {**OF_BLOCKS, **OF_CONDITION}

    condition: Annotated[str, _IS_EXPRESSION, Field(alias="if", examples=["{{ iteration > 1 }}"])]
    steps: "Blocks"
    otherwise: Annotated["Blocks | None", Field(alias="else")] = None


class Think(StrictModel):
    """A pause; of a range, each is random."""

    other_names = OF_BLOCKS

    think: Annotated[Pause, Field(examples=["1s to 3s"])]


def _only_step(value: Any) -> Any:
    """Refuse other blocks than steps."""
    if isinstance(value, dict) and (other := next((key for key in KEYS[1:] if key in value), None)):
        raise ValueError(f"only steps are sent together; move {other} out of together")
    return value


class Together(StrictModel):
    """Sends the requests of its steps at once, each over a connection of its own."""

    other_names = OF_BLOCKS

    together: Annotated[list[Annotated[Step, BeforeValidator(_only_step)]], _SENDS_SEVERAL]


_TAGS = {key: f"<{key}>" for key in KEYS}  # no key of a document, so that no location has one


def _one_key(value: Any) -> Any:
    """Refuse what is two blocks at once, such as a step with `repeat`."""
    found = [key for key in KEYS if isinstance(value, dict) and key in value]
    if len(found) > 1:
        first, second = found[:2]
        below = f"{second}:" if second == "together" else f"steps: of {second}"
        remedy = f"write the step below {below}" if first == "step" else "nest them"
        if second == "think":
            remedy = "write - think: as an entry of its own, before or after it"
        message = f"{first} and {second} are two blocks; {remedy}"
        raise ValueError(message)
    return value


def _tag(value: Any) -> str | None:
    """Return the tag of the block that a value is, or is most like."""
    if isinstance(value, StrictModel):  # for its serialization
        keys = [field.alias or name for name, field in type(value).model_fields.items()]
    else:
        keys = [str(key) for key in value] if isinstance(value, dict) else []
    near = (OF_BLOCKS[key].key if key in OF_BLOCKS else nearest(key, KEYS) for key in keys)
    found = ["step"] if "request" in keys else [key for key in KEYS if key in keys] or [*near]
    return next((_TAGS[key] for key in found if key), None)


Block = Annotated[
    Annotated[Step, Tag(_TAGS["step"])]
    | Annotated[Repeat, Tag(_TAGS["repeat"])]
    | Annotated[ForEach, Tag(_TAGS["for_each"])]
    | Annotated[Condition, Tag(_TAGS["if"])]
    | Annotated[Think, Tag(_TAGS["think"])]
    | Annotated[Together, Tag(_TAGS["together"])],
    Discriminator(
        _tag,
        custom_error_type="block",
        custom_error_message=f"this is no block of a flow; begin it with one of {', '.join(KEYS)}, "
        "as in - step: name",
    ),
    BeforeValidator(_one_key),
]
OptionalBlocks = list[Block]
Blocks = Annotated[OptionalBlocks, _HAS_BLOCKS]

for _model in (Repeat, ForEach, Condition):
    _model.model_rebuild()


class SharedFlow(StrictModel):
    """One of several flows: of all iterations, its share of the sum of all shares."""

    other_names = OF_SHARED_FLOW

    share: Annotated[int, Field(ge=1, le=1_000, examples=[1])]
    steps: Blocks


def parts_of(block: Block) -> Iterator[tuple[str, Sequence[Block]]]:
    """Yield the lists of blocks that a block has, each with its key."""
    match block:
        case Repeat() | ForEach():
            yield "steps", block.steps
        case Condition():
            yield "steps", block.steps
            yield "else", block.otherwise or ()
        case Together():
            yield "together", block.together


def placed_blocks(blocks: Sequence[Block], place: Location) -> Iterator[tuple[Location, Block]]:
    """Yield every block with its place in the document, in the order of the file."""
    for index, block in enumerate(blocks):
        here = (*place, index)
        yield here, block
        for key, part in parts_of(block):
            yield from placed_blocks(part, (*here, key))


def required_steps(blocks: Sequence[Block]) -> Iterator[str]:
    """Yield the names of the steps that no `if` and no `for_each` can leave out."""
    for block in blocks:
        if isinstance(block, Step):
            yield block.step
        elif not isinstance(block, Condition | ForEach):
            for _, part in parts_of(block):
                yield from required_steps(part)


def placed_steps(blocks: Sequence[Block], place: Location) -> Iterator[tuple[Location, Step]]:
    """Yield every step with its place in the document, in the order of the file."""
    for here, block in placed_blocks(blocks, place):
        if isinstance(block, Step):
            yield here, block
