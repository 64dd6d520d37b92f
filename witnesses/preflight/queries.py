"""Inspect the queries of a scenario: those of databases, and those that Prometheus evaluates."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from typing import Any

from config.model_keys import Location
from scenarios.language.objectives import PromqlCheck
from scenarios.language.promql_restriction import NOT_RESTRICTED
from scenarios.language.stores import Store
from witnesses.database.collector import execute
from witnesses.database.dialect import DatabaseDown, QueryRefused
from witnesses.database.read_only import asking
from witnesses.model import CountedQuantity
from witnesses.preflight.inspection import Inspection, Outcome
from witnesses.prometheus.check_query import CheckQuery
from witnesses.prometheus.client import PrometheusClient, PrometheusDown, QueryRejected

_WINDOW = "1m"
_MAX_CHARACTERS = 100
_NUMBERS = ("vector", "scalar")
_ANY: Mapping[str, str] = {}


def inspect_query(
    quantity: CountedQuantity, key: str, store: Store, databases: Mapping[str, str]
) -> Inspection:
    """Run one query of a quantity, read-only and with the run's tenant, up to its first row.

    `key` is `database` or `traces`; the latter has the trace id as an additional first column.
    """
    location = ("quantities", quantity.name, key, *store.place)
    subject, database = (quantity.name, key, *store.place), store.database
    names = [*(["the trace id"] if key == "traces" else []), *quantity.labels, "the count"]
    try:
        columns, row = _first_row(databases[database], store.query, quantity.tenant)
    except QueryRefused as error:
        observed = f"the database {database!r} refuses the query: {error}"
        return Inspection(location, subject, Outcome.WRONG, observed, "correct the query")
    except DatabaseDown as error:
        return Inspection(location, subject, Outcome.DOWN, f"the database {database!r}: {error}")
    if columns != len(names):
        observed = f"the query returns {columns} columns, and must return {len(names)}"
        remedy = f"select {', '.join(names)}, in this order"
        return Inspection(location, subject, Outcome.WRONG, observed, remedy)
    if row and not _is_count(row[-1]):
        shown = repr(row[-1])[:_MAX_CHARACTERS]
        observed = f"the last column of the query is {shown}, which is no count"
        return Inspection(location, subject, Outcome.WRONG, observed, "select a number last")
    return Inspection(location, subject, Outcome.FOUND, f"its columns: {', '.join(names)}")


def _first_row(url: str, query: str, tenant: str) -> tuple[int, list[Any]]:
    """Return the number of columns, and the first row or []. Raises DatabaseDown."""
    with (
        asking(url) as (connection, session),
        closing(execute(connection, session, query, tenant)) as rows,
    ):
        try:
            return len(rows.keys()), list(rows.fetchone() or ())
        except RecursionError:
            raise QueryRefused("its query returns JSON that is nested too deeply") from None


def _is_count(value: object) -> bool:
    """Return whether a value is a number; sum() of no rows is NULL."""
    if value is None or isinstance(value, bool):
        return value is None
    try:
        float(str(value))
    except ValueError:
        return False
    return True


class PromqlInspector:
    """Evaluates selectors and checks; after an error Prometheus is not asked again."""

    def __init__(self, client: PrometheusClient, match: Mapping[str, str] = _ANY) -> None:
        """Ask nothing yet; `match` are labels of the environment's targets."""
        self._client = client
        self._match = match
        self.error = ""

    def inspect_selector(self, quantity: CountedQuantity) -> Inspection:
        """Inspect whether Prometheus accepts the selector of a quantity."""
        location = ("quantities", quantity.name, "prometheus")
        query = f"count({quantity.selector_text})"
        return self._inspect(location, (quantity.name, "selector"), query)

    def inspect_checks(self, checks: tuple[PromqlCheck, ...], tenant: str) -> Iterator[Inspection]:
        """Inspect the query of each check, with the run's tenant and a window of a minute."""
        for number, check in enumerate(checks):
            query = CheckQuery.of_check(check, self._match, tenant, _WINDOW)
            location = ("checks", "promql", number, "query")
            inspection = self._inspect(location, (check.name, "promql"), query.text)
            if inspection.outcome is Outcome.FOUND and not query.is_restricted:
                inspection = replace(
                    inspection, observed=f"{inspection.observed}; {NOT_RESTRICTED}"
                )
            yield inspection

    def _inspect(self, location: Location, subject: tuple[str, ...], query: str) -> Inspection:
        if self.error:
            return Inspection(location, subject, Outcome.DOWN, self.error)
        try:
            response = self._client.query(query, None)
        except QueryRejected as error:
            return Inspection(location, subject, Outcome.WRONG, error.what, "correct the query")
        except PrometheusDown as error:
            self.error = str(error)
            return Inspection(location, subject, Outcome.DOWN, self.error)
        if response.kind not in _NUMBERS:
            observed = f"the query returns a {response.kind[:_MAX_CHARACTERS]}"
            remedy = "make it an instant vector or a number"
            return Inspection(location, subject, Outcome.WRONG, observed, remedy)
        return Inspection(location, subject, Outcome.FOUND, "Prometheus evaluates it")
