import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from scenarios.evidence.run_folder import RunFolder
from tests.witnesses.counted_quantities import counted
from witnesses.api.reading import ApiReading, read_apis
from witnesses.figure import Figure, Reason
from witnesses.model import CountedQuantity, RecordKind, Source
from witnesses.precision import Precision

_REQUEST = {"get": "/usage", "pick": "data[].{kind: k, value: v}"}
_CALLS = counted("calls", by=["kind"], api={"billing": _REQUEST})
_TEA = ("tea",)


def _write(folder: RunFolder, moment: str, result: Any, quantity: str = "calls") -> None:
    results = {} if result is None else {quantity: {"billing": result}}
    content = json.dumps({"begun_at": 1_000.0, "results": results})
    folder.write_witness_file(f"api/{moment}.json", content.encode())


def _read(place: Path, **results: Any) -> ApiReading:
    folder = RunFolder(place / "run")
    for moment, result in results.items():
        _write(folder, moment, result)
    (reading,) = read_apis(folder, ["billing"])
    return reading


def _rows(*rows: list[Any], **more: Any) -> dict[str, Any]:
    return {"rows": list(rows), **more}


def test_a_figure_is_the_increase_and_rows_of_the_same_labels_are_added_up(tmp_path: Path) -> None:
    reading = _read(tmp_path, before=_rows(["tea", 2]),
                    after=_rows(["tea", "3.0"], ["tea", 4], ["milk", 1]))  # fmt: skip
    figures = reading.figures(_CALLS)
    assert figures.at(_TEA) == Figure.exact(5.0)
    assert figures.at(("milk",)) == Figure.exact(1.0)
    assert figures.at(("water",)) == Figure.exact(0.0)


def test_it_is_a_column_and_keeps_events(tmp_path: Path) -> None:
    reading = _read(tmp_path)
    assert (reading.name, reading.keeps) == ("api:billing", RecordKind.EVENTS)
    assert reading.counts(_CALLS)
    assert not reading.counts(counted(by=["kind"], api={"other": _REQUEST}))
    assert reading.source(_CALLS) == Source((("billing", ""),), "GET /usage")


def test_what_is_there_only_later_is_late(tmp_path: Path) -> None:
    reading = _read(tmp_path, before=_rows(), after=_rows(["tea", 2]), later=_rows(["tea", 3]))
    assert reading.figures(_CALLS).at(_TEA) == Figure.exact(3.0, late=1.0)


def test_what_was_not_known_at_first_is_not_late(tmp_path: Path) -> None:
    down = {"reason": "api_down", "error": "busy"}
    reading = _read(tmp_path, before=_rows(), after=down, later=_rows(["tea", 3]))
    assert reading.figures(_CALLS).at(_TEA) == Figure.exact(3.0)


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize(
    ("result", "figure"),
    [
        ({"reason": "usage_incomplete", "error": "page 2"},
         Figure.void(Reason.USAGE_INCOMPLETE, "page 2")),
        ({"reason": "no such reason", "error": "x"}, Figure.void(Reason.API_DOWN, "x")),
        ({"reason": "rows_removed", "error": "x"}, Figure.void(Reason.API_DOWN, "x")),
        ({"rows": [["tea"]]}, Figure.void(Reason.USAGE_INVALID)),
        ({"rows": [["tea", "many"]]}, Figure.void(Reason.USAGE_INVALID)),
        ({"rows": 7}, Figure.void(Reason.USAGE_INVALID)),
        ({"rows": [["tea", 1]], "since_at": 1_000.5}, Figure.void(Reason.PERIOD_BEGAN)),
        (None, Figure.void(Reason.NOT_COLLECTED)),
    ],
)  # fmt: skip
def test_a_result_that_is_no_count_is_void_at_either_moment(
    tmp_path: Path, moment: str, result: Any, figure: Figure
) -> None:
    both = {"before": _rows(), "after": _rows(["tea", 1])}
    assert _read(tmp_path, **{**both, moment: result}).figures(_CALLS).at(_TEA) == figure


@pytest.mark.parametrize("content", ["[]", "{", '{"results": []}', '{"begun_at": "x"}', "null"])
def test_a_file_of_other_contents_was_not_collected(tmp_path: Path, content: str) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.write_witness_file("api/after.json", content.encode())
    (reading,) = read_apis(folder, ["billing"])
    assert reading.figures(_CALLS).at(_TEA) == Figure.void(Reason.NOT_COLLECTED)


def test_a_run_that_ended_before_it_was_asked_again_is_cut_short(tmp_path: Path) -> None:
    assert _read(tmp_path, before=None).is_cut_short
    assert not _read(tmp_path, before=None, after=_rows()).is_cut_short


def test_an_absolute_count_needs_no_report_before_the_run(tmp_path: Path) -> None:
    request = {**_REQUEST, "get": "/{{ tenant }}", "absolute": True}
    quantity = counted("calls", by=["kind"], api={"billing": request})
    reading = _read(tmp_path, before=None, after=_rows(["tea", 3]))
    assert reading.figures(quantity).at(_TEA) == Figure.exact(3.0)


def test_an_amount_is_compared_at_the_resolution_of_its_quantity(tmp_path: Path) -> None:
    precise = CountedQuantity("calls", _CALLS.settings, "acme", True, Precision(Fraction(1, 100)))
    reading = _read(tmp_path, before=_rows(["tea", 0.1]), after=_rows(["tea", 0.1 + 0.2]))
    assert reading.figures(precise).at(_TEA) == Figure.exact(Fraction(1, 5))


def test_a_count_beyond_a_float_keeps_every_digit(tmp_path: Path) -> None:
    whole = 2**60
    reading = _read(tmp_path, before=_rows(), after=_rows(["tea", str(whole + 1)]))
    assert reading.figures(_CALLS).at(_TEA) == Figure.exact(whole + 1)
