"""Read YAML files strictly, and report every mistake with its file and line.

`read_document` parses a file and keeps the line of each value; `read_model` validates the content
against a pydantic model. Both raise ConfigError with all mistakes at once; an unknown key comes
with a suggestion. Anchors and aliases are refused: a small file could expand into a huge one.
"""

import copy
import difflib
import math
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from config.errors import ConfigError, Problem
from config.model_keys import Location, is_tag, keys_at, models_at
from config.scalars import NOT_JSON, misreading
from config.value_errors import value_sentence, without_consequences
from config.verbatim import TextPart

# the names of union members in the models of documents; no key of a document is like them
UNION_TAGS = ("<mapping>", "<value>")

ModelT = TypeVar("ModelT", bound=BaseModel)

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(:-([^}]*))?\}")
_MAX_DEPTH = 40
_OPENING = (yaml.FlowSequenceStartToken, yaml.FlowMappingStartToken)
_CLOSING = (yaml.FlowSequenceEndToken, yaml.FlowMappingEndToken)
_MAX_BYTES = 1_000_000
_TOO_DEEP = f"nested deeper than {_MAX_DEPTH} levels"


class StrictModel(BaseModel):
    """Base of every model that people write as YAML: no unknown keys, no coercion, immutable."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


@dataclass(frozen=True)
class Document:
    """A parsed YAML file: its text, its content, and the line (from 1) of each location.

    A location is the path of keys and indexes from the root, as in `("services", "shop", "url")`.
    `misread` says of values that are not what they look like, such as `12:30:00`, how to write
    them. `expanded` has the parts of each value in which variables were expanded.
    """

    path: Path
    text: str
    content: Any
    lines: Mapping[Location, int]
    misread: Mapping[Location, str] = field(default_factory=dict)
    expanded: Mapping[Location, tuple[TextPart, ...]] = field(default_factory=dict)

    def line_of(self, location: Location) -> int:
        """Return the line of a location or, if the file lacks it, of its nearest ancestor."""
        while location and location not in self.lines:
            location = location[:-1]
        return self.lines.get(location, 1)

    def problem(self, location: Location, message: str) -> Problem:
        """Return a problem with the file and line of a location."""
        return Problem(self.path, self.line_of(location), message)


def read_document(
    path: Path, variables: Mapping[str, str] | None = None, content: bytes | None = None
) -> Document:
    """Parse a YAML file and, if `variables` are given, expand them in its values.

    `${NAME}` must be set; `${NAME:-default}` may be unset or empty. Expansion happens after
    parsing, so that a variable's value cannot add keys. `content` is that of the file, where it has
    been read already.

    Raises ConfigError with every unset variable and duplicate key, or with the YAML syntax error.
    """
    text = _read_text(path) if content is None else _decoded(path, content)
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
    reader = _NodeReader(path, variables)
    content = reader.content_of(root, ())
    if reader.problems:
        raise ConfigError(*reader.problems)
    return Document(path, text, content, reader.lines, reader.misread, reader.expanded)


def read_model(document: Document, model: type[ModelT]) -> ModelT:
    """Validate a document against its model. Raises ConfigError with every mistake in it."""
    if not isinstance(document.content, dict):
        raise ConfigError(document.problem((), "the file must be a mapping of keys to values"))
    try:
        validated = model.model_validate(document.content)
    except ValidationError as error:
        raise ConfigError(*_problems(document, model, error)) from error
    if document.misread:
        raise ConfigError(*_misread(document))
    return validated


def invalid_places(document: Document, model: type[BaseModel]) -> set[Location]:
    """Return where a document does not fit its model."""
    try:
        model.model_validate(document.content)
    except ValidationError as error:
        return {_written_location(document, each) for each in error.errors()}
    return set()


def read_model_leniently(document: Document, model: type[ModelT]) -> ModelT | None:
    """Validate a document as if its mistakes were fixed, so that later checks can run on the rest.

    A misspelt key is read as the nearest known key; a wrong value is dropped. Returns None if the
    document is still invalid.
    """
    content = copy.deepcopy(document.content)
    # Each fix can uncover further mistakes, one level up at a time.
    for _ in range(_MAX_DEPTH):
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
    near = nearest(str(key), keys_at(model, tuple(path)))
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


def did_you_mean(word: str, known: list[str]) -> str:
    """Return a hint: the nearest known word, or all known words if none is near.

    >>> did_you_mean("expct", ["expect", "save"])
    'did you mean expect?'
    """
    near = nearest(word, known)
    if near:
        return f"did you mean {near}?"
    return f"known here: {', '.join(known)}" if known else "none is known here"


def nearest(word: str, known: list[str]) -> str:
    """Return the known word nearest to a misspelt one, or "" if none is near."""
    return next(iter(difflib.get_close_matches(word, known, n=1)), "")


def _read_text(path: Path) -> str:
    try:
        if path.is_file() and path.stat().st_size > _MAX_BYTES:
            raise ConfigError(Problem(path, None, f"the file is over {_MAX_BYTES:,} bytes"))
        return _decoded(path, path.read_bytes())
    except FileNotFoundError as error:
        raise ConfigError(Problem(path, None, "the file does not exist")) from error
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise ConfigError(Problem(path, None, f"the file cannot be read: {reason}")) from error


def _decoded(path: Path, content: bytes) -> str:
    try:
        return content.decode().replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        raise ConfigError(Problem(path, None, "the file is not UTF-8 text")) from error


def _refuse_aliases(path: Path, text: str) -> None:
    """Refuse aliases and deep nesting while scanning tokens, before any object is built."""
    depth = 0
    for token in yaml.scan(text, Loader=yaml.SafeLoader):
        depth += isinstance(token, _OPENING) - isinstance(token, _CLOSING)
        if depth > _MAX_DEPTH:
            raise ConfigError(Problem(path, token.start_mark.line + 1, _TOO_DEEP))
        if isinstance(token, yaml.AliasToken | yaml.AnchorToken):
            message = "anchors (&) and aliases (*) are not supported; quote the value if it is text"
            raise ConfigError(Problem(path, token.start_mark.line + 1, message))


class _NodeReader:
    """One pass over the YAML nodes; collects the line of each location, and the problems."""

    def __init__(self, path: Path, variables: Mapping[str, str] | None) -> None:
        self.path = path
        self.variables = variables
        self.lines: dict[Location, int] = {}
        self.expanded: dict[Location, tuple[TextPart, ...]] = {}
        self.misread: dict[Location, str] = {}
        self.problems: list[Problem] = []
        self._loader = yaml.SafeLoader("")

    def content_of(self, node: Any, location: Location) -> Any:
        line = node.start_mark.line + 1
        self.lines.setdefault(location, line)
        if len(location) > _MAX_DEPTH:
            self.problems.append(Problem(self.path, line, _TOO_DEEP))
            return None
        if isinstance(node, yaml.MappingNode):
            return dict(self._members(node, location))
        if isinstance(node, yaml.SequenceNode):
            return [self.content_of(item, (*location, i)) for i, item in enumerate(node.value)]
        return self._scalar(node, location)

    def _members(self, node: yaml.MappingNode, location: Location) -> Iterator[tuple[Any, Any]]:
        seen = set()
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            if key is None:
                self.problems.append(Problem(self.path, line, "a key must be plain text"))
                continue
            if key in seen:
                self.problems.append(Problem(self.path, line, f"the key {key!r} is defined twice"))
            seen.add(key)
            self.lines[(*location, key)] = line
            yield key, self.content_of(value_node, (*location, key))

    def _scalar(self, node: yaml.ScalarNode, location: Location) -> Any:
        line = node.start_mark.line + 1
        try:
            value = self._loader.construct_object(node)
        except (yaml.YAMLError, ValueError) as error:
            message = misreading(node, None) if node.tag in NOT_JSON else _first_line(error)
            self.problems.append(Problem(self.path, line, message))
            return None
        reason = misreading(node, value)
        if not _is_json(value):
            message = "the value is not text, a number or true/false; quote it if it is text"
            self.problems.append(Problem(self.path, line, reason or message))
            return None
        if reason:
            self.misread[location] = reason
        if isinstance(value, str) and self.variables is not None:
            return self._expanded(value, line, location)
        return value

    def _expanded(self, text: str, line: int, location: Location) -> str:
        parts, end = list[TextPart](), 0
        for match in _VARIABLE.finditer(text):
            parts.append(TextPart(text[end : match.start()]))
            value = self._variable(match[1], match[3], line)
            parts.append(TextPart(value, is_verbatim=True, variable=match[1]))
            end = match.end()
        if not parts:
            return text
        self.expanded[location] = (*parts, TextPart(text[end:]))
        return "".join(part.text for part in self.expanded[location])

    def _variable(self, name: str, default: str | None, line: int) -> str:
        """Return a variable's value; like the shell, use the default for an empty value too."""
        value = (self.variables or {}).get(name)
        if default is not None:
            return value or default
        if value is None:
            message = f"the environment variable {name} is not set; export it first"
            self.problems.append(Problem(self.path, line, message))
        return value or ""


def _is_json(value: object) -> bool:
    finite = not isinstance(value, float) or math.isfinite(value)
    # YAML also has dates, binary data, .inf and .nan.
    return finite and isinstance(value, str | int | float | None)


def _problems(
    document: Document, model: type[BaseModel], error: ValidationError
) -> Iterator[Problem]:
    placed = [(_written_location(document, each), each) for each in error.errors()]
    # a key that is misspelt is not missing as well
    written = {
        (*place[:-1], nearest(str(place[-1]), keys_at(model, place[:-1])))
        for place, each in placed
        if each["type"] == "extra_forbidden"
    }
    problems = _misread(document)
    for place, each in without_consequences(placed, written):
        # A value that is misread has its own message, which says how to write it.
        if place not in document.misread:
            problems.append(document.problem(place, _sentence(model, place, each)))
    yield from sorted(dict.fromkeys(problems), key=lambda problem: problem.line or 0)


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


def _sentence(model: type[BaseModel], location: Location, error: ErrorDetails) -> str:
    field = ".".join(str(part) for part in location)
    if error["type"] == "extra_forbidden":
        # with its tags, since another member of a union may know the key
        parents = [part for part in error["loc"][:-1] if part in location or is_tag(part)]
        known = keys_at(model, tuple(parents))
        return f"unknown key {location[-1]!r}; {did_you_mean(str(location[-1]), known)}"
    if error["type"] == "missing":
        return f"the key {field!r} is missing"
    sentence = value_sentence(error, keys_at(model, location))
    return f"{field}: {sentence}" if field else sentence


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
