"""Find the keys that a pydantic model allows at a location of its document."""

from collections.abc import Iterator
from enum import Enum
from types import UnionType
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, Tag

Location = tuple[str | int, ...]


def keys_at(model: type[BaseModel], location: Location) -> list[str]:
    """Return the keys that a model allows at a location of its document.

    The tag of a union's member, where a location has one, leaves only that member's keys.
    """
    keys = (
        field.alias or name
        for candidate in models_at(model, location)
        for name, field in candidate.model_fields.items()
    )
    return list(dict.fromkeys(keys))


def models_at(model: type[BaseModel], location: Location) -> list[type[BaseModel]]:
    """Return the models that a value at a location may be of; several for a union."""
    here: Any = model
    for part in location:
        here = _descend(here, part)
    members = list(_union_members(here))
    # a single member may be written without its list
    for each in [member for member in members if get_origin(member) is list]:
        members += _union_members(get_args(each)[0])
    types = (member for member in members if isinstance(member, type))
    return [member for member in types if issubclass(member, BaseModel)]


def child_with(model: type[BaseModel], location: Location, key: str) -> str:
    """Return the key at a location below which another key is known, or ""."""
    for child in keys_at(model, location):
        if key in keys_at(model, (*location, child)):
            return child
    return ""


def ancestor_with(model: type[BaseModel], location: Location, key: str) -> int | None:
    """Return how deep in a location the nearest mapping is that knows a key, or None."""
    for depth in range(len(location) - 1, -1, -1):
        is_key = isinstance(location[depth], str) and not is_tag(location[depth])
        if is_key and key in keys_at(model, location[:depth]):
            return depth
    return None


def choices_at(model: type[BaseModel], location: Location) -> list[str]:
    """Return the words that a model allows as a value at a location, if it allows only some."""
    here: Any = model
    for part in location:
        here = _descend(here, part)
    words: list[str] = []
    for member in _union_members(here):
        if get_origin(member) is Literal:
            words += map(str, get_args(member))
        elif isinstance(member, type) and issubclass(member, Enum):
            words += (str(each.value) for each in member)
    return words


def is_tag(part: str | int) -> bool:
    """Return whether a part of a location is the tag of a union's member: written `<tag>`."""
    return isinstance(part, str) and part.startswith("<")


def _descend(annotation: Any, part: str | int) -> Any:
    if is_tag(part):
        return _tagged_member(annotation, part)
    for member in _union_members(annotation):
        if isinstance(member, type) and issubclass(member, BaseModel):
            by_name = {field.alias or name: field for name, field in member.model_fields.items()}
            if part in by_name:
                return by_name[str(part)].annotation
        elif get_origin(member) in (dict, list, tuple):
            return get_args(member)[1 if get_origin(member) is dict else 0]
    return None


def _tagged_member(annotation: Any, tag: str | int) -> Any:
    metadata = getattr(annotation, "__metadata__", ())
    if any(isinstance(each, Tag) and each.tag == tag for each in metadata):
        return get_args(annotation)[0]
    members = get_args(annotation)[:1] if metadata else get_args(annotation)
    found = (_tagged_member(member, tag) for member in members)
    return next((each for each in found if each is not None), None)


def _union_members(annotation: Any) -> Iterator[Any]:
    """Yield the members of a union, the type inside Annotated, or the annotation itself."""
    if isinstance(annotation, UnionType) or str(get_origin(annotation)) == "typing.Union":
        for member in get_args(annotation):
            yield from _union_members(member)
    elif hasattr(annotation, "__metadata__"):
        yield from _union_members(get_args(annotation)[0])
    else:
        yield annotation
