"""What does a YAML file say, and on which line does it say it?

Reading is strict and reports every mistake at once: each with file and line, unknown keys with
a suggestion. Anchors and aliases are refused: a small file could unfold into a huge one.
"""

import copy
import difflib
import math
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from config.errors import ConfigError, Problem

Location = tuple[str | int, ...]
ModelT = TypeVar("ModelT", bound=BaseModel)

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(:-([^}]*))?\}")
_MAX_DEPTH = 40
_OPENING = (yaml.FlowSequenceStartToken, yaml.FlowMappingStartToken)
_CLOSING = (yaml.FlowSequenceEndToken, yaml.FlowMappingEndToken)
_MAX_BYTES = 1_000_000


class StrictModel(BaseModel):
    """A document that people write: unknown keys, wrong types and later changes are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


@dataclass(frozen=True)
class Document:
    """A YAML file's text and content, with the line (from 1) of every place in it."""

    path: Path
    text: str
    content: Any
    lines: Mapping[Location, int]

    def line_of(self, location: Location) -> int:
        """Return the line of the nearest enclosing place that the file really has."""
        while location and location not in self.lines:
            location = location[:-1]
        return self.lines.get(location, 1)

    def problem(self, location: Location, message: str) -> Problem:
        """Make a problem of what is wrong at a place."""
        return Problem(self.path, self.line_of(location), message)


def read_document(path: Path, variables: Mapping[str, str] | None = None) -> Document:
    """Read a YAML file; where `variables` are given, each `${NAME}` in a value is replaced.

    So is `${NAME:-default}`, which need not be set.

    Raises ConfigError with every unset variable, or with the place where the YAML breaks.
    """
    text = _read_text(path)
    try:
        _refuse_aliases(path, text)
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise ConfigError(Problem(path, line, f"this is not YAML: {error.problem}")) from error
    except (yaml.YAMLError, RecursionError) as error:
        raise ConfigError(Problem(path, None, f"this is not YAML: {_first_line(error)}")) from error
    if root is None:
        raise ConfigError(Problem(path, None, "the file is empty"))
    reading = _Reading(path, variables)
    content = reading.content_of(root, ())
    if reading.problems:
        raise ConfigError(*reading.problems)
    return Document(path, text, content, reading.lines)


def read_model(document: Document, model: type[ModelT]) -> ModelT:
    """Check a document against its model. Raises ConfigError with every mistake in it."""
    if not isinstance(document.content, dict):
        raise ConfigError(document.problem((), "the file must be a mapping of keys to values"))
    try:
        return model.model_validate(document.content)
    except ValidationError as error:
        raise ConfigError(*_problems(document, model, error)) from error


def read_what_stands(document: Document, model: type[ModelT]) -> ModelT | None:
    """Read a document as if its mistakes were mended, to find what else is wrong with it.

    Misspelt keys are taken as what they are near to, wrong values as absent. None where that is
    not enough.
    """
    content = copy.deepcopy(document.content)
    for _ in range(_MAX_DEPTH):
        try:
            return model.model_validate(content)
        except ValidationError as error:
            mended = [_mend(content, document, model, each) for each in error.errors()]
            if not all(mended):
                return None
    return None


def _mend(content: Any, document: Document, model: type[BaseModel], error: ErrorDetails) -> bool:
    """Mend one mistake in place; tell whether the document can now be read on."""
    *path, key = _written_location(document, error) or ("",)
    parent = content
    for part in path:
        parent = _member(parent, part)
    if not isinstance(parent, dict):
        return parent is None  # mended with what encloses it
    value = parent.pop(key, None)
    near = nearest(str(key), _keys_at(model, tuple(path)))
    if error["type"] == "extra_forbidden" and near:
        parent.setdefault(near, value)
    elif error["type"] != "extra_forbidden":
        parent |= _stand_in(model, tuple(path), str(key))
    return True


def _member(parent: Any, part: str | int) -> Any:
    try:
        return parent[part]
    except (KeyError, IndexError, TypeError):
        return None


def _stand_in(model: type[BaseModel], path: Location, key: str) -> dict[str, Any]:
    """Return the example of a key that must be there, to go on reading without its value."""
    for each in _models_at(model, path):
        field = each.model_fields.get(key)
        if field is not None and field.is_required() and field.examples:
            return {key: field.examples[0]}
    return {}


def did_you_mean(word: str, known: list[str]) -> str:
    """Return a hint: the nearest known word, or all of them where none is near.

    >>> did_you_mean("expct", ["expect", "save"])
    'did you mean expect?'
    """
    near = nearest(word, known)
    if near:
        return f"did you mean {near}?"
    return f"known here: {', '.join(known)}" if known else "none is known here"


def nearest(word: str, known: list[str]) -> str:
    """Return the known word that a misspelt one is nearest to, or "" where none is near."""
    return next(iter(difflib.get_close_matches(word, known, n=1)), "")


def _read_text(path: Path) -> str:
    try:
        if path.is_file() and path.stat().st_size > _MAX_BYTES:
            raise ConfigError(Problem(path, None, f"the file is over {_MAX_BYTES:,} bytes"))
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ConfigError(Problem(path, None, "there is no such file")) from error
    except UnicodeDecodeError as error:
        raise ConfigError(Problem(path, None, "the file is not UTF-8 text")) from error
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise ConfigError(Problem(path, None, f"the file cannot be read: {reason}")) from error


def _refuse_aliases(path: Path, text: str) -> None:
    """Refuse what could unfold or nest without end, before anything is built of it."""
    depth = 0
    for token in yaml.scan(text, Loader=yaml.SafeLoader):
        depth += isinstance(token, _OPENING) - isinstance(token, _CLOSING)
        if depth > _MAX_DEPTH:
            message = "this is nested too deeply"
            raise ConfigError(Problem(path, token.start_mark.line + 1, message))
        if isinstance(token, yaml.AliasToken | yaml.AnchorToken):
            message = "anchors (&) and aliases (*) are not read; quote the value if it is text"
            raise ConfigError(Problem(path, token.start_mark.line + 1, message))


class _Reading:
    """One pass over the YAML nodes: the content, the line of each place, the problems."""

    def __init__(self, path: Path, variables: Mapping[str, str] | None) -> None:
        self.path = path
        self.variables = variables
        self.lines: dict[Location, int] = {}
        self.problems: list[Problem] = []
        self._loader = yaml.SafeLoader("")

    def content_of(self, node: yaml.Node, location: Location) -> Any:
        line = node.start_mark.line + 1
        self.lines.setdefault(location, line)
        if len(location) > _MAX_DEPTH:
            self.problems.append(Problem(self.path, line, "this is nested too deeply"))
            return None
        if isinstance(node, yaml.MappingNode):
            return dict(self._members(node, location))
        if isinstance(node, yaml.SequenceNode):
            return [self.content_of(each, (*location, i)) for i, each in enumerate(node.value)]
        return self._scalar(node, line)

    def _members(self, node: yaml.MappingNode, location: Location) -> Iterator[tuple[Any, Any]]:
        seen = set()
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            if key is None:
                self.problems.append(Problem(self.path, line, "a key must be plain text"))
                continue
            if key in seen:
                self.problems.append(Problem(self.path, line, f"the key {key!r} stands twice"))
            seen.add(key)
            self.lines[(*location, key)] = line
            yield key, self.content_of(value_node, (*location, key))

    def _scalar(self, node: yaml.Node, line: int) -> Any:
        try:
            value = self._loader.construct_object(node)
        except (yaml.YAMLError, ValueError) as error:
            self.problems.append(Problem(self.path, line, _first_line(error)))
            return None
        if not _is_json(value):
            message = "this is not text, a number or true/false; quote it if it is text"
            self.problems.append(Problem(self.path, line, message))
            return None
        if isinstance(value, str) and self.variables is not None:
            return _VARIABLE.sub(lambda match: self._variable(match[1], match[3], line), value)
        return value

    def _variable(self, name: str, default: str | None, line: int) -> str:
        """As the shell does, take the default of `${NAME:-default}` for an empty value, too."""
        value = (self.variables or {}).get(name)
        if default is not None:
            return value or default
        if value is None:
            message = f"the environment variable {name} is not set; export it first"
            self.problems.append(Problem(self.path, line, message))
        return value or ""


def _is_json(value: object) -> bool:
    finite = not isinstance(value, float) or math.isfinite(value)
    return finite and isinstance(value, str | int | float | None)


def _problems(
    document: Document, model: type[BaseModel], error: ValidationError
) -> Iterator[Problem]:
    found = {_problem(document, model, each): None for each in error.errors()}
    yield from sorted(found, key=lambda problem: problem.line or 0)


def _problem(document: Document, model: type[BaseModel], error: ErrorDetails) -> Problem:
    location = _written_location(document, error)
    return document.problem(location, _sentence(model, location, error))


def _written_location(document: Document, error: ErrorDetails) -> Location:
    """Drop pydantic's own names of union members, which no file has, from a location."""
    location: Location = ()
    for part in error["loc"]:
        if (*location, part) in document.lines or error["type"] in ("missing", "extra_forbidden"):
            location = (*location, part)
    return location


def _sentence(model: type[BaseModel], location: Location, error: ErrorDetails) -> str:
    field = ".".join(str(part) for part in location)
    if error["type"] == "extra_forbidden":
        known = _keys_at(model, location[:-1])
        return f"unknown key {location[-1]!r}; {did_you_mean(str(location[-1]), known)}"
    if error["type"] == "missing":
        return f"the key {field!r} is missing"
    message = error["msg"].removeprefix("Value error, ")
    return f"{field}: {message[0].lower()}{message[1:]}" if field else message


def _keys_at(model: type[BaseModel], location: Location) -> list[str]:
    """Return the keys that a model allows at a location of its document."""
    keys = (
        field.alias or name
        for each in _models_at(model, location)
        for name, field in each.model_fields.items()
    )
    return list(dict.fromkeys(keys))


def _models_at(model: type[BaseModel], location: Location) -> list[type[BaseModel]]:
    here: Any = model
    for part in location:
        here = _descend(here, part)
    found = (each for each in _unfold(here) if isinstance(each, type))
    return [each for each in found if issubclass(each, BaseModel)]


def _descend(annotation: Any, part: str | int) -> Any:
    for each in _unfold(annotation):
        if isinstance(each, type) and issubclass(each, BaseModel):
            by_name = {field.alias or name: field for name, field in each.model_fields.items()}
            if part in by_name:
                return by_name[str(part)].annotation
        elif get_origin(each) in (dict, list, tuple):
            return get_args(each)[1 if get_origin(each) is dict else 0]
    return None


def _unfold(annotation: Any) -> Iterator[Any]:
    """Yield the members of a union, the inside of Annotated, or the annotation itself."""
    if isinstance(annotation, UnionType) or str(get_origin(annotation)) == "typing.Union":
        for each in get_args(annotation):
            yield from _unfold(each)
    elif hasattr(annotation, "__metadata__"):
        yield from _unfold(get_args(annotation)[0])
    else:
        yield annotation


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
