"""Read what each usage API reported: the increase of each count between two of its responses."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import chain
from typing import Any

from scenarios.evidence.files import is_there, read_json
from scenarios.evidence.run_folder import RunFolder
from scenarios.language.apis import ApiRequest
from witnesses.figure import Figures, Reason, void_figures
from witnesses.model import CountedQuantity, Moment, RecordKind, Source
from witnesses.row_counts import Counts, counts_by_labels, increases

FOLDER = "api"
LATER = "later"  # collected again after the run

_OF_RESULTS = (Reason.API_DOWN, Reason.API_REFUSED, Reason.USAGE_INCOMPLETE, Reason.USAGE_INVALID)


@dataclass(frozen=True)
class Report:
    """One collection: when the run began, and the result of each API by quantity."""

    begun_at: float = 0.0
    results: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def of(self, quantity: CountedQuantity, api: str) -> dict[str, Any] | None:
        """Return the result of an API, or None if it was not asked."""
        of_quantity = self.results.get(quantity.name)
        result = of_quantity.get(api) if isinstance(of_quantity, dict) else None
        return result if isinstance(result, dict) else None

    def counts(self, quantity: CountedQuantity, api: str) -> Counts:
        """Return counts by label values. Raises ValueError, TypeError, LookupError."""
        return counts_by_labels((self.of(quantity, api) or {})["rows"], len(quantity.labels))


@dataclass(frozen=True)
class ApiReading:
    """What one usage API reported before and after a run.

    `first_after` is its first report after the run, if it was asked again.
    """

    api: str
    before: Report
    after: Report
    first_after: Report | None = None
    keeps: RecordKind = RecordKind.EVENTS

    @property
    def name(self) -> str:
        """Its column in the balance."""
        return f"api:{self.api}"

    @property
    def is_cut_short(self) -> bool:
        """Whether it was asked before the run, and not after it."""
        return bool(self.before.begun_at) and not self.after.begun_at

    def counts(self, quantity: CountedQuantity) -> bool:
        """Return whether the quantity has a request to this API."""
        return self.api in (quantity.settings.api or {})

    def figures(self, quantity: CountedQuantity) -> Figures:
        """Return the increases of a quantity; rows with the same label values are added up."""
        request = self._request(quantity)
        reports = [self.after] if request.absolute else [self.before, self.after]
        for report in reports:
            if failed := _failure(report.of(quantity, self.api), report.begun_at):
                return void_figures(*failed)
        try:
            ends = self.after.counts(quantity, self.api)
            starts: Counts = {} if request.absolute else self.before.counts(quantity, self.api)
        except (ValueError, TypeError, LookupError):
            return void_figures(Reason.USAGE_INVALID)
        figures = increases(
            starts, ends, self._first_counts(quantity), quantity.precision, Reason.USAGE_FELL
        )
        has_moved = (self.before.of(quantity, self.api) or {}).get("has_moved") is True
        return figures.doubted(Reason.MOVED_BEFORE) if has_moved else figures

    def source(self, quantity: CountedQuantity) -> Source:
        """Return the API, and the request that it answered."""
        request = self._request(quantity)
        return Source(((self.api, ""),), f"{request.method} {request.path}")

    def _request(self, quantity: CountedQuantity) -> ApiRequest:
        return (quantity.settings.api or {})[self.api]

    def _first_counts(self, quantity: CountedQuantity) -> Counts | None:
        """Return what the first report after the run had; None without a usable one."""
        try:
            return self.first_after.counts(quantity, self.api) if self.first_after else None
        except (ValueError, TypeError, LookupError):
            return None


def read_apis(folder: RunFolder, apis: Iterable[str] = ()) -> tuple[ApiReading, ...]:
    """Read the counts that a run collected, by API; figures report what is missing.

    `apis` are those of the scenario: they have a reading even where nothing was collected.
    """
    before, first_after = (_read(folder, moment) for moment in Moment)
    is_later = is_collected(folder, LATER)
    after = _read(folder, LATER) if is_later else first_after
    collected = (
        name
        for report in (before, after)
        for of in report.results.values()
        for name in (of if isinstance(of, dict) else ())
    )
    names = dict.fromkeys(chain(apis, collected))
    first = first_after if is_later else None
    return tuple(ApiReading(name, before, after, first) for name in names)


def is_collected(folder: RunFolder, moment: str) -> bool:
    """Return whether the APIs were asked at a moment."""
    return is_there(folder.witnesses / FOLDER / f"{moment}.json")


def _failure(result: dict[str, Any] | None, begun_at: float) -> tuple[Reason, str] | None:
    """Return why a result is no count, or None if it is one."""
    if result is None:
        return Reason.NOT_COLLECTED, ""
    if "rows" not in result:
        reasons = [each for each in _OF_RESULTS if each == result.get("reason")]
        return (reasons[0] if reasons else Reason.API_DOWN), str(result.get("error", ""))
    since_at = result.get("since_at")
    if isinstance(since_at, int | float | Decimal) and since_at > begun_at:
        return Reason.PERIOD_BEGAN, ""
    return None


def _read(folder: RunFolder, moment: str) -> Report:
    try:
        content = read_json(folder.witnesses / FOLDER / f"{moment}.json", parse_float=Decimal)
    except (OSError, ValueError):
        return Report()
    results = content.get("results") if isinstance(content, dict) else None
    begun_at = content.get("begun_at") if isinstance(content, dict) else None
    if not isinstance(results, dict) or not isinstance(begun_at, int | float | Decimal):
        return Report()
    return Report(float(begun_at), results)
