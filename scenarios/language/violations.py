"""What every part of the validation of a scenario shares.

Each violation is the place in the document and one sentence: what is wrong, and the remedy.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Self

from config.model_keys import Location
from config.suggestions import did_you_mean
from scenarios.language.streams import EVENTS_VARIABLE
from scenarios.language.templates import TemplateError, compile_value, variables_in

Violation = tuple[Location, str]

_OF_STREAMS = (
    "only the expect and the counts of a step with stream have events; save what others need"
)


class UnknownName(str):
    """A sentence about a name that is not defined, with the name."""

    name: str

    def __new__(cls, name: str, sentence: str) -> Self:
        """Take the name and the sentence."""
        made = super().__new__(cls, sentence)
        made.name = name
        return made


def template_violations(
    value: Any,
    known: list[str],
    place: Location,
    compile_as: Callable[[Any], object] = compile_value,
) -> Iterator[Violation]:
    """Yield what is wrong in the templates of a value: the syntax, and variables not `known`."""
    try:
        compile_as(value)
        unknown = sorted(variables_in(value) - set(known))
    except TemplateError as error:
        yield place, str(error)
        return
    for name in unknown:
        hint = _OF_STREAMS if name == EVENTS_VARIABLE else did_you_mean(name, known)
        yield place, UnknownName(name, f"the variable {name!r} is not defined here; {hint}")


def unknown_name(name: str, known: Sequence[str], kind: str) -> UnknownName:
    """Return a sentence about a name that is unknown, with a suggestion."""
    return UnknownName(name, f"unknown {kind} {name!r}; {did_you_mean(name, known)}")


def unknown_names(
    names: list[str], known: list[str], place: Location, kind: str
) -> Iterator[Violation]:
    """Yield the names of a list that are unknown, and those that it has twice."""
    for index, name in enumerate(names):
        if name not in known:
            yield (*place, index), unknown_name(name, known, kind)
    yield from repeated_names(names, place, kind)


def repeated_names(names: list[str], place: Location, kind: str) -> Iterator[Violation]:
    """Yield the names that a list has twice."""
    for index, name in enumerate(names):
        if name in names[:index]:
            yield (*place, index), f"the {kind} {name!r} is named twice; remove one"
