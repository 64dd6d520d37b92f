"""What a run collects from a table of orders, whose columns have every type of their dialect."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from scenarios.evidence.run_folder import RunFolder
from tests.witnesses.counted_quantities import TENANT, counted
from tests.witnesses.database.queries import write
from witnesses.database.collector import DatabaseCollector
from witnesses.database.reading import read_databases
from witnesses.database.trace_reading import TraceRow, read_traces
from witnesses.figure import Figures
from witnesses.model import CountedQuantity, Moment

_BY_TRACE_ID = "SELECT trace_id, ok, qty, price, code, sum(qty) FROM orders GROUP BY 1, 2, 3, 4, 5"


def increases(
    url: str, quantities: Sequence[CountedQuantity], place: Path, order: Iterable[str]
) -> list[Figures]:
    """Return the figures of quantities of the database `shop` over a run that writes an order."""
    folder = RunFolder(place)
    collector = DatabaseCollector({"shop": url}, quantities, TENANT)
    collector.collect(Moment.BEFORE, folder)
    write(url, *order)
    collector.collect(Moment.AFTER, folder)
    (reading,) = read_databases(folder)
    return [reading.figures(quantity) for quantity in quantities]


def orders_by_trace_id(url: str, place: Path) -> list[TraceRow]:
    """Return the rows by trace id, with labels of several types."""
    quantity = counted(by=["ok", "qty", "price", "code"], traces={"shop": _BY_TRACE_ID})
    folder = RunFolder(place)
    DatabaseCollector({"shop": url}, [quantity], TENANT).collect(Moment.AFTER, folder)
    return list(read_traces(folder, {}).rows("uses", 4))
