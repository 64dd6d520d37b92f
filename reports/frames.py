"""A run as pandas frames: the tables that charts, comparisons and exports are computed from.

    from pathlib import Path
    from reports.frames import read_frames

    frames = read_frames(Path("runs/latest"))
    frames.exchanges.groupby("step", observed=True)["response_s"].quantile([0.5, 0.95])

docs/export.md has every column with its type and unit. All instants are UTC.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import chain, product
from pathlib import Path

import numpy as np
import pandas as pd

from checks.balance.promises import PromisedAmounts
from checks.case import Case, read_case
from checks.result import Result, UsageRow
from checks.result_document import read_result
from scenarios.evidence.exchanges import OUTCOMES, Column
from scenarios.evidence.ledger import Weight
from scenarios.evidence.recording import Recording
from scenarios.evidence.run_folder import RunFolder
from scenarios.http.streams import StreamEnd

CLIENT = "client"

_OUTCOME_NAMES = [str(OUTCOMES[code]) for code in sorted(OUTCOMES)]
_FIRST_OUTCOME = min(OUTCOMES)
_NS_PER_S = 1e9


@dataclass(frozen=True)
class Frames:
    """The tables of one run; each is built when it is first used.

    `exchanges` and `iterations` need the evidence, the others `result.json` only.
    """

    case: Case
    result: Result

    @cached_property
    def exchanges(self) -> pd.DataFrame:
        """One row per request, ordered by phase, generator and sequence number.

        phase, generator, step, outcome, reason: category. sequence, iteration: uint32. due_at,
        sent_at, done_at: datetime64[ns, UTC]. lag_s (sent − due), service_s (done − sent),
        response_s (done − due): float64, seconds. status: UInt16, missing without a response.
        is_cut_off, is_measured (within the measured window): bool.
        """
        return _concatenated(self._parts(_exchange_columns), _EXCHANGE_TYPES)

    @cached_property
    def streams(self) -> pd.DataFrame:
        """One row per response that was read as a stream of events.

        phase, generator, step, end (ended, hung up, broken): category. sequence, events: uint32.
        first_event_s (first event − due), longest_gap_s: float64, seconds, missing without one.
        """
        parts = [part for part in self._parts(_stream_columns) if len(part)]
        return _concatenated(parts, _STREAM_TYPES)

    @cached_property
    def amounts(self) -> pd.DataFrame:
        """One row per amount that a request moved of a quantity, as far as the client knows.

        phase, generator, step, quantity, labels (JSON; null where nobody knows): category.
        sequence: uint32. low, high: float64, its bounds, with an infinite one open. units: Int64,
        high as a multiple of resolution (float64), missing if high is infinite. is_confirmed (must
        have been counted, not in doubt): bool.
        """
        parts = list(chain.from_iterable(self._amount_parts(each) for each in self.case.recordings))
        return _concatenated(parts, _AMOUNT_TYPES)

    def _amount_parts(self, recording: Recording) -> Iterator[pd.DataFrame]:
        phase, promises = recording.start.profile, self.case.promises
        for quantity, weight in product(
            self.case.scenario.quantities, (Weight.CONFIRMED, Weight.IN_DOUBT)
        ):
            resolution = promises.resolution_of(quantity)
            for part in promises.amounts_of(recording.exchanges, quantity, weight):
                columns = _amount_columns(self.case.scenario.quantities[quantity].by, part)
                yield columns.assign(
                    phase=_constant(phase, len(columns)),
                    quantity=_constant(quantity, len(columns)),
                    is_confirmed=weight is Weight.CONFIRMED,
                    resolution=float(resolution),
                    high=_floats(part, resolution),
                    low=_floats(part, resolution) if weight is Weight.CONFIRMED else 0.0,
                )

    @cached_property
    def iterations(self) -> pd.DataFrame:
        """One row per iteration that was begun, in the order of the first requests.

        phase, generator: category. iteration, exchanges, ok: uint32. due_at, done_at:
        datetime64[ns, UTC]. duration_s (last done − first due): float64, seconds. outcome (of the
        request that ended it): category. is_complete (it came to its end), is_measured: bool.
        """
        return _concatenated(self._parts(_iteration_columns), _ITERATION_TYPES)

    @cached_property
    def findings(self) -> pd.DataFrame:
        """One row per check, in the order of the report; all columns are text."""
        names = "id", "title", "kind", "verdict", "code", "expected", "observed", "reason", "detail"
        rows = [[_text(getattr(each, name)) for name in names] for each in self.result.findings]
        return pd.DataFrame(rows, columns=list(names), dtype="str")

    @cached_property
    def balance(self) -> pd.DataFrame:
        """One row per quantity, label set and witness; the client is a witness here.

        quantity, labels (JSON), witness, reason, verdict, code: text. low, high: float64, counts;
        an infinite bound is an open one. The last two are those of the whole row of the balance.
        """
        return pd.DataFrame(
            [row for usage in self.result.usage for row in _balance_rows(usage)],
            columns=["quantity", "labels", "witness", "low", "high", "reason", "verdict", "code"],
        ).astype({"low": "float64", "high": "float64"})

    def _parts(self, columns: Callable[[str, Recording], pd.DataFrame]) -> list[pd.DataFrame]:
        return [columns(recording.start.profile, recording) for recording in self.case.recordings]


def read_frames(run: Path) -> Frames:
    """Read a judged run's folder. Raises ConfigError, OSError or pydantic.ValidationError."""
    folder = RunFolder(run.resolve())
    return Frames(read_case(folder), read_result(folder.result))


_EXCHANGE_TYPES = {
    "phase": "category", "generator": "category", "sequence": "uint32", "iteration": "uint32",
    "step": "category", "due_at": "datetime64[ns, UTC]", "sent_at": "datetime64[ns, UTC]",
    "done_at": "datetime64[ns, UTC]", "lag_s": "float64", "service_s": "float64",
    "response_s": "float64", "outcome": "category", "status": "UInt16", "reason": "category",
    "is_cut_off": "bool", "is_measured": "bool",
}  # fmt: skip
_STREAM_TYPES = {
    "phase": "category", "generator": "category", "sequence": "uint32", "step": "category",
    "events": "uint32", "end": "category", "first_event_s": "float64", "longest_gap_s": "float64",
}  # fmt: skip
_AMOUNT_TYPES = {
    "phase": "category", "generator": "category", "sequence": "uint32", "step": "category",
    "quantity": "category", "labels": "category", "low": "float64", "high": "float64",
    "units": "Int64", "resolution": "float64", "is_confirmed": "bool",
}  # fmt: skip
_ITERATION_TYPES = {
    "phase": "category", "generator": "category", "iteration": "uint32",
    "due_at": "datetime64[ns, UTC]", "done_at": "datetime64[ns, UTC]", "duration_s": "float64",
    "exchanges": "uint32", "ok": "uint32", "outcome": "category", "is_complete": "bool",
    "is_measured": "bool",
}  # fmt: skip


def _exchange_columns(phase: str, recording: Recording) -> pd.DataFrame:
    exchanges = recording.exchanges
    due_s, sent_s, done_s = (exchanges.column(name) for name in ("due_s", "sent_s", "done_s"))
    status = exchanges.column("status")
    return pd.DataFrame(
        {
            "phase": _constant(phase, len(exchanges)),
            "generator": _constant(exchanges.generator, len(exchanges)),
            "sequence": exchanges.sequence.astype(np.uint32),
            "iteration": exchanges.column("iteration"),
            "step": _category(exchanges.column("step"), exchanges.steps),
            "due_at": _instants(recording, due_s),
            "sent_at": _instants(recording, sent_s),
            "done_at": _instants(recording, done_s),
            "lag_s": sent_s - due_s,
            "service_s": done_s - sent_s,
            "response_s": done_s - due_s,
            "outcome": _category(exchanges.column("outcome") - _FIRST_OUTCOME, _OUTCOME_NAMES),
            "status": pd.arrays.IntegerArray(status.astype(np.uint16), status == 0),
            "reason": _category(exchanges.column("reason"), exchanges.reasons),
            "is_cut_off": exchanges.cut_off,
            "is_measured": exchanges.is_begun_after(_window_from_s(recording)),
        },
        copy=False,
    )


def _stream_columns(phase: str, recording: Recording) -> pd.DataFrame:
    rows = recording.exchanges.stream_rows()
    exchanges, rows = recording.exchanges[rows["end"] != 0], rows[rows["end"] != 0]
    lag_s = exchanges.column("sent_s") - exchanges.column("due_s")
    names = [end.name.lower().replace("_", " ") for end in StreamEnd]
    return pd.DataFrame(
        {
            "phase": _constant(phase, len(rows)),
            "generator": _constant(exchanges.generator, len(rows)),
            "sequence": exchanges.sequence.astype(np.uint32),
            "step": _category(exchanges.column("step"), exchanges.steps),
            "events": rows["events"],
            "end": _category(rows["end"] - min(StreamEnd), names),
            "first_event_s": np.where(rows["first_s"] >= 0, lag_s + rows["first_s"], np.nan),
            "longest_gap_s": np.where(rows["longest_gap_s"] >= 0, rows["longest_gap_s"], np.nan),
        },
        copy=False,
    )


def _amount_columns(names: Sequence[str], part: PromisedAmounts) -> pd.DataFrame:
    chosen = part.exchanges[part.position]
    used, codes = np.unique(part.key, return_inverse=True)  # the others are of other quantities
    labels = [json.dumps(dict(zip(names, part.labels[key], strict=True)), ensure_ascii=False)
              for key in used]  # fmt: skip
    return pd.DataFrame(
        {
            "generator": _constant(chosen.generator, len(chosen)),
            "sequence": chosen.sequence.astype(np.uint32),
            "step": _category(chosen.column("step"), chosen.steps),
            "labels": _category(codes, labels),
            "units": pd.arrays.IntegerArray(part.amount.astype(np.int64), part.is_unbounded.copy()),
        },
        copy=False,
    )


def _floats(part: PromisedAmounts, resolution: Fraction) -> Column:
    """Return the amounts as the doubles nearest to them; infinity without a bound."""
    exact = part.amount * float(resolution.numerator) / float(resolution.denominator)
    return np.where(part.is_unbounded, np.inf, exact)


def _iteration_columns(phase: str, recording: Recording) -> pd.DataFrame:
    exchanges, iterations = recording.exchanges, recording.exchanges.iterations
    due_s, done_s = iterations.due_s, iterations.done_s
    return pd.DataFrame(
        {
            "phase": _constant(phase, len(iterations)),
            "generator": _constant(exchanges.generator, len(iterations)),
            "iteration": exchanges.column("iteration")[iterations.first],
            "due_at": _instants(recording, due_s),
            "done_at": _instants(recording, done_s),
            "duration_s": done_s - due_s,
            "exchanges": iterations.exchanges.astype(np.uint32),
            "ok": iterations.ok.astype(np.uint32),
            "outcome": _category(iterations.outcome - _FIRST_OUTCOME, _OUTCOME_NAMES),
            "is_complete": iterations.is_complete,
            "is_measured": due_s >= _window_from_s(recording),
        },
        copy=False,
    )


def _concatenated(parts: Sequence[pd.DataFrame], types: dict[str, str]) -> pd.DataFrame:
    """Return the parts one below the other, with categories and types whatever the parts are."""
    names = [name for name, kind in types.items() if kind == "category"]
    for name in names:
        union = list(dict.fromkeys(each for part in parts for each in part[name].cat.categories))
        for part in parts:
            part[name] = part[name].cat.set_categories(union)
    if len(parts) == 1:  # a copy of a million rows would not be free
        return parts[0].astype(types)[list(types)]
    frame = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(types))
    return frame.astype(types)[list(types)]


def _balance_rows(row: UsageRow) -> Iterable[tuple[object, ...]]:
    labels = json.dumps(row.labels, ensure_ascii=False)
    outcome = str(row.verdict), _text(row.code)
    high = float("inf") if row.client.is_partial else float(row.client.most)
    yield (row.quantity, labels, CLIENT, float(row.client.confirmed), high, "", *outcome)
    for witness, figure in row.figures.items():
        low, high = (
            end if bound is None else float(bound)
            for bound, end in ((figure.low, float("-inf")), (figure.high, float("inf")))
        )
        yield (row.quantity, labels, witness, low, high, _text(figure.reason), *outcome)


def _category(codes: Column, names: Sequence[str]) -> "pd.Categorical[str]":
    # the same text may stand twice among the names: categories are distinct
    distinct = list(dict.fromkeys(names))
    position = {name: number for number, name in enumerate(distinct)}
    table = np.array([position[name] for name in names], np.int32)
    return pd.Categorical.from_codes(table[codes], categories=pd.Index(distinct))


def _constant(value: str, count: int) -> "pd.Categorical[str]":
    return pd.Categorical.from_codes(np.zeros(count, np.intp), categories=pd.Index([value]))


def _instants(recording: Recording, seconds: Column) -> pd.DatetimeIndex:
    nanoseconds = round(recording.start.anchor_at * _NS_PER_S) + np.rint(seconds * _NS_PER_S)
    return pd.DatetimeIndex(nanoseconds.astype("int64").view("datetime64[ns]"), tz="UTC")


def _window_from_s(recording: Recording) -> float:
    return recording.measured_from_s if recording.start.warm_up_s else float("-inf")


def _text(value: object) -> str:
    return "" if value is None else str(value)
