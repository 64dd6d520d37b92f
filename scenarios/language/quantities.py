"""Quantities: what is counted, by which labels, and where each witness keeps its count."""

import re
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from config.models import StrictModel
from config.units import Duration, Share
from scenarios.language.apis import ApiRequest
from scenarios.language.identifiers import Name
from scenarios.language.other_names import OF_QUANTITY
from scenarios.language.selector import Selector, parse_selector
from scenarios.language.stores import Queries, Store, stores_of
from scenarios.language.templates import compile_text

LEAST_WITNESSES = 2  # the client, and one that keeps count of its own

_FINEST, _COARSEST = Decimal("1e-12"), Decimal(10**9)
_AT_LEAST = re.compile(r"(at least\s+)?(\d{1,6})")

# An amount, or a mapping by label value, nested for further labels: `quantity_validation` checks
# it, so that every mistake has its place.
Counts = Any


def parse_resolution(value: object) -> Decimal:
    """Return a resolution. Raises ValueError unless it is a positive decimal.

    >>> parse_resolution(0.001)
    Decimal('0.001')
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{value!r} is not a number; write a decimal such as 0.001")
    number = Decimal(repr(value))
    if not _FINEST <= number <= _COARSEST:
        raise ValueError(
            f"{value!r} is not between 0.000000000001 and 1000000000; write a decimal such as 0.001"
        )
    return number


Resolution = Annotated[Decimal, BeforeValidator(parse_resolution)]


def parse_least_witnesses(value: object) -> int:
    """Return the least number of witnesses, the client among them. Raises ValueError.

    >>> parse_least_witnesses("at least 3")
    3
    """
    match = _AT_LEAST.fullmatch(str(value).strip()) if isinstance(value, str | int) else None
    if match is None or isinstance(value, bool):
        raise ValueError(f"{value!r} is no number of witnesses; write at least 3, for example")
    number = int(match[2])
    if not match[1]:
        raise ValueError(f"write at least {number}: more witnesses do no harm")
    if number < LEAST_WITNESSES:
        raise ValueError(
            "the client is one of them, and alone it proves nothing; write at least 2 or more"
        )
    return number


LeastWitnesses = Annotated[int, BeforeValidator(parse_least_witnesses)]


class Expectation(StrEnum):
    """Whether more than the client knows of is a fault."""

    EXACTLY = "exactly"
    AT_LEAST = "at least"


class Quantity(StrictModel):
    """Something that is counted, by labels, and where each witness keeps its count.

    `unit` is shown with its amounts; each is a multiple of `resolution`, at which the witnesses are
    compared. `prometheus` is a plain selector of a counter. `database` maps databases to queries
    whose columns are the labels of `by`, in order, and the amount; a database that keeps the count
    in several stores, such as a log and running totals, has a query for each. `api` maps usage APIs
    to the requests whose responses have its counts. `traces` maps one database, or one of its
    stores, to a query with the trace id of the request as an additional first column; it resolves
    requests whose outcome the client does not know. `service` names the service whose counter is
    meant, where several have the metric; by default, the figures of all are added up. `expect: at
    least` allows for more than the client knows of, as a legitimate retry causes. `shared` declares
    that others' traffic is counted, too. `settle` is how long after the response counting may take,
    in seconds. `in_doubt` is the share that may be in doubt where the witnesses agree: as many
    losses could hide in it. `witnesses` replaces that of the scenario.
    """

    other_names = OF_QUANTITY

    by: list[Name] = []
    unit: Annotated[str, Field(max_length=40)] = ""
    resolution: Resolution | None = None
    prometheus: str | None = None
    service: str | None = None
    database: Annotated[Queries, Field(min_length=1)] | None = None
    api: Annotated[dict[str, ApiRequest], Field(min_length=1)] | None = None
    traces: Annotated[Queries, Field(min_length=1, max_length=1)] | None = None
    expect: Annotated[Expectation, Field(strict=False)] = Expectation.EXACTLY
    shared: bool = False
    settle: Duration = 0.0
    in_doubt: Share = 0.01
    witnesses: LeastWitnesses | None = None

    @property
    def named_witnesses(self) -> tuple[str, ...]:
        """The witnesses that it names, the client first, as the balance has them."""
        counters = ("service", "prometheus") if self.prometheus is not None else ()
        records = (f"database:{store.name}" for store in self.stores)
        return ("client", *counters, *records, *(f"api:{name}" for name in self.api or ()))

    def selector(self, tenant: str) -> Selector:
        """Return the selector of its counter in a run. Raises ValueError."""
        return parse_selector(compile_text(self.prometheus or "")({"tenant": tenant}))

    @property
    def stores(self) -> tuple[Store, ...]:
        """The stores of databases that keep its count."""
        return stores_of(self.database)

    @property
    def traced(self) -> Store | None:
        """The store whose rows have trace ids."""
        return next(iter(stores_of(self.traces)), None)
