"""Whether amounts and labels of responses balance in every witness, and faults are found."""

import csv
import json
from collections import Counter
from fractions import Fraction
from pathlib import Path

import pytest

from scenarios.evidence.exchange import Outcome
from scenarios.http.streams import StreamEnd
from tests.integration.command import Ended, Start
from tests.integration.metering import (
    CHAT_SCENARIO,
    FAULTS,
    TASKS_SCENARIO,
    TRACES,
    metering,
)

pytestmark = pytest.mark.long


def run(start: Start, place: Path, *options: str, fault: str = "", scenario: str = "") -> Ended:
    with metering(place, fault, written_scenario=scenario) as files:
        return start("load", *files, *options).wait()


def test_two_workers_balance_to_the_last_unit_in_every_witness(
    start: Start, tmp_path: Path
) -> None:
    ended = run(start, tmp_path, "--workers", "2")
    assert ended.code == 0, ended.stdout + ended.stderr
    rows = ended.rows("tokens")
    assert len(rows) > 40
    for row in rows:
        assert row["client"]["confirmed"] > 0
        assert row["client"]["in_doubt"] == 0
        assert {figure["low"] for figure in row["figures"].values()} == {row["client"]["confirmed"]}
    assert {recording.start.generator for recording in ended.recordings()} == {"load-w1", "load-w2"}
    assert exported_units(start, ended) == {
        row["labels"]["customer"]: Fraction(str(row["client"]["confirmed"])) * 1000 for row in rows
    }


def exported_units(start: Start, ended: Ended) -> dict[str, int]:
    """Export the amounts of a run; return their sums in thousandths, by customer."""
    folder = ended.folder / "out"
    options = ["--format", "csv", "--table", "amounts", "--output", str(folder)]
    exported = start("export", str(ended.folder), *options).wait()
    assert exported.code == 0, exported.stderr
    with (folder / "amounts.csv").open() as file:
        rows = list(csv.DictReader(file))
    units: Counter[str] = Counter()
    for row in rows:
        units[json.loads(row["labels"])["customer"]] += int(row["units"])
    assert {row["is_confirmed"] for row in rows} == {"true"}
    return units


def test_jobs_of_customers_from_a_file_balance_with_short_tokens_and_exact_shares(
    start: Start, tmp_path: Path
) -> None:
    with metering(tmp_path, has_jobs=True) as files:
        ended = start("load", *files, "--workers", "2", METERING_SECRET="s3cret-of-ada").wait()
    assert ended.code == 0, ended.stdout + ended.stderr
    rows = ended.rows("tokens")
    assert len(rows) > 40
    for row in rows:
        assert {figure["low"] for figure in row["figures"].values()} == {row["client"]["confirmed"]}
    steps: Counter[str] = Counter()
    for recording in ended.recordings():
        assert recording.exchanges.ok.all()
        steps.update(each.step for each in recording.exchanges)
    assert (steps["take the result"], steps["look"]) == (225, 75)
    assert steps["wait for the job"] == 3 * 225
    assert any(each["step"] == "wait for the job: until done" for each in ended.result["latency"])


def tasks(start: Start, place: Path, *options: str, fault: str = "", traces: bool = True) -> Ended:
    scenario = TASKS_SCENARIO if traces else TASKS_SCENARIO.replace(TRACES, "")
    return run(start, place, *options, fault=fault, scenario=scenario)


def test_a_task_is_charged_once_though_its_poll_fails_over_two_workers_and_judged_again(
    start: Start, tmp_path: Path
) -> None:
    ended = tasks(start, tmp_path, "--workers", "2")
    assert ended.code == 0, ended.stdout + ended.stderr
    outcomes: Counter[tuple[str, bool]] = Counter()
    for recording in ended.recordings():
        assert recording.missing == 0
        outcomes.update((each.step, each.outcome is Outcome.OK) for each in recording.exchanges)
    assert outcomes["start a task", True] == 300
    assert outcomes["wait for the task", False] == 30
    rows = ended.rows("tokens")
    assert sum(row["resolved"]["done"] for row in rows if row["resolved"]) > 0
    for row in rows:
        assert row["client"]["in_doubt"] == 0
        assert {figure["low"] for figure in row["figures"].values()} == {row["client"]["confirmed"]}
    again = start("check", str(ended.folder)).wait()
    assert (again.code, again.result["usage"]) == (0, ended.result["usage"])


def test_a_task_that_nobody_reported_is_in_doubt_without_its_rows(
    start: Start, tmp_path: Path
) -> None:
    ended = tasks(start, tmp_path, "--workers", "2", traces=False)
    assert ended.code == 3, ended.stdout + ended.stderr
    rows = ended.rows("tokens")
    assert all(row["client"]["in_doubt"] <= 100 * 30 for row in rows)
    doubtful = [row for row in rows if row["client"]["in_doubt"]]
    assert doubtful
    assert {row["verdict"] for row in doubtful} == {"inconclusive"}


@pytest.mark.parametrize(("fault", "code"), [("doubled", "DOUBLE_COUNT"), ("lost-row", "LOST_ROW")])
def test_one_task_that_is_booked_wrongly_fails_with_its_code(
    start: Start, tmp_path: Path, fault: str, code: str
) -> None:
    ended = tasks(start, tmp_path, "--workers", "2", fault=fault)
    assert ended.code == 1, ended.stdout + ended.stderr
    (row,) = (row for row in ended.rows("tokens") if row["verdict"] == "fail")
    assert row["code"] == code


def chat(start: Start, place: Path, *options: str, fault: str = "") -> Ended:
    return run(start, place, *options, fault=fault, scenario=CHAT_SCENARIO)


def test_streams_and_hang_ups_balance_over_two_workers_and_when_judged_again(
    start: Start, tmp_path: Path
) -> None:
    ended = chat(start, tmp_path, "--workers", "2")
    assert ended.code == 0, ended.stdout + ended.stderr
    for row in ended.rows("tokens"):
        assert row["client"]["in_doubt"] == 0
        assert {figure["low"] for figure in row["figures"].values()} == {row["client"]["confirmed"]}
    ends: Counter[tuple[object, ...]] = Counter()
    for recording in ended.recordings():
        assert recording.exchanges.ok.all()
        assert recording.missing == 0
        streams = recording.exchanges.stream_rows()
        steps = [each.step for each in recording.exchanges]
        ends.update(zip(steps, streams["events"].tolist(), streams["end"].tolist(), strict=True))
    assert ends == {
        ("chat", 42, StreamEnd.ENDED): 300, ("hang up", 3, StreamEnd.HUNG_UP): 300,
        ("hang up on a service that notices late", 3, StreamEnd.HUNG_UP): 300,
    }  # fmt: skip
    timed = {row["step"]: row["count"] for row in ended.result["latency"]}
    assert (timed["chat: first event"], timed["hang up: longest gap"]) == (300, 300)
    again = start("check", str(ended.folder)).wait()
    assert (again.code, again.result["usage"]) == (0, ended.result["usage"])


def test_a_hang_up_that_was_booked_whole_fails_with_its_customer_and_amount(
    start: Start, tmp_path: Path
) -> None:
    ended = chat(start, tmp_path, "--workers", "2", fault="hang-up-whole")
    assert ended.code == 1, ended.stdout + ended.stderr
    (row,) = (row for row in ended.rows("tokens") if row["verdict"] == "fail")
    assert (row["code"], row["records"]["surplus"]) == ("AFTER_HANG_UP", 1)
    (booked,) = {figure["low"] for figure in row["figures"].values()}
    assert booked > row["client"]["confirmed"]
    assert row["client"]["in_doubt"] == 0
    assert row["labels"]["customer"] in ended.finding("usage/tokens")["detail"]


@pytest.mark.parametrize("fault", FAULTS)
def test_one_wrong_booking_fails_with_its_code_customer_and_amount(
    start: Start, tmp_path: Path, fault: str
) -> None:
    ended = run(start, tmp_path, fault=fault)
    assert ended.code == 1, ended.stdout + ended.stderr
    failing = {row["labels"]["customer"]: row for row in ended.rows("tokens")
               if row["verdict"] == "fail"}  # fmt: skip
    codes = {
        "lost": "LOST_COUNT",
        "rounded": "LOST_COUNT",
        "doubled": "DOUBLE_COUNT",
        "other-customer": "WRONG_LABEL",
        "rejected": "DOUBLE_COUNT",
        "lost-row": "LOST_ROW",
    }
    found = {row["code"] for row in failing.values()}
    assert found <= {codes[fault], "DOUBLE_COUNT" if fault == "rounded" else codes[fault]}
    assert ("stranger" in failing) is (fault == "other-customer")
    assert len(failing) == (2 if fault == "other-customer" else 1)
    detail = ended.finding("usage/tokens")["detail"]
    assert all(customer in detail for customer in failing)
    assert "tokens" in detail


def test_decimals_of_fifty_customers_balance_with_a_real_prometheus_over_two_workers(
    start: Start, tmp_path: Path
) -> None:
    with metering(tmp_path, has_prometheus=True) as files:
        ended = start("load", *files, "--workers", "2").wait()
    assert ended.code == 0, ended.stdout + ended.stderr
    rows = ended.rows("tokens")
    assert len(rows) > 40
    for row in rows:
        assert list(row["figures"]) == ["service", "prometheus", "database:billing"]
        ends = {figure[end] for figure in row["figures"].values() for end in ("low", "high")}
        assert ends == {row["client"]["confirmed"]}
    assert any(row["client"]["confirmed"] % 1 for row in rows)


def test_one_rounded_charge_is_found_with_its_customer_and_amount_by_a_real_prometheus(
    start: Start, tmp_path: Path
) -> None:
    with metering(tmp_path, "rounded", has_prometheus=True) as files:
        ended = start("load", *files, "--workers", "2").wait()
    assert ended.code == 1, ended.stdout + ended.stderr
    (row,) = (row for row in ended.rows("tokens") if row["verdict"] == "fail")
    counted = {name: Fraction(str(each["low"])) for name, each in row["figures"].items()}
    confirmed = Fraction(str(row["client"]["confirmed"]))
    difference = counted["service"] - confirmed
    assert counted["prometheus"] == counted["service"]
    assert counted["database:billing"] == confirmed
    assert 0 < abs(difference) < 1
    assert row["code"] == ("LOST_COUNT" if difference < 0 else "DOUBLE_COUNT")
    detail = ended.finding("usage/tokens")["detail"]
    assert row["labels"]["customer"] in detail
    assert f"{float(abs(difference)):g} tokens" in detail
