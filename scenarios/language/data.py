"""Data rows: the tables of a scenario, and the order in which iterations or users take the rows."""

from typing import Annotated, Any, Literal

from pydantic import Field

from config.models import StrictModel
from config.requirements import requires
from scenarios.language.other_names import OF_DATA
from scenarios.language.profiles import USER_LIMIT

FORMATS = (".csv", ".jsonl", ".ndjson")

_IS_DATA_FILE = requires(
    lambda text: text.lower().endswith(FORMATS),
    "{0!r} is not a data file; name one that ends in .csv or .jsonl",
)


def is_plain_path(name: str) -> bool:
    """Return whether a name is a relative path that leads to no other folder.

    >>> [is_plain_path(name) for name in ("data/rows.csv", "../rows.csv", "/rows.csv", "a//b.csv")]
    [True, False, False, False]
    """
    is_text = not any(each in name for each in "\0\\")
    return is_text and all(part not in ("", ".", "..") for part in name.split("/"))


_IS_BELOW = requires(
    is_plain_path,
    "{0!r} is not a path below the scenario; copy the file there, and write for example "
    "customers.csv or data/customers.csv",
)
DataFileName = Annotated[str, _IS_DATA_FILE, _IS_BELOW, Field(examples=["rows.csv"])]


class DataSource(StrictModel):
    """Rows of a `file` beside the scenario, or `rows` written in it; templates read their columns.

    `order` is `cyclic`, `random` by a `seed`, or `unique`: then no row is used again, and `at_end`
    is whether the load stops or starts over with the first row when none is left. A row is that
    of one iteration, or of one user (`per`). With `contention`, that many successive iterations or
    users use the same row.
    """

    other_names = OF_DATA

    file: DataFileName | None = None
    rows: list[dict[str, Any]] | None = None
    order: Literal["cyclic", "random", "unique"] = "cyclic"
    seed: Annotated[int, Field(ge=0, lt=2**63)] | None = None
    at_end: Literal["stop", "wrap"] | None = None
    per: Literal["iteration", "user"] = "iteration"
    contention: Annotated[int, Field(ge=1, le=USER_LIMIT)] = 1

    @property
    def stops_at_end(self) -> bool:
        """Whether a load ends when every row has been used."""
        return self.order == "unique" and self.at_end != "wrap"
