"""Tests of the frames of a run."""

import json
from pathlib import Path

import pandas as pd
import pytest

from checks.case import read_case
from checks.result import ClientFigure
from reports.frames import Frames, read_frames
from scenarios.evidence.exchange import Outcome
from tests.evidence_factory import GOOD, NOT_SENT, REFUSED, TIMED_OUT, Load, write_run
from tests.reports.results import figures, good_result, usage_row
from witnesses.figure import Figure, Reason


def frames_of(place: Path, *loads: Load) -> Frames:
    return Frames(read_case(write_run(place, *loads)), good_result())


@pytest.fixture
def mixed(tmp_path: Path) -> Frames:
    return frames_of(tmp_path, Load((GOOD, REFUSED, TIMED_OUT, NOT_SENT)))


def test_each_request_is_one_row_with_its_outcome(mixed: Frames) -> None:
    exchanges = mixed.exchanges
    assert exchanges["sequence"].tolist() == list(range(1, 8))
    assert exchanges["step"].tolist() == ["open", "use"] * 3 + ["open"]
    assert exchanges["outcome"].tolist() == [
        "ok",
        "ok",
        "ok",
        "rejected",
        "ok",
        "unknown",
        "not sent",
    ]
    assert exchanges["reason"].iloc[3] == "status 409, expected 200"


def test_a_request_without_a_response_has_no_status(mixed: Frames) -> None:
    status = mixed.exchanges["status"]
    assert status.isna().tolist() == [False, False, False, False, False, True, True]
    assert status.iloc[3] == 409


def test_times_are_utc_and_durations_are_their_differences(mixed: Frames) -> None:
    exchanges = mixed.exchanges
    assert str(exchanges["due_at"].dtype) == "datetime64[ns, UTC]"
    between = (exchanges["done_at"] - exchanges["due_at"]).dt.total_seconds()
    assert between.tolist() == pytest.approx(exchanges["response_s"].tolist(), abs=1e-6)
    parts = exchanges["lag_s"] + exchanges["service_s"]
    assert parts.tolist() == pytest.approx(exchanges["response_s"].tolist())


def test_an_iteration_is_complete_if_each_request_of_it_is_ok(mixed: Frames) -> None:
    iterations = mixed.iterations
    assert iterations["is_complete"].tolist() == [True, False, False, False]
    assert iterations["outcome"].tolist() == ["ok", "rejected", "unknown", "not sent"]
    assert iterations["exchanges"].tolist() == [2, 2, 2, 1]
    assert iterations["ok"].tolist() == [2, 1, 1, 0]


def test_phases_stand_one_below_the_other_with_common_categories(tmp_path: Path) -> None:
    loads = Load(profile="load"), Load((GOOD,), profile="while", scheduled=None)
    frames = frames_of(tmp_path, *loads)
    assert frames.exchanges["phase"].value_counts().to_dict() == {"load": 8, "while": 2}
    assert frames.exchanges["step"].cat.categories.tolist() == ["open", "use"]


def test_a_run_without_requests_has_empty_tables_of_the_same_types(tmp_path: Path) -> None:
    empty = frames_of(tmp_path / _made(tmp_path, "a"))
    full = frames_of(tmp_path / _made(tmp_path, "b"), Load())
    assert len(empty.exchanges) == len(empty.iterations) == 0
    assert _kinds(empty.exchanges) == _kinds(full.exchanges)
    assert _kinds(empty.iterations) == _kinds(full.iterations)


def test_the_balance_has_the_client_and_each_witness_of_each_row(tmp_path: Path) -> None:
    row = usage_row("uses", 7, labels={"kind": "tea"}, client=ClientFigure(6, 1),
                    figures=figures(7, Figure.at_least(5, Reason.COUNTER_FELL)))  # fmt: skip
    frames = Frames(read_case(write_run(tmp_path, Load())), good_result(usage=(row,)))
    balance = frames.balance
    assert balance["low"].tolist() == [6, 7, 5]
    assert balance["high"].tolist() == [7, 7, float("inf")]
    assert balance["witness"].iloc[0] == "client"
    assert json.loads(balance["labels"].iloc[0]) == {"kind": "tea"}
    assert balance["reason"].iloc[2] == Reason.COUNTER_FELL


def test_the_findings_are_text(mixed: Frames) -> None:
    assert mixed.findings["id"].tolist() == [each.id for each in good_result().findings]
    assert mixed.findings["code"].notna().all()


def test_a_folder_is_read_by_its_path(tmp_path: Path) -> None:
    from checks.result import to_json

    folder = write_run(tmp_path, Load())
    folder.result.write_text(to_json(good_result()))
    assert set(read_frames(folder.path).exchanges["outcome"]) == {Outcome.OK}


def _made(place: Path, name: str) -> str:
    (place / name).mkdir()
    return name


def _kinds(frame: pd.DataFrame) -> dict[str, str]:
    return {str(name): str(kind) for name, kind in frame.dtypes.items()}
