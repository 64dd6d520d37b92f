from pathlib import Path
from typing import Any

import pytest

from checks.balance.figures import read_figures
from checks.balance.preconditions import Doubt, Precondition
from checks.balance.rows import _with_gap, rows_of
from checks.balance.usage import counters_exceed, counters_fall_short, judge_usage
from checks.case import read_case
from checks.result import ClientFigure, Code, Finding, Kind, RecordGap, UsageRow
from checks.verdict import Verdict
from scenarios.evidence.run_folder import RunFolder
from tests.evidence_factory import (
    GOOD,
    TIMED_OUT,
    Load,
    exposition,
    settled,
    write_agreeing_witnesses,
    write_expositions,
    write_prometheus,
    write_rows,
    write_run,
)
from witnesses.figure import Labels, Reason
from witnesses.prometheus.collector import write_absence

COUNTED = """
scenario: shop
quantities: {uses: {by: [kind], prometheus: 'uses_total{tenant="{{ tenant }}"}'}}
flow:
  - {step: open, request: POST shop /open}
  - {step: use, request: POST shop /use, counts: {uses: {tea: 1, coffee: 2}}}
profiles: {load: {users: 1, iterations: 4}}
"""


def _agreeing(place: Path, load: Load | None = None) -> RunFolder:
    folder = write_run(place, load or Load())
    write_agreeing_witnesses(folder)
    return folder


def _rows(folder: RunFolder, *doubts: Doubt, quantity: str = "uses") -> list[UsageRow]:
    finding = Finding("validity/x", "x", Kind.VALIDITY, Verdict.INCONCLUSIVE, "", "")
    case = read_case(folder)
    figures = read_figures(case, [quantity])[quantity]
    return rows_of(case, quantity, figures, [Precondition(finding, doubts)])


def test_there_is_one_row_per_set_of_labels_with_a_column_per_witness(tmp_path: Path) -> None:
    rows = _rows(_agreeing(tmp_path))
    assert {row.label_values for row in rows} == {("tea",), ("coffee",)}
    assert all(list(row.figures) == ["service", "prometheus", "database:main"] for row in rows)
    assert {row.verdict for row in rows} == {Verdict.PASS}


def test_the_labels_that_only_a_witness_counted_follow_those_of_the_ledger(tmp_path: Path) -> None:
    folder = _agreeing(tmp_path)
    uses = {"tea": 4, "coffee": 8, "absinth": 1}
    write_expositions(folder, "after", {"shop-0": exposition(uses)})
    assert _rows(folder)[-1].label_values == ("absinth",)
    assert _rows(folder)[-1].verdict is Verdict.FAIL


def test_a_doubt_on_the_jobs_of_a_quantity_makes_its_figures_inexact(tmp_path: Path) -> None:
    folder = _agreeing(tmp_path)
    doubt = Doubt("shop", ("service",), Reason.SEVERAL_PROCESSES)
    for row in _rows(folder, doubt):
        assert row.figures["service"].reason is Reason.SEVERAL_PROCESSES
        assert row.figures["prometheus"].is_exact
        assert (row.verdict, row.code) == (Verdict.INCONCLUSIVE, Code.SPLIT_COUNTER)
    elsewhere = Doubt("another job", ("service",), Reason.SEVERAL_PROCESSES)
    assert {row.verdict for row in _rows(folder, elsewhere)} == {Verdict.PASS}


def test_a_row_that_is_missing_from_the_database_fails_alone(tmp_path: Path) -> None:
    folder = _agreeing(tmp_path)
    write_rows(folder, "after", {"uses": {"rows": [["tea", 3], ["coffee", 8]]}})
    verdicts = {row.labels["kind"]: (row.verdict, row.code) for row in _rows(folder)}
    assert verdicts == {"tea": (Verdict.FAIL, Code.LOST_ROW), "coffee": (Verdict.PASS, None)}


@pytest.mark.parametrize(
    ("counted", "verdict", "code"),
    [
        (3, Verdict.FAIL, Code.NOT_DONE),
        (4, Verdict.INCONCLUSIVE, Code.IN_DOUBT),
        (5, Verdict.INCONCLUSIVE, Code.IN_DOUBT),
    ],
)
def test_of_a_client_that_is_partly_unknown_only_less_than_it_confirmed_contradicts(
    tmp_path: Path, counted: int, verdict: Verdict, code: Code
) -> None:
    folder = write_run(tmp_path, Load(scheduled=3))
    write_agreeing_witnesses(folder, counted)
    tea = _rows(folder)[0]
    assert tea.client == ClientFigure(4, 0, is_partial=True)
    assert (tea.verdict, tea.code) == (verdict, code)


@pytest.mark.parametrize(
    ("exclusive", "doubts", "has_other_traffic"),
    [
        (True, (), False),
        (True, (Doubt("shop", ("service",), Reason.SEVERAL_PROCESSES),), False),
        (True, (Doubt("shop", ("service",), Reason.OTHER_TRAFFIC),), True),
        (False, (), True),
    ],
)
def test_a_shared_quantity_has_other_traffic_where_others_may_send_it_or_did(
    tmp_path: Path, exclusive: bool, doubts: tuple[Doubt, ...], has_other_traffic: bool
) -> None:
    folder = write_run(tmp_path, Load(), exclusive=exclusive)
    write_agreeing_witnesses(folder)
    (visits,) = _rows(folder, *doubts, quantity="visits")
    assert visits.has_other_traffic is has_other_traffic
    assert not any(row.has_other_traffic for row in _rows(folder, *doubts))


@pytest.mark.parametrize(
    ("gap", "verdict"),
    [
        (None, Verdict.PASS),
        (RecordGap(missing=1), Verdict.FAIL),
        (RecordGap(surplus=1), Verdict.PASS),
        (RecordGap(missing=1, surplus=1), Verdict.FAIL),
    ],
)
def test_a_row_whose_totals_agree_fails_only_where_a_request_lacks_records(
    tmp_path: Path, gap: RecordGap | None, verdict: Verdict
) -> None:
    row = _with_gap(_rows(_agreeing(tmp_path))[0], gap)
    assert row.verdict is verdict
    assert row.code is (Code.LOST_ROW if verdict is Verdict.FAIL else None)


@pytest.mark.parametrize(
    ("first", "later", "verdict", "code"),
    [
        (5, 6, Verdict.INCONCLUSIVE, Code.FOREIGN_TRAFFIC),
        (4, 6, Verdict.INCONCLUSIVE, Code.FOREIGN_TRAFFIC),
        (5, 5, Verdict.FAIL, Code.DOUBLE_COUNT),
        (2, 5, Verdict.FAIL, Code.DOUBLE_COUNT),
        (3, 4, Verdict.FAIL, Code.LATE),
    ],
    ids=["exceeded", "complete", "at rest", "late, and one too many", "late"],
)
def test_a_counter_that_grows_further_when_it_has_all_is_no_double_count(
    tmp_path: Path, first: int, later: int, verdict: Verdict, code: Code
) -> None:
    folder = write_run(tmp_path, Load(), scenario=COUNTED)
    write_agreeing_witnesses(folder)
    for moment, tea in (("after", first), ("later", later)):
        write_expositions(folder, moment, {"shop-0": exposition({"tea": tea, "coffee": 8})})
    write_absence(folder)
    rows = {row.labels["kind"]: row for row in _rows(folder)}
    assert (rows["tea"].verdict, rows["tea"].code) == (verdict, code)
    assert rows["coffee"].verdict is Verdict.PASS
    assert counters_exceed(judge_usage(read_case(folder)).usage) is (code is Code.DOUBLE_COUNT)


def test_what_was_in_doubt_and_is_counted_late_is_not_that_of_others(tmp_path: Path) -> None:
    folder = write_run(tmp_path, Load((GOOD, GOOD, GOOD, TIMED_OUT)), scenario=COUNTED)
    write_agreeing_witnesses(folder)
    for moment, tea in (("after", 3), ("later", 4)):
        write_expositions(folder, moment, {"shop-0": exposition({"tea": tea, "coffee": 6})})
    write_absence(folder)
    rows = {row.labels["kind"]: row for row in _rows(folder)}
    assert (rows["tea"].verdict, rows["tea"].code) == (Verdict.FAIL, Code.LATE)


def _alone(
    place: Path, before: dict[str, float], after: dict[str, float], **page: Any
) -> RunFolder:
    """Return a run without Prometheus and records, of which the client did 4 tea and 8 coffee."""
    place.mkdir(exist_ok=True)
    folder = write_run(place, Load(), scenario=COUNTED)
    write_absence(folder)
    for moment, uses in (("before", before), ("after", after)):
        write_expositions(folder, moment, {"shop-0": exposition(uses, **page)})
    return folder


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"tea": 1, "coffee": 2}, {"tea": 3, "coffee": 6}),  # 3 and 6 since it began anew
        ({}, {"tea": 3, "coffee": 7}),
        ({"tea": 4, "coffee": 8}, {"tea": 4, "coffee": 8}),
        ({"tea": 0}, {"tea": 4, "coffee": 7}),
        ({"tea": 12}, {"tea": 12, "coffee": 0}),  # as many as the client has in all
    ],
)
def test_a_shortfall_that_a_restart_without_a_start_time_explains_is_no_lost_count(
    tmp_path: Path, before: dict[str, float], after: dict[str, float]
) -> None:
    rows = _rows(_alone(tmp_path, before, after, start_time=None))
    short = [row for row in rows if row.verdict is not Verdict.PASS]
    assert {(row.verdict, row.code) for row in short} == {
        (Verdict.INCONCLUSIVE, Code.COUNTER_RESET)
    }
    assert {row.figures["service"].reason for row in short} == {Reason.RESTART_UNSEEN}


@pytest.mark.parametrize(("tea", "is_short"), [(3, True), (4, False)])
def test_a_counter_without_a_start_time_that_falls_short_may_be_late(
    tmp_path: Path, tea: int, is_short: bool
) -> None:
    folder = _alone(tmp_path, {}, {"tea": tea, "coffee": 8}, start_time=None)
    assert counters_fall_short(judge_usage(read_case(folder)).usage) is is_short
    later = exposition({"tea": 4, "coffee": 8}, start_time=None)
    write_expositions(folder, "later", {"shop-0": later})
    row = next(each for each in _rows(folder) if each.labels["kind"] == "tea")
    assert row.code is (Code.LATE if is_short else None)


@pytest.mark.parametrize(
    ("before", "after", "page"),
    [
        ({"tea": 1}, {"tea": 4, "coffee": 8}, {}),  # the same process, by its start time
        ({"tea": 13}, {"tea": 16, "coffee": 8}, {"start_time": None}),  # more than can be anew
        ({"tea": 1, "coffee": 50}, {"tea": 4, "coffee": 58}, {"start_time": None}),
    ],
)
def test_a_shortfall_that_no_restart_explains_is_a_lost_count(
    tmp_path: Path, before: dict[str, float], after: dict[str, float], page: dict[str, None]
) -> None:
    rows = {row.label_values: row for row in _rows(_alone(tmp_path, before, after, **page))}
    assert (rows["tea",].verdict, rows["tea",].code) == (Verdict.FAIL, Code.LOST_COUNT)


def _beside_a_counter_that_fell(place: Path, before: int, after: int) -> dict[Labels, UsageRow]:
    """Return the rows of a run in which visits fell, though the start time stayed."""
    folder = _agreeing(place)
    for moment, tea, visits in (("before", before, 9), ("after", after, 2)):
        page = exposition({"tea": tea, "coffee": 8 * (moment == "after")}, visits=visits)
        write_expositions(folder, moment, {"shop-0": page})
    series = [({"kind": "tea"}, settled(before, after)), ({"kind": "coffee"}, settled(0, 8))]
    write_prometheus(folder, {"uses": series})
    return {row.label_values: row for row in _rows(folder)}


def test_a_shortfall_beside_a_counter_that_fell_is_no_lost_count(tmp_path: Path) -> None:
    """The start time may be that of a container, or of the master of several workers."""
    rows = _beside_a_counter_that_fell(tmp_path, 1, 3)
    assert (rows["tea",].verdict, rows["tea",].code) == (
        Verdict.INCONCLUSIVE, Code.COUNTER_RESET,
    )  # fmt: skip
    assert {rows["tea",].figures[name].reason for name in ("service", "prometheus")} == {
        Reason.COUNTER_FELL
    }
    assert rows["tea",].figures["service"].detail == "visits_total"
    assert rows["coffee",].verdict is Verdict.PASS


def test_after_a_restart_that_the_start_time_shows_the_records_decide(tmp_path: Path) -> None:
    """That all counters of the page fell is the same restart, and no further doubt."""
    folder = _agreeing(tmp_path)
    write_absence(folder)
    for moment, tea, visits, started in (("before", 4, 9, 500.0), ("after", 3, 2, 900.0)):
        uses = {"tea": tea, "coffee": 8 * (moment == "after")}
        page = exposition(uses, visits=visits, start_time=started)
        write_expositions(folder, moment, {"shop-0": page})
    (tea_row,) = (row for row in _rows(folder) if row.labels["kind"] == "tea")
    assert (tea_row.verdict, tea_row.code) == (Verdict.PASS, Code.COUNTER_RESET)


@pytest.mark.parametrize(("before", "after", "code"), [(20, 23, Code.LOST_COUNT), (1, 5, None)])
def test_a_counter_that_fell_excuses_neither_more_than_can_be_anew_nor_doubts_what_agrees(
    tmp_path: Path, before: int, after: int, code: Code | None
) -> None:
    assert _beside_a_counter_that_fell(tmp_path, before, after)["tea",].code is code


def test_without_a_start_time_a_mix_up_is_a_wrong_label_and_agreement_passes(
    tmp_path: Path,
) -> None:
    mixed = _rows(_alone(tmp_path / "a", {}, {"tea": 3, "coffee": 9}, start_time=None))
    assert {row.code for row in mixed} == {Code.WRONG_LABEL}
    agreeing = _rows(_alone(tmp_path / "b", {}, {"tea": 4, "coffee": 8}, start_time=None))
    assert {row.verdict for row in agreeing} == {Verdict.PASS}


def test_without_a_start_time_records_do_not_excuse_a_counter_that_falls_short(
    tmp_path: Path,
) -> None:
    folder = _agreeing(tmp_path)
    write_absence(folder)
    for moment, uses in (("before", {}), ("after", {"tea": 3, "coffee": 8})):
        write_expositions(folder, moment, {"shop-0": exposition(uses, start_time=None)})
    rows = {row.label_values: row for row in _rows(folder)}
    assert (rows["tea",].verdict, rows["tea",].code) == (
        Verdict.INCONCLUSIVE, Code.COUNTER_RESET,
    )  # fmt: skip


def test_where_prometheus_saw_the_counter_go_on_a_shortfall_is_a_lost_count(tmp_path: Path) -> None:
    folder = _agreeing(tmp_path)
    for moment, uses in (("before", {}), ("after", {"tea": 3, "coffee": 8})):
        write_expositions(folder, moment, {"shop-0": exposition(uses, start_time=None)})
    series = [({"tenant": "acme", "kind": "tea"}, settled(0.0, 3.0))]
    coffee = [({"tenant": "acme", "kind": "coffee"}, settled(0.0, 8.0))]
    write_prometheus(folder, {"uses": [*series, *coffee]})
    rows = {row.label_values: row for row in _rows(folder)}
    assert (rows["tea",].verdict, rows["tea",].code) == (Verdict.FAIL, Code.LOST_COUNT)


def test_a_quantity_that_is_on_no_page_is_judged_by_its_records_alone(tmp_path: Path) -> None:
    scenario = COUNTED.replace(
        """prometheus: 'uses_total{tenant="{{ tenant }}"}'""",
        """database: {main: "SELECT kind, count(*) FROM uses GROUP BY kind"}""",
    )
    folder = write_run(tmp_path, Load(), scenario=scenario)
    write_agreeing_witnesses(folder)
    assert {row.verdict for row in _rows(folder)} == {Verdict.PASS}
    write_rows(folder, "after", {"uses": {"rows": [["tea", 3], ["coffee", 8]]}})
    codes = {row.label_values: row.code for row in _rows(folder)}
    assert codes == {("tea",): Code.LOST_ROW, ("coffee",): None}
