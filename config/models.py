"""Validate the content of documents against pydantic models, and report every mistake.

`read_model` raises ConfigError with all mistakes at once; an unknown key comes with a suggestion.
"""

import copy
from collections.abc import Iterator
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from config.documents import Document
from config.errors import ConfigError, Problem
from config.model_keys import (
    Location,
    ancestor_with,
    child_with,
    choices_at,
    is_tag,
    keys_at,
    models_at,
)
from config.other_names import OtherName, OtherNames
from config.suggestions import did_you_mean, nearest
from config.value_errors import value_sentence, without_consequences

# the names of union members in the models of documents; no key of a document is like them
UNION_TAGS = ("<mapping>", "<value>")

ModelT = TypeVar("ModelT", bound=BaseModel)

_MAX_FIXES = 40


class StrictModel(BaseModel):
    """Base of every model that people write as YAML: no unknown keys, no coercion, immutable.

    `other_names` are the names that other tools have for its keys.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    other_names: ClassVar[OtherNames] = {}


def read_model(document: Document, model: type[ModelT]) -> ModelT:
    """Validate a document against its model. Raises ConfigError with every mistake in it."""
    if not isinstance(document.content, dict):
        message = "the file must be a mapping of keys to values, as in name: value"
        raise ConfigError(*_flaws(document), document.problem((), message))
    try:
        validated = model.model_validate(document.content)
    except ValidationError as error:
        raise ConfigError(*_problems(document, model, error)) from error
    if document.misread or document.flaws:
        raise ConfigError(*_in_order([*_flaws(document), *_misread(document)]))
    return validated


def invalid_places(document: Document, model: type[BaseModel]) -> set[Location]:
    """Return where a document does not fit its model, or is not read."""
    places = {*document.misread, *(place for place, _ in document.flaws)}
    try:
        model.model_validate(document.content)
    except ValidationError as error:
        places |= {_written_location(document, each) for each in error.errors()}
    return places


def read_model_leniently(document: Document, model: type[ModelT]) -> ModelT | None:
    """Validate a document as if its mistakes were fixed, so that later checks can run on the rest.

    A misspelt key is read as the nearest known key; a wrong value is dropped. Returns None if the
    document is still invalid.
    """
    content = copy.deepcopy(document.content)
    # Each fix can uncover further mistakes, one level up at a time.
    for _ in range(_MAX_FIXES):
        try:
            return model.model_validate(content)
        except ValidationError as error:
            fixed = [_fix_in_place(content, document, model, each) for each in error.errors()]
            if not all(fixed):
                return None
    return None


def _fix_in_place(
    content: Any, document: Document, model: type[BaseModel], error: ErrorDetails
) -> bool:
    """Fix one mistake in `content`; return False if that is impossible."""
    *path, key = _written_location(document, error) or ("",)
    parent = content
    try:
        for part in path:
            parent = parent[part]
    except (KeyError, IndexError, TypeError):
        return True  # an earlier fix already removed the parent
    if not isinstance(parent, dict):
        return parent is None
    value = parent.pop(key, None)
    near = _meant_key(model, tuple(path), str(key))
    if error["type"] == "extra_forbidden" and near:
        parent.setdefault(near, value)
    elif error["type"] != "extra_forbidden":
        parent |= _example_value(model, tuple(path), str(key))
    return True


def _example_value(model: type[BaseModel], path: Location, key: str) -> dict[str, Any]:
    """Return `{key: example}` for a required key that has an example in its model, else `{}`."""
    for candidate in models_at(model, path):
        field = candidate.model_fields.get(key)
        if field is not None and field.is_required() and field.examples:
            return {key: field.examples[0]}
    return {}


def _problems(
    document: Document, model: type[BaseModel], error: ValidationError
) -> Iterator[Problem]:
    placed = [(_written_location(document, each), each) for each in error.errors()]
    # a key that is misspelt is not missing as well
    written = {
        (*place[:-1], _meant_key(model, _keys_place(place, each), str(place[-1])))
        for place, each in placed
        if each["type"] == "extra_forbidden"
    }
    problems = [*_flaws(document), *_misread(document)]
    # A value that is misread or not read has its own message, which has the remedy.
    unread = {*document.misread, *(place for place, _ in document.flaws)}
    for place, each in [*without_consequences(placed, written)] or placed:
        is_text_missing = each["type"] == "string_type"
        if place not in unread or (place in document.misread and not is_text_missing):
            problems.append(document.problem(place, _sentence(document, model, place, each)))
    yield from _in_order(problems)


def _in_order(problems: list[Problem]) -> list[Problem]:
    """Return problems by line, each once."""
    return sorted(dict.fromkeys(problems), key=lambda problem: problem.line or 0)


def _flaws(document: Document) -> list[Problem]:
    return [problem for _, problem in document.flaws]


def _misread(document: Document) -> list[Problem]:
    return [
        document.problem(location, f"{'.'.join(map(str, location))}: {reason}")
        for location, reason in document.misread.items()
    ]


def _written_location(document: Document, error: ErrorDetails) -> Location:
    """Return the location of an error without the names that pydantic gives to union members."""
    location: Location = ()
    # a key that is missing is in no line
    is_key = error["type"] in ("missing", "extra_forbidden")
    for part in error["loc"]:
        is_written = (*location, part) in document.lines
        # a list of one may be written without being one
        is_list = isinstance(part, int) and location in document.lines
        is_added = is_list or is_tag(part)
        if is_written or (is_key and not is_added):
            location = (*location, part)
    return location


def _sentence(
    document: Document, model: type[BaseModel], location: Location, error: ErrorDetails
) -> str:
    field = ".".join(str(part) for part in location)
    if error["type"] == "extra_forbidden":
        place, key = _keys_place(location, error), str(location[-1])
        meant = _meant_key(model, place, key)
        if (*location[:-1], meant) in document.lines:
            return f"unknown key {key!r}; {meant} is written already, so remove one of them"
        return f"unknown key {key!r}; {_remedy_for_key(model, place, key)}"
    if error["type"] == "missing":
        example = _example_value(model, _keys_place(location, error), str(location[-1]))
        added = "".join(f"; add it, as in {key}: {value}" for key, value in example.items())
        return f"the key {field!r} is missing{added}"
    sentence = value_sentence(error, keys_at(model, location), choices_at(model, location))
    return f"{field}: {sentence}" if field else sentence


def _keys_place(location: Location, error: ErrorDetails) -> Location:
    """Return the place of the mapping that a key is in.

    It has the tags of unions, since another member of a union may know the key.
    """
    return tuple(part for part in error["loc"][:-1] if part in location or is_tag(part))


def _other_name(model: type[BaseModel], place: Location, key: str) -> OtherName | None:
    names = (getattr(each, "other_names", {}) for each in models_at(model, place))
    return next((known[key] for known in names if key in known), None)


def _meant_key(model: type[BaseModel], place: Location, key: str) -> str:
    """Return the known key that an unknown one stands for, or ""."""
    other = _other_name(model, place, key)
    return other.key if other else nearest(key, keys_at(model, place))


def _remedy_for_key(model: type[BaseModel], place: Location, key: str) -> str:
    """Return what to write in place of an unknown key, or where it belongs."""
    if other := _other_name(model, place, key):
        return other.remedy
    if child := child_with(model, place, key):
        return f"write it below {child}"
    if (depth := ancestor_with(model, place, key)) is not None:
        return f"move it out of {place[depth]}, to the keys beside it"
    return did_you_mean(key, keys_at(model, place))
