"""Read YAML files strictly, and report every mistake with its file and line.

`parse_document` parses a file and keeps the line of each value. `config.models` validates its
content. Anchors and aliases are refused: a small file could expand into a huge one.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from config.errors import ConfigError, Problem
from config.model_keys import Location
from config.verbatim import TextPart
from config.yaml_nodes import MAX_DEPTH, TOO_DEEP, NodeReader
from config.yaml_syntax import syntax_mistake

_OPENING = (yaml.FlowSequenceStartToken, yaml.FlowMappingStartToken)
_CLOSING = (yaml.FlowSequenceEndToken, yaml.FlowMappingEndToken)
_BLOCK = (yaml.BlockSequenceStartToken, yaml.BlockMappingStartToken)
_MAX_BLOCKS = 100  # a parser in C has no limit of its own, and would overflow its stack
# libyaml, where PyYAML was built with it, as its wheels are
_FAST_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MAX_BYTES = 1_000_000


@dataclass(frozen=True)
class Document:
    """A parsed YAML file: its text, its content, and the line (from 1) of each location.

    A location is the path of keys and indexes from the root, as in `("services", "shop", "url")`.
    `misread` says of values that are not what they look like, such as `12:30:00`, how to write
    them. `expanded` has the parts of each value in which variables were expanded. `flaws` are the
    mistakes that show without a model, each with its location, such as a key that is defined twice.
    """

    path: Path
    text: str
    content: Any
    lines: Mapping[Location, int]
    misread: Mapping[Location, str] = field(default_factory=dict)
    expanded: Mapping[Location, tuple[TextPart, ...]] = field(default_factory=dict)
    flaws: tuple[tuple[Location, Problem], ...] = ()

    def line_of(self, location: Location) -> int:
        """Return the line of a location or, if the file lacks it, of its nearest ancestor."""
        while location and location not in self.lines:
            location = location[:-1]
        return self.lines.get(location, 1)

    def problem(self, location: Location, message: str) -> Problem:
        """Return a problem with the file and line of a location."""
        return Problem(self.path, self.line_of(location), message)


def read_document(path: Path, variables: Mapping[str, str] | None = None) -> Document:
    """Parse a YAML file. Raises ConfigError with every flaw, or with the YAML syntax error."""
    document = parse_document(path, variables)
    if document.flaws:
        raise ConfigError(*(problem for _, problem in document.flaws))
    return document


def parse_document(
    path: Path, variables: Mapping[str, str] | None = None, content: bytes | None = None
) -> Document:
    """Parse a YAML file and, if `variables` are given, expand them in its values.

    `${NAME}` must be set; `${NAME:-default}` may be unset or empty. Expansion happens after
    parsing, so that a variable's value cannot add keys. `content` is that of the file, where it has
    been read already.

    Raises ConfigError with the YAML syntax error.
    """
    text = _read_text(path) if content is None else _decoded(path, content)
    try:
        root = _compose(path, text)
    except (yaml.YAMLError, RecursionError) as error:
        line, message = syntax_mistake(text, error)
        raise ConfigError(Problem(path, line, f"this is not YAML: {message}")) from error
    if root is None:
        raise ConfigError(Problem(path, None, "the file is empty"))
    reader = NodeReader(path, text, variables)
    read = reader.content_of(root, ())
    flaws = tuple(reader.flaws)
    return Document(path, text, read, reader.lines, reader.misread, reader.expanded, flaws)


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
        line = content.count(b"\n", 0, error.start) + 1
        message = "the file is not UTF-8 text; save it in that encoding"
        raise ConfigError(Problem(path, line, message)) from error


def _compose(path: Path, text: str) -> yaml.Node | None:
    """Return the root of a document, or None of an empty one. Raises YAMLError, ConfigError.

    The parser in C is ten times as fast. What it refuses, that in Python decides on, in whose terms
    `yaml_syntax` says what is wrong; and so it does on tabs, of which it allows fewer.
    """
    if "\t" not in text:
        try:
            return _compose_with(_FAST_LOADER, path, text)
        except yaml.YAMLError:
            pass
    return _compose_with(yaml.SafeLoader, path, text)


def _compose_with(loader: Any, path: Path, text: str) -> yaml.Node | None:
    _refuse_aliases(path, yaml.scan(text, Loader=loader))
    return yaml.compose(text, Loader=loader)


def _refuse_aliases(path: Path, tokens: Iterable[yaml.Token]) -> None:
    """Refuse aliases and deep nesting while scanning tokens, before any object is built."""
    depth = blocks = 0
    for token in tokens:
        depth += isinstance(token, _OPENING) - isinstance(token, _CLOSING)
        blocks += isinstance(token, _BLOCK) - isinstance(token, yaml.BlockEndToken)
        if depth > MAX_DEPTH or blocks > _MAX_BLOCKS:
            raise ConfigError(Problem(path, token.start_mark.line + 1, TOO_DEEP))
        if isinstance(token, yaml.AliasToken | yaml.AnchorToken):
            message = "anchors (&) and aliases (*) are not supported; quote the value if it is text"
            raise ConfigError(Problem(path, token.start_mark.line + 1, message))
