"""Find the keys that a pydantic model allows at a location of its document."""

from collections.abc import Iterator
from types import UnionType
from typing import Any, get_args, get_origin

from pydantic import BaseModel

Location = tuple[str | int, ...]


def keys_at(model: type[BaseModel], location: Location) -> list[str]:
    """Return the keys that a model allows at a location of its document."""
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


def _descend(annotation: Any, part: str | int) -> Any:
    for member in _union_members(annotation):
        if isinstance(member, type) and issubclass(member, BaseModel):
            by_name = {field.alias or name: field for name, field in member.model_fields.items()}
            if part in by_name:
                return by_name[str(part)].annotation
        elif get_origin(member) in (dict, list, tuple):
            return get_args(member)[1 if get_origin(member) is dict else 0]
    return None


def _union_members(annotation: Any) -> Iterator[Any]:
    """Yield the members of a union, the type inside Annotated, or the annotation itself."""
    if isinstance(annotation, UnionType) or str(get_origin(annotation)) == "typing.Union":
        for member in get_args(annotation):
            yield from _union_members(member)
    elif hasattr(annotation, "__metadata__"):
        yield from _union_members(get_args(annotation)[0])
    else:
        yield annotation
