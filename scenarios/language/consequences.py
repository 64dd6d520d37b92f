"""Which violations of a scenario follow from a value that is wrong already, and is reported.

A name whose definition is wrong is not unknown where it is used. What a wrong value defined is not
known for certain, so that every word in it may be a name.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from config.model_keys import Location
from scenarios.language.identifiers import suggested_name
from scenarios.language.violations import UnknownName, Violation

_DEFINITIONS = ("save", "data", "quantities")  # mappings by name
_NAMES = ("as", "step", "name")  # of blocks and steps
_FLOWS = ("setup", "user_setup", "flow", "flows", "teardown")
_WHOLE_FLOWS = tuple((name,) for name in _FLOWS)


@dataclass(frozen=True)
class WrongPlaces:
    """The places of wrong values, and the names that may be defined or counted in them."""

    places: frozenset[Location]
    defined: frozenset[str]
    counted: frozenset[str]

    def cause(self, violation: Violation) -> bool:
        """Return whether a violation follows from a wrong value."""
        place, message = violation
        if isinstance(message, UnknownName) and message.name in self.defined:
            return True
        if place[:1] == ("quantities",):
            return not self.counted.isdisjoint(map(str, place)) or self._has_wrong(place[:2])
        if place == ("flows",):
            return self._has_wrong(("flow",)) or self._has_wrong(place)
        # how many requests a flow sends follows from all of its blocks
        if (place in _WHOLE_FLOWS or place[2:] == ("steps",)) and self._has_wrong(place):
            return True
        return any(self._has_wrong(("quantities", part)) for part in place)

    def _has_wrong(self, place: Location) -> bool:
        return any(wrong[: len(place)] == place for wrong in self.places)


def wrong_places(content: Any, places: Iterable[Location]) -> WrongPlaces:
    """Return what the wrong values at some places of a scenario's content may define and count."""
    placed = [(place, _value_at(content, place)) for place in places]
    defined = {word for each in placed for word in _defined(*each)}
    counted = {word for each in placed for word in _counted(*each)}
    return WrongPlaces(frozenset(dict(placed)), frozenset(defined), frozenset(counted))


def _value_at(content: Any, place: Location) -> Any:
    for part in place:
        try:
            content = content[part]
        except (KeyError, IndexError, TypeError):
            return None
    return content


def _defined(place: Location, value: Any) -> Iterator[str]:
    """Yield the words that may be names which a wrong value defines."""
    index = next((at for at, part in enumerate(place) if part in _DEFINITIONS), None)
    if index is not None:
        yield from _words(str(place[index + 1]) if len(place) > index + 1 else value)
    elif place and place[-1] in _NAMES:
        yield from _words(value)
    else:
        yield from _words(list(value)) if place in _WHOLE_FLOWS and isinstance(value, dict) else ()
        yield from _names_below(value)


def _counted(place: Location, value: Any) -> Iterator[str]:
    """Yield the words that may be quantities which a wrong value of a flow counts."""
    if place and place[0] in _FLOWS:
        yield from _words(value)
        yield from map(str, place)


def _names_below(value: Any) -> Iterator[str]:
    """Yield the names that blocks below a place define."""
    members = dict(enumerate(value)) if isinstance(value, list) else value
    for key, member in members.items() if isinstance(members, dict) else ():
        if key in _DEFINITIONS or key in _NAMES:
            yield from _words(member)
        yield from _names_below(member)


def _words(value: Any) -> Iterator[str]:
    """Yield every text in a value, keys included, and the words in it."""
    if isinstance(value, str | int):
        yield str(value)
        yield from re.findall(r"\w+", str(value))
        yield suggested_name(str(value))
    members = value.items() if isinstance(value, dict) else ()
    for member in value if isinstance(value, list) else (each for pair in members for each in pair):
        yield from _words(member)
