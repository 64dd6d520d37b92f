"""Find the secrets of a scenario: in headers and queries of its requests, and in saved values."""

import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import chain
from typing import Any
from urllib.parse import urlsplit

from config.environment import Environment
from config.secrets import (
    SECRET_NAME,
    Publicity,
    Value,
    is_public_name,
    values_of_headers,
    values_of_query,
)
from config.variables import texts_in
from config.verbatim import TextPart
from scenarios.language.bodies import FilePart
from scenarios.language.expect import Capture
from scenarios.language.model import Scenario
from scenarios.language.steps import Step
from scenarios.language.tables import Tables
from scenarios.language.templates import (
    TemplateError,
    members_in,
    members_in_header,
    variables_in,
    variables_in_header,
)
from scenarios.language.variables import has_variable, values_of_variables


def secrets_of(
    scenario: Scenario, environment: Environment, variables: Mapping[str, str] = os.environ
) -> tuple[str, ...]:
    """Return every secret of a scenario and of the environment that it is driven against.

    `variables` are those of which the scenario has the names.
    """
    declared = environment.publicity()
    names = (*declared.names, *scenario.public)
    publicity = Publicity.of(names, (declared.plain, *_texts_in_plain_sight(scenario)))
    written = (value for value in values_of(scenario) if not has_variable(value.text))
    expanded = values_of_variables(scenario, variables)
    return publicity.secrets((*environment.values(), *written, *expanded))


def values_of(scenario: Scenario) -> Iterator[Value]:
    """Yield every value of a scenario that may be a secret."""
    for source in scenario.data.values():
        for row in source.rows or ():
            for column, value in row.items():
                if SECRET_NAME.search(column) and isinstance(value, str):
                    yield Value(value, (column,))
    for step in scenario.steps:
        yield from values_of_headers(_parts(step.headers))
        yield from values_of_query(_query(step))
        yield from _of_query_values(step)
        for place, text in texts_in(_contents(step)):
            if _is_named_like_a_secret(place) and "{{" not in text:
                yield Value(text, (str(place[-1]),))


def secret_variables(scenario: Scenario, environment: Environment) -> frozenset[str]:
    """Return the saved variables whose values are secrets.

    They are used in a header or in a query parameter, or named like a secret.
    """
    public = _public(scenario, environment)
    used = {name for name in _saved(scenario) if SECRET_NAME.search(name)}
    used |= {
        name
        for step in scenario.steps
        for name, capture in step.save.items()
        if _is_secret_source(capture, public)
    }
    for parts in _secret_headers(scenario, environment):
        used |= variables_in_header(parts)
    for value in _secret_parameters(scenario, environment):
        used |= _variables_in(value)
    return frozenset(name for name in used & _saved(scenario) if name not in public)


def secret_columns(
    scenario: Scenario, environment: Environment, tables: Tables
) -> dict[str, tuple[str, ...]]:
    """Return, by data source, the columns whose values are secrets: as of saved variables."""
    public = _public(scenario, environment)
    used: set[tuple[str, str]] = set()
    for parts in _secret_headers(scenario, environment):
        used |= members_in_header(parts)
    for value in _secret_parameters(scenario, environment):
        for text in _listed(value):
            with suppress(TemplateError):  # a part of a template that contains &
                used |= members_in(text) if isinstance(text, str) else set()
    return {
        name: tuple(
            column
            for column in table.columns
            if column.lower() not in public
            and (SECRET_NAME.search(column) or (name, column) in used)
        )
        for name, table in tables.items()
    }


def _public(scenario: Scenario, environment: Environment) -> set[str]:
    return {name.lower() for name in (*environment.public, *scenario.public)}


def _secret_headers(scenario: Scenario, environment: Environment) -> Iterator[tuple[TextPart, ...]]:
    """Yield the values of the headers that may hold a secret."""
    public = _public(scenario, environment)
    written = (_parts(step.headers) for step in scenario.steps)
    of_environment = ((place[-1], parts) for place, parts in environment.placed_headers())
    for name, parts in chain(of_environment, *(each.items() for each in written)):
        if not is_public_name(name) and name.lower() not in public:
            yield parts


def _secret_parameters(scenario: Scenario, environment: Environment) -> Iterator[Any]:
    """Yield the values of queries and forms that are named like a secret."""
    public = _public(scenario, environment)
    for step in scenario.steps:
        for name, value in _named_values(step):
            if SECRET_NAME.search(name) and name.lower() not in public:
                yield value


def _is_secret_source(capture: Capture, public: Collection[str]) -> bool:
    """Return whether a value is saved from a cookie, or from a header named like a secret."""
    name = (capture.cookie or capture.header or "").lower()
    is_secret = capture.cookie is not None or SECRET_NAME.search(name) is not None
    return is_secret and bool(name) and name not in public


def _parts(headers: Mapping[str, str | None]) -> dict[str, tuple[TextPart, ...]]:
    return {name: (TextPart(value),) for name, value in headers.items() if value}


def _saved(scenario: Scenario) -> set[str]:
    return {name for step in scenario.steps for name in step.save}


def _query(step: Step) -> str:
    try:
        return urlsplit(step.request_parts()[2]).query
    except ValueError:
        return step.request_parts()[2].partition("?")[2]


def _named_values(step: Step) -> Iterator[tuple[str, Any]]:
    """Yield the name and the value of what a query and a form have."""
    for pair in _query(step).split("&"):
        yield pair.partition("=")[0], pair
    yield from step.query.items()
    yield from step.form.items()
    yield from step.multipart.items()


def _of_query_values(step: Step) -> Iterator[Value]:
    for name, value in step.query.items():
        for text in _listed(value):
            if isinstance(text, str) and "{{" not in text and not is_public_name(name):
                yield Value(text, (name,), is_certain=bool(SECRET_NAME.search(name)))


def _contents(step: Step) -> list[Any]:
    """Return the fields of a step's body, in which texts have their names."""
    fields = {
        name: [part for part in parts if not isinstance(part, FilePart)]
        for name, parts in step.multipart.items()
    }
    return [step.json_body, step.form, fields]


def _variables_in(value: Any) -> set[str]:
    try:
        return variables_in([part for part in _listed(value) if not isinstance(part, FilePart)])
    except TemplateError:
        return set()  # a part of a template that contains &


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _is_named_like_a_secret(place: Iterable[str | int]) -> bool:
    names = [part for part in place if isinstance(part, str)]
    return bool(names) and SECRET_NAME.search(names[-1]) is not None


def _texts_in_plain_sight(scenario: Scenario) -> Iterator[str]:
    """Yield what the scenario has elsewhere: names, labels, paths, expectations, queries."""
    document = scenario.model_dump(mode="json", exclude={"flow", "public", "description"})
    yield from _texts(document)
    for step in scenario.steps:
        yield from (step.step, step.request_parts()[2].partition("?")[0])
        others = step.model_dump(mode="json", include={"counts", "save"})
        expected = [each.model_dump(mode="json") for _, each in step.expectations()]
        for member in (others, *expected, *_contents(step), step.text):
            yield from _texts(member)


def _texts(value: Any) -> Iterator[str]:
    """Yield keys and texts, except what is named like a secret."""
    if isinstance(value, str):
        yield value
    members = value.items() if isinstance(value, dict) else ()
    for key, member in members:
        yield str(key)
        if not (isinstance(member, str) and SECRET_NAME.search(str(key))):
            yield from _texts(member)
    for member in value if isinstance(value, list) else ():
        yield from _texts(member)
