"""Read the nodes of a YAML file as JSON values, with the line of each, and expand variables."""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from config.errors import Problem
from config.model_keys import Location
from config.scalars import NOT_JSON, misreading
from config.variables import VARIABLE, malformed_variable, unset_variable
from config.verbatim import TextPart

MAX_DEPTH = 40
TOO_DEEP = f"nested deeper than {MAX_DEPTH} levels"

_IS_UNQUOTED_TEMPLATE = 'a value that begins with {{ must be quoted, as in "{{ name }}"'


class NodeReader:
    """One pass over the YAML nodes; collects the line of each location, and the flaws."""

    def __init__(self, path: Path, text: str, variables: Mapping[str, str] | None) -> None:
        self.lines: dict[Location, int] = {}
        self.expanded: dict[Location, tuple[TextPart, ...]] = {}
        self.misread: dict[Location, str] = {}
        self.flaws: list[tuple[Location, Problem]] = []
        self._path, self._text, self._variables = path, text, variables
        self._loader = yaml.SafeLoader("")

    def content_of(self, node: Any, location: Location) -> Any:
        """Return the JSON value of a node; None where it is none."""
        line = node.start_mark.line + 1
        self.lines.setdefault(location, line)
        if len(location) > MAX_DEPTH:
            self._flaw(location, line, TOO_DEEP)
            return None
        if isinstance(node, yaml.MappingNode):
            return dict(self._members(node, location))
        if isinstance(node, yaml.SequenceNode):
            return [self.content_of(item, (*location, i)) for i, item in enumerate(node.value)]
        return self._scalar(node, location)

    def _members(self, node: yaml.MappingNode, location: Location) -> Iterator[tuple[Any, Any]]:
        first: dict[str, int] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                is_template = self._text.startswith("{{", node.start_mark.index)
                message = _IS_UNQUOTED_TEMPLATE if is_template else "a key must be plain text"
                self._flaw(location, line, message)
                continue
            key, place = key_node.value, (*location, key_node.value)
            if key in first:
                self._flaw(place, line, f"the key {key!r} is defined twice, first in line "
                                        f"{first[key]}; remove or rename one")  # fmt: skip
            elif mistake := self._missing_colon(key_node):
                self._flaw(place, line, mistake)
            first.setdefault(key, line)
            self.lines[place] = line
            yield key, self.content_of(value_node, place)

    def _missing_colon(self, key_node: yaml.ScalarNode) -> str:
        """Return the remedy of a key without its colon, or "": {a, b} has two of them."""
        key, end = key_node.value, key_node.end_mark.index
        if not self._text[end : end + 1_000].lstrip().startswith((",", "}")):
            return ""
        if key[-1:].isdigit() and self._text[end + 1 : end + 2].isdigit():
            return f"{key!r} has no colon and no value; write a decimal point instead of the comma"
        return (f"{key!r} has no colon and no value; "
                "quote the whole value if the comma is a part of it")  # fmt: skip

    def _scalar(self, node: yaml.ScalarNode, location: Location) -> Any:
        line = node.start_mark.line + 1
        try:
            value = self._loader.construct_object(node)
        except (yaml.YAMLError, ValueError):
            remedy = f"{node.tag} is no type of JSON; quote a text that begins with !"
            self._flaw(location, line, misreading(node, None) if node.tag in NOT_JSON else remedy)
            return None
        reason = misreading(node, value)
        if not _is_json(value):
            message = "the value is not text, a number or true/false; quote it if it is text"
            self._flaw(location, line, reason or message)
            return None
        if reason:
            self.misread[location] = reason
        if isinstance(value, str) and self._variables is not None:
            return self._expanded(value, line, location)
        return value

    def _expanded(self, text: str, line: int, location: Location) -> str:
        if mistake := malformed_variable(text):
            self._flaw(location, line, mistake)
            return text
        parts, end = list[TextPart](), 0
        for match in VARIABLE.finditer(text):
            parts.append(TextPart(text[end : match.start()]))
            value = self._variable(match[1], match[3], line, location)
            parts.append(TextPart(value, is_verbatim=True, variable=match[1]))
            end = match.end()
        if not parts:
            return text
        self.expanded[location] = (*parts, TextPart(text[end:]))
        return "".join(part.text for part in self.expanded[location])

    def _variable(self, name: str, default: str | None, line: int, location: Location) -> str:
        """Return a variable's value; like the shell, use the default for an empty value too."""
        value = (self._variables or {}).get(name)
        if default is not None:
            return value or default
        if value is None:
            self._flaw(location, line, unset_variable(name))
        return value or ""

    def _flaw(self, location: Location, line: int, message: str) -> None:
        self.flaws.append((location, Problem(self._path, line, message)))


def _is_json(value: object) -> bool:
    finite = not isinstance(value, float) or math.isfinite(value)
    # YAML also has dates, binary data, .inf and .nan.
    return finite and isinstance(value, str | int | float | None)
