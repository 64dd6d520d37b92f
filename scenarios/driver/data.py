"""Choose the data rows of each iteration: exact over all processes of a load, and reproducible.

Each process numbers its iterations and users by itself. A position counts those of all processes;
part k of n takes every n-th, so no two processes share one, and none is left out:

    position     0   1   2   3   4   5   6
    part 0 of 2  ●       ●       ●       ●     its iterations 1, 2, 3, 4
    part 1 of 2      ●       ●       ●         its iterations 1, 2, 3

A cyclic load by time has no number of iterations, and one process may be faster than another. Then
each process goes through all rows by itself, from a row of its own, so that none is used much more.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from zlib import crc32

from config.environment import Environment
from config.redaction import Secrets
from scenarios.driver.arrivals import WHOLE, LoadPart, OpenModel, arrivals_of
from scenarios.language.data import DataSource
from scenarios.language.model import Scenario
from scenarios.language.profiles import Profile
from scenarios.language.secrets import secret_columns
from scenarios.language.tables import Row, Table, Tables

_MASK = 2**64 - 1


@dataclass(frozen=True, slots=True)
class RowSource:
    """The rows of one data source, as one process uses them.

    `cycles_alone` if the process goes through all rows by itself. `first` is the position of the
    first row: the earlier profiles of the run have used those before. The values of
    `secret_columns` become secrets when a row is used.
    """

    name: str
    table: Table
    source: DataSource
    part: LoadPart = WHOLE
    cycles_alone: bool = False
    secret_columns: tuple[str, ...] = ()
    first: int = 0

    def row_number(self, iteration: int, user: int) -> int | None:
        """Return the number of the row for an iteration, from 1, of a user, from 0, here.

        Return None if every row has been used.

        >>> source = DataSource(rows=[{"id": 1}, {"id": 2}, {"id": 3}], contention=2)
        >>> two = RowSource("ids", Table(("id",), source.rows), source)
        >>> [two.row_number(iteration, user=0) for iteration in range(1, 9)]
        [0, 0, 1, 1, 2, 2, 0, 0]
        """
        source, count = self.source, len(self.table.rows)
        number = user if source.per == "user" else iteration - 1
        turn = number // source.contention
        if self.cycles_alone:
            return (count * self.part.index // self.part.of + turn) % count
        position = self.first + turn * self.part.of + self.part.index
        if source.order == "random":
            return _random(source.seed or 0, self.name, position) % count
        if source.stops_at_end and position >= count:
            return None
        return position % count


@dataclass(frozen=True, slots=True)
class DataRows:
    """The rows of every data source. `can_end` if one of them may have none left."""

    sources: tuple[RowSource, ...] = ()
    can_end: bool = False
    learn: Callable[[str], None] = Secrets().learn

    def used_up(self, iteration: int, user: int) -> str:
        """Return why an iteration has no row, as a sentence, or ""."""
        for each in self.sources:
            if each.row_number(iteration, user) is None:
                count = len(each.table.rows)
                return f"every row of {each.name} has been used: {count:,}, each once"
        return ""

    def rows(self, iteration: int, user: int) -> dict[str, Row]:
        """Return the row of each data source for an iteration that has them."""
        return self._rows_of(self.sources, iteration, user)

    def rows_of_user(self, user: int) -> dict[str, Row]:
        """Return the rows that a user keeps: those of the sources `per: user`."""
        kept = tuple(each for each in self.sources if each.source.per == "user")
        return self._rows_of(kept, 1, user)

    def _rows_of(self, sources: Iterable[RowSource], iteration: int, user: int) -> dict[str, Row]:
        rows: dict[str, Row] = {}
        for each in sources:
            row = rows[each.name] = each.table.rows[each.row_number(iteration, user) or 0]
            for column in each.secret_columns:
                self.learn(row[column])
        return rows


NO_DATA = DataRows()


def data_rows(
    scenario: Scenario, environment: Environment, tables: Tables, profile: Profile,
    secrets: Secrets, part: LoadPart = WHOLE, earlier: Sequence[int] = (),
) -> DataRows:  # fmt: skip
    """Return the rows of one process' part of a profile.

    `earlier` are the numbers of iterations of the profiles that the run drives before it.
    """
    secrets.columns = hidden = secret_columns(scenario, environment, tables)
    sources = tuple(
        RowSource(
            name, tables[name], source, part,
            source.order == "cyclic" and source.per == "iteration" and profile.iterations is None,
            hidden[name],
            sum(_positions(source, iterations, part.of) for iterations in earlier),
        )
        for name, source in scenario.data.items()
    )  # fmt: skip
    can_end = any(source.stops_at_end for source in scenario.data.values())
    return DataRows(sources, can_end, secrets.learn) if sources else NO_DATA


def iterations_before(profiles: Mapping[str, Profile], name: str) -> tuple[int | None, ...]:
    """Return the most iterations of each profile that is driven before one; None is unknown."""
    names = list(profiles)
    earlier = (profiles[each] for each in names[: names.index(name)])
    arrivals = map(arrivals_of, earlier)
    return tuple(
        each.scheduled if isinstance(each, OpenModel) else each.iterations for each in arrivals
    )


def _positions(source: DataSource, iterations: int, of: int) -> int:
    """Return how many positions unique rows of iterations take in a load of `of` processes."""
    if source.order != "unique" or source.per == "user":
        return 0
    numbers = [LoadPart(index, of).of_number(iterations) for index in range(of)]
    turns = [-(-number // source.contention) for number in numbers]
    return max((each - 1) * of + index + 1 for index, each in enumerate(turns))


def _random(seed: int, name: str, position: int) -> int:
    """Return a random number for a position: SplitMix64, so that nothing before it is needed."""
    state = (seed ^ crc32(name.encode()) << 32) + (position + 1) * 0x9E3779B97F4A7C15 & _MASK
    state = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 & _MASK
    state = (state ^ state >> 27) * 0x94D049BB133111EB & _MASK
    return state ^ state >> 31
