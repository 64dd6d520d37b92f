"""Validate the data sources of a scenario, as far as its own file shows them."""

from collections.abc import Iterator
from typing import Any

from config.model_keys import Location
from config.suggestions import did_you_mean
from config.variables import texts_in
from scenarios.language.data import DataSource
from scenarios.language.model import Scenario
from scenarios.language.step_validation import reserved_name
from scenarios.language.templates import TemplateError, members_in, variables_in
from scenarios.language.violations import Violation

_WITHOUT_TEMPLATES = ("scenario", "description", "data", "profiles", "public")


def find_data_violations(scenario: Scenario) -> Iterator[Violation]:
    """Yield every violation of the data sources."""
    used = {name for _, text in texts_with_templates(content_of(scenario)) for name in _names(text)}
    for name, source in scenario.data.items():
        place: Location = ("data", name)
        yield from ((place, message) for message in _name(scenario, name, name in used))
        yield from ((place, message) for message in _keys(source))
        yield from _rows(source.rows or [], (*place, "rows"))
        most = max((each.virtual_users for each in scenario.profiles.values()), default=0)
        if source.contention > most > 0:
            users = f"no profile has more than {most} at once"
            yield (*place, "contention"), (f"{source.contention} users would share a row, and "
                                           f"{users}; use fewer, or more users")  # fmt: skip


def content_of(scenario: Scenario) -> dict[str, Any]:
    """Return a scenario as the content of its document."""
    content: dict[str, Any] = scenario.model_dump(by_alias=True, exclude_unset=True)
    return content


def texts_with_templates(content: dict[str, Any]) -> Iterator[tuple[Location, str]]:
    """Yield the place and text of everything that may be a template, keys of mappings included."""
    for key, value in content.items():
        if key not in _WITHOUT_TEMPLATES:
            yield from texts_in(value, (key,))
            yield from _keys_with_templates(value, (key,))


def find_unknown_columns(
    content: dict[str, Any], columns: dict[str, tuple[str, ...]]
) -> Iterator[Violation]:
    """Yield where a template reads a column that a data source does not have."""
    for place, text in texts_with_templates(content):
        for name, member in sorted(_members(text)):
            if name in columns and member not in columns[name]:
                hint = did_you_mean(member, list(columns[name]))
                yield place, f"{name} has no column {member!r}; {hint}"


def _name(scenario: Scenario, name: str, is_used: bool) -> Iterator[str]:
    saved = [step.step for step in scenario.steps if name in step.save]
    yield from reserved_name(name)
    if saved:
        yield f"the step {saved[0]!r} saves {name!r}, too; choose another name"
    if not is_used:
        yield f"no template reads {name!r}; write for example {{{{ {name}.id }}}}, or remove it"


def _keys(source: DataSource) -> Iterator[str]:
    if (source.file is None) == (source.rows is None):
        yield "write either file, as in file: customers.csv, or rows"
    if source.rows == []:
        yield "rows is empty; write at least one, as in rows: [{id: c1}]"
    if source.seed is not None and source.order != "random":
        yield f"the order {source.order} has no seed; remove it, or write order: random"
    if source.at_end is not None and source.order != "unique":
        yield f"the order {source.order} has no end; remove at_end, or write order: unique"


def _rows(rows: list[dict[str, Any]], place: Location) -> Iterator[Violation]:
    first = list(rows[0]) if rows else []
    if rows and not first:
        yield (*place, 0), "the row has no column; write for example {id: c1}"
    for index, row in enumerate(rows):
        yield from (((*place, index), message) for message in column_mistakes(list(row), first))


def column_mistakes(found: list[str], expected: list[str]) -> Iterator[str]:
    """Yield how the columns of a row differ from those of the first row."""
    for name in found:
        if name not in expected:
            yield f"the first row has no {name!r}; {did_you_mean(name, expected)}"
    for name in expected:
        if name not in found:
            yield f"{name!r} is missing, which the first row has; add it"


def _keys_with_templates(value: Any, place: Location) -> Iterator[tuple[Location, str]]:
    members = dict(enumerate(value)) if isinstance(value, list) else value
    for key, member in members.items() if isinstance(members, dict) else ():
        if isinstance(key, str) and isinstance(value, dict) and "{" in key:
            yield (*place, key), key
        yield from _keys_with_templates(member, (*place, key))


def _names(text: str) -> set[str]:
    try:
        return variables_in(text) if "{" in text else set()
    except TemplateError:
        return set()  # reported where it stands


def _members(text: str) -> set[tuple[str, str]]:
    try:
        return members_in(text) if "{" in text else set()
    except TemplateError:
        return set()
