"""Validate the queries of databases: one statement each, and whose rows have trace ids."""

import re
from collections.abc import Iterator

from config.model_keys import Location
from scenarios.language.quantities import Quantity
from scenarios.language.stores import Store, stores_of
from scenarios.language.templates import looks_like_template
from scenarios.language.violations import Violation

_QUERY_START = re.compile(r"(select|with)\b", re.IGNORECASE)
_NOT_SQL = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|`[^`]*`|--[^\n]*|/\*.*?\*/", re.DOTALL)
# as SQLAlchemy parses bind parameters, since it executes the query
_BIND_VARIABLE = re.compile(r"(?<![:\w\\]):(\w+)(?!:)")


def find_store_violations(quantity: Quantity, place: Location) -> Iterator[Violation]:
    """Yield every violation of the queries of a quantity, which stands at `place`."""
    traced = stores_of(quantity.traces)
    for key, stores in (("database", quantity.stores), ("traces", traced)):
        for store in stores:
            yield from _query(store.query, (*place, key, *store.place))
    if len(traced) > 1:
        message = "the rows of one store have trace ids; write one query"
        yield (*place, "traces", traced[0].database), message
    elif traced and (message := _untraced(quantity, traced[0])):
        yield (*place, "traces", *traced[0].place), message


def _untraced(quantity: Quantity, traced: Store) -> str:
    """Return why it is not known whose rows have the trace ids, or ""."""
    database = traced.database
    parts = [each.part for each in quantity.stores if each.database == database]
    if not parts or traced.part in parts:
        return ""
    if any(parts):
        return (f"{database} keeps this in {' and '.join(parts)}; name the one with trace ids: "
                f"traces: {{{database}: {{{parts[0]}: SELECT …}}}}")  # fmt: skip
    return (f"{database} has one query for this; write traces: {{{database}: SELECT …}}, "
            f"or name its query {traced.part} as well")  # fmt: skip


def _query(query: str, place: Location) -> Iterator[Violation]:
    """Refuse what is plainly not one query; the read-only connection refuses hidden writes."""
    bare = _NOT_SQL.sub(" ", query).strip()
    if not _QUERY_START.match(bare):
        yield place, "this is not a query; begin it with SELECT or WITH"
    elif looks_like_template(query):
        yield place, "templates are not evaluated in a query; write :tenant, without quotes"
    elif ";" in bare.removesuffix(";"):
        yield place, "these are several statements; write one, without a ; inside"
    for name in dict.fromkeys(_BIND_VARIABLE.findall(query)):
        if name != "tenant":
            yield (
                place,
                rf"unknown variable :{name}; only :tenant is known, and \: is a literal colon",
            )
