"""View where the figures of the balance come from: a row per quantity and witness."""

from dataclasses import dataclass

from checks.result import Result
from reports import formatting as write
from witnesses.model import Source

_MOST_PLACES = 5


@dataclass(frozen=True, slots=True)
class OriginRow:
    """The source of one witness for one quantity; `steps` are those that move it."""

    quantity: str
    steps: str
    witness: str
    asked: str
    query: str


def origin_rows(result: Result) -> list[OriginRow]:
    """Return a row for each quantity and each witness that keeps a count of it."""
    return [
        OriginRow(origin.quantity, ", ".join(origin.steps), witness, _asked(source), source.query)
        for origin in result.origins
        for witness, source in origin.sources.items()
    ]


def _asked(source: Source) -> str:
    """Write names with addresses; a result may come from elsewhere, with a password in one."""
    places = [write.without_userinfo(f"{name} {address}".strip())
              for name, address in source.places[:_MOST_PLACES]]  # fmt: skip
    more = len(source.places) - len(places)
    places += [f"{more:,} more"] if more else []
    return ", ".join(places) or "nothing"
