"""Replace `${VARIABLE}` in what the steps of a scenario send, by environment variables.

The scenario itself stays as it is written: its copy in the evidence has `${VARIABLE}`, and judging
needs no value. Only compiling a flow does: there, each variable becomes a constant of a template,
so that its value is encoded for its place, and is no template itself.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from config.errors import ConfigError, Problem
from config.model_keys import Location
from config.secrets import Value, values_of_headers
from config.variables import Place, malformed_variable, names_of_variables, texts_in, unset_variable
from config.verbatim import TextPart
from scenarios.language.model import Scenario
from scenarios.language.steps import Step

# the keys of a step in which variables are replaced, and their names in the model
_SENT = {
    "request": "request", "query": "query", "headers": "headers", "json": "json_body",
    "form": "form", "multipart": "multipart", "text": "text",
}  # fmt: skip
_VARIABLE = re.compile(r"(\{?)\$\{([A-Za-z_][A-Za-z0-9_]*)(:-([^}]*))?\}")
_WITHIN_TEMPLATE = re.compile(r"\{\{[^{}]*\$\{|\{%[^{}]*\$\{")
_HEADER_VALUE = re.compile(r"[ -~]*")
_CONSTANT = "variable_of_process_{}"
_MISPLACED = (
    "variables are replaced only in what a step sends: request, query, headers, json, form, "
    "multipart, text; their values are secrets, which no report shows"
)
_IN_A_KEY = "variables are not replaced in a key; write the key itself, or save its value in a step"
_NESTED = "a variable does not stand within {{ … }} or {% … %}; write it beside the template"


def has_variable(text: str) -> bool:
    """Return whether a text has a variable.

    >>> has_variable("Bearer ${TOKEN}"), has_variable("$TOKEN")
    (True, False)
    """
    return _VARIABLE.search(text) is not None


def find_misplaced_variables(scenario: Scenario, content: Any) -> Iterator[tuple[Place, str]]:
    """Yield where the content of a scenario has a variable that is not replaced."""
    steps = [place for place, _ in scenario.placed_steps()]
    for place, text in (*texts_in(content), *_keys_in(content)):
        if "${" not in text or place == ("description",):
            continue
        if mistake := malformed_variable(text):
            yield place, f"{mistake}; a literal ${{ is written {{{{ '$' }}}}{{"
        elif place[-1] == text:
            yield place, _IN_A_KEY
        elif not any(_is_sent(place[len(step) :]) for step in steps if place[: len(step)] == step):
            yield place, _MISPLACED
        elif _WITHIN_TEMPLATE.search(text):
            yield place, _NESTED


def texts_sent(content: Any) -> Iterator[tuple[Place, str]]:
    """Yield the place and text of what seems to be sent, in a scenario that may be wrong."""
    for place, text in texts_in(content):
        if any(part in _SENT for part in place):
            yield place, text


def _keys_in(content: Any, place: Place = ()) -> Iterator[tuple[Place, str]]:
    """Yield the place and text of every key of the mappings in a document."""
    members = dict(enumerate(content)) if isinstance(content, list) else content
    for key, member in members.items() if isinstance(members, dict) else ():
        if isinstance(key, str):
            yield (*place, key), key
        yield from _keys_in(member, (*place, key))


def _is_sent(place: Location) -> bool:
    # of a file in a form, only the content is sent as it is
    is_file = place[:1] == ("multipart",) and any(isinstance(key, str) for key in place[2:])
    return bool(place) and place[0] in _SENT and not is_file


def find_unusable_variables(
    scenario: Scenario, variables: Mapping[str, str]
) -> Iterator[tuple[Location, str]]:
    """Yield where a variable is not set, or has a value that its place cannot hold."""
    for place, text in _placed_texts(scenario):
        for name in names_of_variables(text):
            if name not in variables:
                yield place, unset_variable(name)
        for problem in _unfit_for_header(text, variables) if "headers" in place else ():
            yield place, problem


def variables_of(scenario: Scenario, variables: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that a scenario names, as far as they are set."""
    named = {match[2] for _, text in _placed_texts(scenario) for match in _VARIABLE.finditer(text)}
    return {name: variables[name] for name in sorted(named) if name in variables}


def values_of_variables(scenario: Scenario, variables: Mapping[str, str]) -> Iterator[Value]:
    """Yield the values of variables: secrets, unless they are declared public."""
    for place, text in _placed_texts(scenario):
        if "headers" in place:
            yield from values_of_headers({str(place[-1]): _parts(text, variables)})
            continue
        names = tuple(str(key) for key in place[-1:])
        for name, value in _values_in(text, variables):
            # a path is in plain sight, so that a word in it is none
            is_path = place[-1] == "request" and "?" not in text.partition(f"${{{name}")[0]
            yield Value(value, (name, *names), is_certain=not is_path)


def _parts(text: str, variables: Mapping[str, str]) -> tuple[TextPart, ...]:
    parts, end = list[TextPart](), 0
    for match in _VARIABLE.finditer(text):
        value = _value(match, variables) or ""
        parts += [TextPart(text[end : match.end(1)]), TextPart(value, True, match[2])]
        end = match.end()
    return (*parts, TextPart(text[end:]))


class VariableExpander:
    """Replaces variables in steps by names of `constants`, which templates are compiled with."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        """Take the environment variables."""
        self._variables = variables
        self._names: dict[tuple[str, str], str] = {}
        self.constants: dict[str, str] = {}

    def expand(self, step: Step) -> Step:
        """Return a step without variables; the same one, if it has none. Raises ConfigError."""
        for text in filter(None, step.headers.values()):
            if problem := next(_unfit_for_header(text, self._variables), ""):
                raise ConfigError(Problem(None, None, problem))
        sent = {name: getattr(step, name) for name in _SENT.values()}
        changed = {
            name: self._in(value)
            for name, value in sent.items()
            if any(has_variable(text) for _, text in texts_in(value))
        }
        return step.model_copy(update=changed) if changed else step

    def _in(self, value: Any) -> Any:
        if isinstance(value, str):
            return _VARIABLE.sub(self._template, value)
        if isinstance(value, dict):
            return {key: self._in(member) for key, member in value.items()}
        return [self._in(member) for member in value] if isinstance(value, list) else value

    def _template(self, match: re.Match[str]) -> str:
        value = _value(match, self._variables)
        if value is None:
            raise ConfigError(Problem(None, None, unset_variable(match[2])))
        new = _CONSTANT.format(len(self._names))
        name = self._names.setdefault((match[2], value), new)
        self.constants[name] = value
        # a brace before it would otherwise begin another expression
        return f"{{{{ '{{' ~ {name} }}}}" if match[1] else f"{{{{ {name} }}}}"


def _value(match: re.Match[str], variables: Mapping[str, str]) -> str | None:
    """Return the value of a variable, or None; as in the shell, a default is for empty, too."""
    value = variables.get(match[2])
    return value if match[3] is None else value or match[4]


def _unfit_for_header(text: str, variables: Mapping[str, str]) -> Iterator[str]:
    for name, value in _values_in(text, variables):
        if not _HEADER_VALUE.fullmatch(value):
            yield f"the value of {name} does not fit into a header: it is not ASCII text"


def _values_in(text: str, variables: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for match in _VARIABLE.finditer(text):
        if value := _value(match, variables):
            yield match[2], value


def _placed_texts(scenario: Scenario) -> Iterator[tuple[Location, str]]:
    """Yield the place and the text of what steps send, where it has a variable."""
    for step_place, step in scenario.placed_steps():
        for key, name in _SENT.items():
            for place, text in texts_in(getattr(step, name), (*step_place, key)):
                if has_variable(text):
                    yield place, text
