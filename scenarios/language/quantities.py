"""Quantities: what is counted, by which labels, and where each witness keeps its count."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypeAliasType

from config.documents import StrictModel
from config.units import Duration, Share
from scenarios.language.identifiers import Name

Counts = TypeAliasType("Counts", "int | dict[str, Counts]")


class Quantity(StrictModel):
    """Something that is counted, by labels, and where each witness keeps its count.

    `prometheus` is a plain selector of a counter. `database` maps databases to queries whose
    columns are the labels of `by`, in order, and the count. `traces` maps one database to a query
    with the X-Trace-ID of the request as an additional first column; it resolves requests whose
    outcome the client does not know. `service` names the service whose counter is meant, where
    several have the metric; by default, the figures of all are added up. `shared` declares that
    others' traffic is counted, too. `settle` is how long after the response counting may take, in
    seconds. `in_doubt` is the share that may be in doubt where the witnesses agree: as many losses
    could hide in it.
    """

    by: list[Name] = []
    prometheus: str | None = None
    service: str | None = None
    database: Annotated[dict[str, str], Field(min_length=1)] | None = None
    traces: Annotated[dict[str, str], Field(min_length=1, max_length=1)] | None = None
    shared: bool = False
    settle: Duration = 0.0
    in_doubt: Share = 0.01
