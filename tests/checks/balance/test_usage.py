from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from checks.balance.usage import judge_usage, records_fall_short
from checks.case import read_case
from checks.result import Code, Finding, UsageRow
from checks.verdict import Verdict
from scenarios.evidence.exchange import Outcome
from scenarios.evidence.run_folder import RunFolder
from tests.evidence_factory import (
    BEGIN,
    GOOD,
    REFUSED,
    SCENARIO,
    TIMED_OUT,
    Load,
    Made,
    anchor,
    exposition,
    settled,
    write_agreeing_witnesses,
    write_expositions,
    write_prometheus,
    write_rows,
    write_run,
)
from witnesses.prometheus.samples import Sample


def _agreeing(place: Path, *loads: Load, exclusive: bool = True) -> RunFolder:
    folder = write_run(place, *(loads or (Load(),)), exclusive=exclusive)
    write_agreeing_witnesses(folder)
    return folder


def _finding(folder: RunFolder, check: str = "usage/uses") -> Finding:
    return next(each for each in judge_usage(read_case(folder)).findings if each.id == check)


def _rows(folder: RunFolder, quantity: str = "uses") -> dict[str, UsageRow]:
    rows = judge_usage(read_case(folder)).usage
    return {row.labels.get("kind", ""): row for row in rows if row.quantity == quantity}


def test_a_run_whose_witnesses_agree_with_the_client_passes(tmp_path: Path) -> None:
    finding = _finding(_agreeing(tmp_path))
    assert finding.verdict is Verdict.PASS
    assert finding.expected == "12 counted once by client, service, prometheus and database:main"
    assert finding.observed == "service 12, prometheus 12, database:main 12"


def test_a_mix_up_that_cancels_in_the_total_still_fails(tmp_path: Path) -> None:
    folder = _agreeing(tmp_path)
    write_rows(folder, "after", {"uses": {"rows": [["tea", 5], ["coffee", 7]]}})
    finding = _finding(folder)
    assert finding.observed == "service 12, prometheus 12, database:main 12"
    assert finding.verdict is Verdict.FAIL
    assert {row.code for row in _rows(folder).values()} == {Code.WRONG_LABEL}


@pytest.mark.parametrize(
    ("tea", "is_short"), [(3, True), (4, False), (5, False)], ids=["lost", "all", "extra"]
)
def test_records_that_lack_a_row_may_be_late(tmp_path: Path, tea: int, is_short: bool) -> None:
    folder = _agreeing(tmp_path)
    write_rows(folder, "after", {"uses": {"rows": [["tea", tea], ["coffee", 8]]}})
    assert records_fall_short(judge_usage(read_case(folder)).usage) is is_short


def test_rows_that_came_late_are_late_and_not_lost(tmp_path: Path) -> None:
    folder = _agreeing(tmp_path)
    write_rows(folder, "after", {"uses": {"rows": [["tea", 1], ["coffee", 8]]}})
    write_rows(folder, "later", {"uses": {"rows": [["tea", 4], ["coffee", 8]]}})
    finding = _finding(folder)
    assert (finding.verdict, finding.code) == (Verdict.FAIL, Code.LATE)
    assert "3 of it in database:main only well after the last response" in finding.detail


def test_a_label_value_that_only_a_witness_knows_is_judged_too(tmp_path: Path) -> None:
    folder = _agreeing(tmp_path)
    rows = [["tea", 4], ["coffee", 8], ["cocoa", 1]]
    write_rows(folder, "after", {"uses": {"rows": rows}})
    cocoa = _rows(folder)["cocoa"]
    assert (cocoa.verdict, cocoa.code) == (Verdict.FAIL, Code.EXTRA_ROW)
    assert cocoa.client.confirmed == 0


def test_a_counter_that_missed_one_label_names_that_label(tmp_path: Path) -> None:
    folder = _agreeing(tmp_path)
    counted = {"tea": 3, "coffee": 8}
    write_expositions(folder, "after", {"shop-0": exposition(counted)})
    series = [({"kind": kind}, settled(0, total)) for kind, total in counted.items()]
    write_prometheus(folder, {"uses": series})
    finding = _finding(folder)
    assert (finding.verdict, finding.code) == (Verdict.FAIL, Code.LOST_COUNT)
    assert finding.detail.startswith("tea: The client and database:main agree on 4;")


def test_a_run_without_any_witness_on_disk_is_inconclusive(tmp_path: Path) -> None:
    finding = _finding(write_run(tmp_path, Load()))
    assert (finding.verdict, finding.code) == (Verdict.INCONCLUSIVE, Code.WITNESS_DOWN)
    assert finding.observed == "service no data, prometheus no data, database:main no data"


def test_a_timed_out_request_widens_the_expected_figure(tmp_path: Path) -> None:
    folder = _agreeing(tmp_path, Load((GOOD, GOOD, GOOD, TIMED_OUT)))
    finding = _finding(folder)
    assert (finding.verdict, finding.code) == (Verdict.PASS, Code.IN_DOUBT)
    assert finding.expected.startswith("9 to 12 counted once")


def test_a_refused_request_must_not_have_been_counted(tmp_path: Path) -> None:
    finding = _finding(_agreeing(tmp_path, Load((GOOD, GOOD, GOOD, REFUSED))))
    assert (finding.verdict, finding.code) == (Verdict.FAIL, Code.FOREIGN_TRAFFIC)


def test_a_shared_quantity_proves_nothing_where_others_send_traffic(tmp_path: Path) -> None:
    folder = _agreeing(tmp_path, Load((GOOD, GOOD)), exclusive=False)
    finding = _finding(folder, "usage/visits")
    assert (finding.verdict, finding.code) == (Verdict.INCONCLUSIVE, Code.FOREIGN_TRAFFIC)
    assert "2 more than ours" in finding.detail


def test_a_quantity_that_nobody_counted_proves_nothing(tmp_path: Path) -> None:
    folder = write_run(tmp_path, Load(((Made("open", Outcome.REJECTED, 503, "status 503"),),)))
    for moment in ("before", "after"):
        write_expositions(folder, moment, {"shop-0": exposition({}, visits=4)})
        write_rows(folder, moment, {"uses": {"rows": []}})
    write_prometheus(folder, {"uses": [], "visits": [({}, settled(4.0, 4.0))]})
    finding = _finding(folder)
    assert (finding.verdict, finding.observed) == (
        Verdict.INCONCLUSIVE, "" if not _rows(folder) else finding.observed
    )  # fmt: skip


@pytest.mark.parametrize(
    ("limit", "verdict"), [("1%", Verdict.INCONCLUSIVE), ("30%", Verdict.PASS)]
)
def test_more_in_doubt_than_the_quantity_allows_is_inconclusive(
    tmp_path: Path, limit: str, verdict: Verdict
) -> None:
    scenario = SCENARIO.replace("in_doubt: 100%", f"in_doubt: {limit}")
    folder = write_run(tmp_path, Load((*[GOOD] * 3, TIMED_OUT)), scenario=scenario)
    write_agreeing_witnesses(folder)
    rows = _rows(folder)
    assert {row.code for row in rows.values()} == {Code.IN_DOUBT}
    assert {row.verdict for row in rows.values()} == {verdict}
    assert "could hide as many losses" in _finding(folder).detail.replace("That c", "c")


def test_a_shared_quantity_is_exact_where_nobody_else_sends_traffic(tmp_path: Path) -> None:
    finding = _finding(_agreeing(tmp_path, Load((GOOD, GOOD))), "usage/visits")
    assert finding.verdict is Verdict.FAIL


def test_a_witness_that_a_quantity_does_not_name_is_not_asked(tmp_path: Path) -> None:
    visits = _rows(_agreeing(tmp_path), "visits")[""]
    assert list(visits.figures) == ["service", "prometheus"]
    assert visits.verdict is Verdict.PASS


def _stuck(place: Path, samples: Sequence[Sample]) -> RunFolder:
    """Write a run of four uses, one a second from BEGIN on, of which the counter lacks some."""
    folder = _agreeing(place)
    anchor(folder, BEGIN)
    missing = {"tea": samples[-1][1], "coffee": 8}
    write_expositions(folder, "after", {"shop-0": exposition(missing)})
    series = [({"kind": "tea"}, samples), ({"kind": "coffee"}, settled(0, 8))]
    write_prometheus(folder, {"uses": series})
    return folder


def test_a_difference_is_dated_by_the_first_scrape_that_shows_it(tmp_path: Path) -> None:
    samples = [*settled(0, 3)[:2], (BEGIN + 2.5, 2.0), (BEGIN + 10, 3.0), *settled(0, 3)[2:]]
    folder = _stuck(tmp_path, samples)
    tea = _rows(folder)["tea"]
    assert tea.since == datetime.fromtimestamp(BEGIN + 10 - 0.001, UTC)
    assert _finding(folder).detail.endswith("First seen in the scrape of 00:16:49 UTC.")
    assert _rows(folder)["coffee"].since is None


def test_a_difference_that_no_scrape_dates_is_not_dated(tmp_path: Path) -> None:
    folder = _agreeing(tmp_path)
    write_rows(folder, "after", {"uses": {"rows": [["tea", 3], ["coffee", 8]]}})
    assert {row.since for row in _rows(folder).values()} == {None}
