"""View the balance: what each witness counted, and where they do not agree."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import add

from checks.balance.reason_words import reason_words
from checks.balance.sentences import relation_sentences, row_sentences
from checks.result import NOTHING_COUNTED, RecordGap, RelationRow, RelationSums, Result, UsageRow
from checks.verdict import Verdict, worst
from reports import formatting as write
from reports.views.ordering import failing_first
from witnesses.figure import Direction, Figure

FOLD_ABOVE = 12

_SIGNS = {Verdict.PASS: "=", Verdict.FAIL: "≠", Verdict.INCONCLUSIVE: "?"}
_BOUNDS = {Direction.AT_LEAST: "≥ ", Direction.AT_MOST: "≤ "}


@dataclass(frozen=True, slots=True)
class NamedRequests:
    """Requests whose rows are too few or too many, by their trace id."""

    title: str
    trace_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BalanceRow:
    """One quantity under one set of labels as people read it.

    `figures` are by column of the balance; `notes` belong under the row.
    """

    quantity: str
    labels: str
    client: str
    figures: tuple[str, ...]
    difference: str
    differs: bool
    verdict: Verdict
    code: str
    notes: tuple[str, ...]
    short_labels: str = ""
    requests: tuple[NamedRequests, ...] = ()

    @property
    def name(self) -> str:
        """The quantity with its labels' values, for narrow places."""
        return f"{self.quantity} {self.short_labels}".strip()


@dataclass(frozen=True, slots=True)
class BalanceTable:
    """The rows that are shown at once, and those that are folded since all witnesses agree.

    `columns` are the kinds of witness beside the client. Folded rows are summed by quantity among
    the shown ones. `remarks` are what several rows that pass have in common, each once; `relations`
    are rows of their own.
    """

    columns: tuple[str, ...]
    shown: list[BalanceRow]
    folded: list[BalanceRow]
    remarks: tuple[str, ...] = ()
    relations: Sequence[BalanceRow] = ()

    @property
    def rows(self) -> list[BalanceRow]:
        """The shown rows and the relations, failing ones first."""
        return failing_first([*self.shown, *self.relations])


def columns_of(result: Result) -> tuple[str, ...]:
    """Return the kinds of witness that any row has, in their order: `database:billing` is one."""
    return kinds_of(witness for row in result.usage for witness in row.figures)


def kinds_of(witnesses: Iterable[str]) -> tuple[str, ...]:
    """Return the kinds of witnesses, each once, in their order.

    >>> kinds_of(["client", "database:billing", "database:ledger"])
    ('client', 'database')
    """
    return tuple(dict.fromkeys(map(_kind, witnesses)))


def heading_of(column: str) -> str:
    """Return the heading of a column.

    >>> heading_of("service"), heading_of("api")
    ('Service', 'API')
    """
    return "API" if column == "api" else column.capitalize()


def fold_balance(result: Result, most: int = FOLD_ABOVE) -> BalanceTable:
    """Return the rows, failing ones first; of more than `most`, those that only pass are folded."""
    columns = columns_of(result)
    every, remarks = _fold_notes([_row(each, columns) for each in result.usage])
    relations = failing_first([_relation_row(each, columns) for each in result.relations])
    if len(every) <= most:
        return BalanceTable(columns, failing_first(every), [], remarks, relations)
    quiet, loud = [], []
    by_quantity: dict[str, list[UsageRow]] = {}
    for row, shown in zip(result.usage, every, strict=True):
        if row.verdict is Verdict.PASS and not shown.notes:
            quiet.append(shown)
            by_quantity.setdefault(row.quantity, []).append(row)
        else:
            loud.append(shown)
    totals = [_total(rows, columns) for rows in by_quantity.values()]
    return BalanceTable(columns, [*failing_first(loud), *totals], quiet, remarks, relations)


def _fold_notes(rows: list[BalanceRow]) -> tuple[list[BalanceRow], tuple[str, ...]]:
    """Take the note that several rows which pass have in common from them, and return it once."""
    number = Counter(each.notes for each in rows if each.notes and each.verdict is Verdict.PASS)
    common = {notes: count for notes, count in number.items() if count > 1}
    quiet = [
        replace(each, notes=(), code="")
        if each.verdict is Verdict.PASS and common.get(each.notes)
        else each
        for each in rows
    ]
    remarks = (f"Of {count:,} rows that pass, each: {' '.join(notes)}"
               for notes, count in common.items())  # fmt: skip
    return quiet, tuple(remarks)


def _kind(witness: str) -> str:
    return witness.partition(":")[0]


def _row(row: UsageRow, columns: Sequence[str]) -> BalanceRow:
    distance = row.worst_distance
    gap = row.records or RecordGap()
    return BalanceRow(
        quantity=row.quantity,
        labels=", ".join(f"{name}={value}" for name, value in row.labels.items()),
        client=write.render_client(row.client),
        figures=tuple(_cell(row, column) for column in columns),
        difference=write.NO_DATA if distance is None else write.render_difference(distance),
        differs=bool(distance),
        verdict=row.verdict,
        code=row.code or "",
        notes=_notes(row),
        short_labels=" ".join(row.labels.values()),
        # The services' logs know the requests by the same ids.
        requests=tuple(
            NamedRequests(f"{what}: the first by trace id", ids)
            for what, ids in (
                ("Too few rows", gap.missing_ids), ("Too many rows", gap.surplus_ids),
                ("Rejected, with rows", gap.rejected_ids),
            ) if ids
        ),
    )  # fmt: skip


def _relation_row(row: RelationRow, columns: Sequence[str]) -> BalanceRow:
    """Show a relation as a row: equal sums of each witness, whatever the client knows."""
    kinds = {column: [sums for witness, sums in row.sums.items() if _kind(witness) == column]
             for column in columns}  # fmt: skip
    quantities = " = ".join(row.equal)
    return BalanceRow(
        quantity=row.name, labels=quantities, client=write.NOT_ASKED,
        figures=tuple(" / ".join(map(_sums, kinds[column])) or write.NOT_ASKED
                      for column in columns),
        difference=write.NOT_ASKED, differs=False, verdict=row.verdict, code="",
        notes=tuple(relation_sentences(row)), short_labels=f"({quantities})",
    )  # fmt: skip


def _sums(sums: RelationSums) -> str:
    """Write the sums of one witness, with a sign between them for what was proven."""
    sign = _SIGNS[sums.verdict]
    return f" {sign} ".join(map(_figure, sums.figures))


def _cell(row: UsageRow, column: str) -> str:
    """Write the figures of one kind of witness; of several stores that differ, with their names."""
    written = {
        witness: _figure(figure)
        for witness, figure in row.figures.items()
        if _kind(witness) == column
    }
    if len(set(written.values())) > 1:
        names = _short_names(list(written))
        return " / ".join(f"{name} {written[witness]}" for witness, name in names.items())
    return " / ".join(written.values()) or write.NOT_ASKED


def _short_names(witnesses: Sequence[str]) -> dict[str, str]:
    """Return how several stores are told apart, in a narrow place.

    >>> list(_short_names(["database:billing/log", "database:billing/totals"]).values())
    ['log', 'totals']
    >>> list(_short_names(["database:billing/log", "database:ledger"]).values())
    ['billing/log', 'ledger']
    """
    stores = {witness: witness.partition(":")[2] for witness in witnesses}
    parts = {witness: store.rpartition("/")[2] for witness, store in stores.items()}
    databases = {store.partition("/")[0] for store in stores.values()}
    return parts if len(databases) == 1 else stores


def _figure(figure: Figure) -> str:
    if figure.direction is Direction.BETWEEN:
        return f"{write.render_count(figure.low)}–{write.render_count(figure.high)}"
    return _BOUNDS.get(figure.direction, "") + write.render_count(figure.value)


def _notes(row: UsageRow) -> tuple[str, ...]:
    """Return the row's sentences; a row that does not pass has at least one."""
    sentences = row_sentences(row)
    notes = [" ".join(sentences)] if sentences else []
    if row.verdict is Verdict.FAIL:
        notes += [
            f"{witness}: {reason_words(figure)}."
            for witness, figure in row.figures.items()
            if not figure.is_exact
        ]
    if row.since:
        notes.append(f"First seen in the scrape of {write.render_utc(row.since)}.")
    return tuple(notes)


def _total(rows: list[UsageRow], columns: Sequence[str]) -> BalanceRow:
    """Sum rows that agree one by one: a figure for people, which judges nothing."""
    if len(rows) == 1:
        return replace(_row(rows[0], columns), notes=(), code="")
    client = sum((row.client for row in rows), NOTHING_COUNTED)
    witnesses = dict.fromkeys(witness for row in rows for witness in row.figures)
    figures = {
        witness: reduce(add, (row.figures[witness] for row in rows if witness in row.figures))
        for witness in witnesses
    }
    total = replace(
        rows[0], client=client, figures=figures, verdict=worst(row.verdict for row in rows)
    )
    labels = f"{len(rows):,} rows together"
    return replace(
        _row(total, columns), labels=labels, short_labels=f"({labels})", notes=(), code=""
    )
