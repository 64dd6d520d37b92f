"""Tests of the frames of a run."""

import json
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from checks.case import read_case
from checks.result import ClientFigure
from checks.result_document import render_result
from reports.frames import Frames, read_frames
from scenarios.evidence.exchange import Outcome
from scenarios.http.messages import Response, ResponseLost
from scenarios.http.streams import Event, Stream, StreamEnd
from tests.evidence_factory import GOOD, NOT_SENT, REFUSED, TIMED_OUT, Load, Made, write_run
from tests.metered_run import write_metered_run
from tests.reports.results import figures, good_result, usage_row
from tests.scenarios.evidence.metered import spent
from tests.scenarios.shop_scenario import answered
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
    folder = write_run(tmp_path, Load())
    folder.result.write_text(render_result(good_result()))
    assert set(read_frames(folder.path).exchanges["outcome"]) == {Outcome.OK}


def _made(place: Path, name: str) -> str:
    (place / name).mkdir()
    return name


def _kinds(frame: pd.DataFrame) -> dict[str, str]:
    return {str(name): str(kind) for name, kind in frame.dtypes.items()}


def amounts_of(place: Path, answers: Sequence[Response | BaseException], **step: object) -> Frames:
    return Frames(read_case(write_metered_run(place, answers, **step)), good_result())


KNOWN = {"tokens": {"{{ tenant }}": "{{ spent }}"}}


def test_each_amount_that_a_response_had_is_one_row_that_joins_its_exchange(tmp_path: Path) -> None:
    frames = amounts_of(tmp_path, [spent("acme", "1.5"), spent("globex", "0.001")])
    rows = frames.amounts.merge(frames.exchanges, on=["phase", "generator", "sequence"])
    assert rows["low"].tolist() == rows["high"].tolist() == [1.5, 0.001]
    assert rows["units"].tolist() == [1500, 1]
    assert rows["labels"].tolist() == ['{"customer": "acme"}', '{"customer": "globex"}']
    assert rows["is_confirmed"].all()
    assert rows["step_x"].tolist() == rows["step_y"].tolist() == ["ask", "ask"]


def test_an_amount_in_doubt_is_from_zero_to_its_bound(tmp_path: Path) -> None:
    lost = ResponseLost("reset")
    (row,) = amounts_of(tmp_path, [lost], counts=KNOWN, at_most={"tokens": 10}).amounts.itertuples()
    assert (row.low, row.high, row.units, row.is_confirmed) == (0.0, 10.0, 10_000, False)


def test_an_amount_of_which_nothing_is_known_has_no_bound_and_no_label(tmp_path: Path) -> None:
    (row,) = amounts_of(tmp_path, [ResponseLost("reset")]).amounts.itertuples()
    assert (row.low, row.high, row.units) == (0.0, float("inf"), pd.NA)
    assert row.labels == '{"customer": null}'


def test_quantities_by_different_labels_are_told_apart(tmp_path: Path) -> None:
    quantities = {"requests": {"by": ["customer", "kind"], "prometheus": "requests_total"}}
    tokens = {"{{ customer }}": "{{ spent }}"}
    counts = {"tokens": tokens, "requests": {"{{ customer }}": {"ask": 1}}}
    run = write_metered_run(tmp_path, [spent("acme", "1.5")], quantities, counts=counts)
    rows = Frames(read_case(run), good_result()).amounts.set_index("quantity")
    assert rows["labels"].to_dict() == {
        "tokens": '{"customer": "acme"}', "requests": '{"customer": "acme", "kind": "ask"}',
    }  # fmt: skip
    assert rows["high"].to_dict() == {"tokens": 1.5, "requests": 1.0}


def test_constant_amounts_are_rows_too_and_what_was_refused_is_none(tmp_path: Path) -> None:
    amounts = frames_of(tmp_path, Load((GOOD, REFUSED, TIMED_OUT))).amounts
    uses = amounts[amounts["quantity"] == "uses"]
    assert uses.groupby(["labels", "is_confirmed"], observed=True)["units"].sum().to_dict() == {
        ('{"kind": "tea"}', True): 1, ('{"kind": "tea"}', False): 1,
        ('{"kind": "coffee"}', True): 2, ('{"kind": "coffee"}', False): 2,
    }  # fmt: skip


AMOUNTS = st.tuples(st.sampled_from(["acme", "globex"]), st.integers(0, 2**61))


@pytest.mark.core
@pytest.mark.long
@settings(max_examples=20)
@given(st.lists(AMOUNTS | st.none(), min_size=1, max_size=8))
def test_sums_of_the_amounts_are_the_ledger(exchanges: list[tuple[str, int] | None]) -> None:
    answers = [ResponseLost("reset") if each is None else spent(each[0], Decimal(each[1]) / 1000)
               for each in exchanges]  # fmt: skip
    with TemporaryDirectory() as place:
        frames = amounts_of(Path(place), answers)
        amounts, ledger = frames.amounts, frames.case.ledger
    sums = {customer: sum(amounts["units"][amounts["labels"] == f'{{"customer": "{customer}"}}'])
            for _, (customer,) in ledger.counted()}  # fmt: skip
    assert sums == {customer: n for (_, (customer,)), n in ledger.confirmed.items()}
    assert amounts["units"].isna().sum() == exchanges.count(None)


def test_a_run_without_quantities_has_an_empty_table_of_amounts(tmp_path: Path) -> None:
    steps = [{"step": name, "request": "GET shop /"} for name in ("open", "use")]
    profiles = {"load": {"users": 1, "iterations": 4}}
    scenario = json.dumps({"scenario": "s", "flow": steps, "profiles": profiles})
    case = read_case(write_run(tmp_path, Load(), scenario=scenario))
    amounts = Frames(case, good_result()).amounts
    assert len(amounts) == 0
    assert str(amounts["units"].dtype) == "Int64"


def test_each_response_that_was_a_stream_is_a_row_with_its_times(tmp_path: Path) -> None:
    events = (Event("a"),) * 3
    made = (
        Made("open", duration_s=0.5),
        Made("use", stream=Stream(events, StreamEnd.HUNG_UP, 0.25, 0.125)),
    )
    silent = Made("open"), Made("use", stream=Stream((), StreamEnd.BROKEN))
    streams = frames_of(tmp_path, Load((made, silent))).streams
    assert streams["sequence"].tolist() == [2, 4]
    assert streams["step"].tolist() == ["use", "use"]
    assert streams["events"].tolist() == [3, 0]
    assert streams["end"].tolist() == ["hung up", "broken"]
    assert streams["first_event_s"].tolist() == pytest.approx([0.25, np.nan], nan_ok=True)
    assert streams["longest_gap_s"].tolist() == pytest.approx([0.125, np.nan], nan_ok=True)


def test_a_run_without_a_stream_has_an_empty_table_of_them(tmp_path: Path) -> None:
    streams = frames_of(tmp_path, Load((GOOD,))).streams
    assert (len(streams), str(streams.dtypes["first_event_s"])) == (0, "float64")


def test_what_a_hang_up_leaves_open_is_a_row_in_doubt(tmp_path: Path) -> None:
    stream = Stream((Event("a"),) * 2, StreamEnd.HUNG_UP, 0.25, 0.5)
    answer = replace(answered(200, "text/event-stream", b""), stream=stream)
    hang_up = {"after_events": 2, "at_most": {"tokens": "{{ events | length + 1.5 }}"}}
    counts = {"tokens": {"acme": "{{ events | length }}"}}
    frames = amounts_of(tmp_path, [answer], stream="sse", save={}, hang_up=hang_up, counts=counts)
    rows = frames.amounts.sort_values("is_confirmed", ascending=False)
    assert rows["units"].tolist() == [2000, 1500]
    assert (rows["low"].tolist(), rows["high"].tolist()) == ([2.0, 0.0], [2.0, 1.5])
    assert frames.case.ledger.in_doubt == {("tokens", ("acme",)): 1500}
