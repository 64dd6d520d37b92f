"""What one witness shows of another; and the accusations that must not be made."""

from pathlib import Path

import pytest

from checks.balance.figures import read_figures
from checks.balance.usage import counters_fall_short, judge_usage
from checks.case import read_case
from checks.result import Code, UsageRow
from checks.verdict import Verdict
from scenarios.evidence.run_folder import RunFolder
from tests.checks.balance.discovered_run import write_no_pages
from tests.evidence_factory import (
    BEGIN,
    END,
    SHOP,
    Load,
    exposition,
    settled,
    write_agreeing_witnesses,
    write_expositions,
    write_prometheus,
    write_run,
)
from witnesses.figure import Reason
from witnesses.prometheus.samples import Sample

SCENARIO = """
scenario: shop
quantities:
  uses: {by: [kind], prometheus: 'uses_total{tenant="{{ tenant }}"}'}
  visits: {prometheus: visits_total}
flow:
  - {step: open, request: POST shop /open, counts: {visits: 1}}
  - {step: use, request: POST shop /use, counts: {uses: {tea: 1, coffee: 2}}}
profiles: {load: {users: 1, iterations: 4}}
"""
USES = {"tea": 4.0, "coffee": 8.0}


def _run(place: Path, scenario: str = SCENARIO) -> RunFolder:
    folder = write_run(place, Load(), scenario=scenario)
    write_agreeing_witnesses(folder)
    return folder


def _rows(folder: RunFolder) -> dict[str, UsageRow]:
    rows = judge_usage(read_case(folder)).usage
    return {row.labels.get("kind", row.quantity): row for row in rows}


def _series(kind: str, *samples: Sample) -> tuple[dict[str, str], list[Sample]]:
    return {"tenant": "acme", "kind": kind}, list(samples)


def test_a_misspelt_counter_is_never_a_lost_count(tmp_path: Path) -> None:
    """No page declares it, and Prometheus has never seen it: that it is missing is no zero."""
    folder = _run(tmp_path, SCENARIO.replace("visits_total", "visit_total"))
    write_prometheus(folder, {"uses": [], "visits": []})
    row = _rows(folder)["visits"]
    assert (row.verdict, row.code) == (Verdict.INCONCLUSIVE, Code.WITNESS_DOWN)
    assert {each.reason for each in row.figures.values()} == {Reason.METRIC_ABSENT}


def test_a_misspelt_label_is_never_a_lost_count(tmp_path: Path) -> None:
    folder = _run(tmp_path, SCENARIO.replace("{tenant=", "{tennant="))
    write_prometheus(folder, {"uses": [], "visits": [({}, settled(0.0, 4.0))]})
    row = _rows(folder)["tea"]
    assert row.verdict is Verdict.INCONCLUSIVE
    assert {(each.reason, each.detail) for each in row.figures.values()} == {
        (Reason.LABEL_ABSENT, "tennant")
    }


def test_a_counter_that_is_declared_and_never_counts_is_a_lost_count(tmp_path: Path) -> None:
    folder = _run(tmp_path)
    for moment in ("before", "after"):
        write_expositions(folder, moment, {"shop-0": exposition({}, visits=4)})
    write_prometheus(folder, {"uses": [], "visits": [({}, settled(4.0, 4.0))]})
    assert _rows(folder)["tea"].code is Code.LOST_COUNT


@pytest.mark.parametrize("doubt", ["other replicas of Prometheus", "other targets", "moving"])
def test_a_doubt_is_never_a_double_count(tmp_path: Path, doubt: str) -> None:
    """Each shows twice what the client did, and can overstate."""
    folder = _run(tmp_path)
    tea = [(BEGIN - 20, 0.0), (BEGIN - 10, 0.0), *((END + n, 4.0) for n in (5, 10, 15))]
    targets = [SHOP]
    series = [_series("tea", *tea), _series("coffee", *settled(0.0, 8.0))]
    if doubt == "other targets":
        targets.append(("shop", "elsewhere:80"))
        series.append(({**_series("tea")[0], "instance": "elsewhere:80"}, tea))
    elif doubt == "moving":
        moving = [(BEGIN - 20, 1.0), (BEGIN - 10, 4.0), *((END + n, 12.0) for n in (5, 10, 15))]
        series[0] = _series("tea", *moving)
    ups = {target: settled(1.0, 1.0) for target in targets}
    started = {target: settled(500.0, 500.0) for target in targets}
    visits: list[tuple[dict[str, str], list[Sample]]] = [({}, settled(0.0, 4.0))]
    write_prometheus(folder, {"uses": series, "visits": visits}, ups=ups, start_times=started)
    if doubt == "other replicas of Prometheus":
        path = folder.witnesses / "prometheus"
        for name in ("up", "quantity-uses"):
            text = (path / f"{name}.json").read_text()
            first = text[text.index('"result": [') + len('"result": [') : text.rindex("]}}")]
            again = first.replace('"job"', '"replica": "b", "job"')
            (path / f"{name}.json").write_text(text.replace(first, f"{first}, {again}"))
    row = _rows(folder)["tea"]
    assert row.verdict is Verdict.INCONCLUSIVE, row


def test_a_counter_that_fell_for_prometheus_casts_doubt_on_what_a_page_shows_as_growth(
    tmp_path: Path,
) -> None:
    """Without a start time, only the scrapes in between show the restart."""
    folder = _run(tmp_path)
    for moment, uses in (("before", {"tea": 1.0}), ("after", {"tea": 3.0, "coffee": 8.0})):
        text = exposition(uses, visits=4 * (moment == "after"), start_time=None)
        write_expositions(folder, moment, {"shop-0": text})
    fallen = _series("tea", (BEGIN - 20, 1.0), (BEGIN - 10, 1.0), (BEGIN + 30, 3.0), (END + 5, 2.0),
                     (END + 10, 3.0), (END + 15, 3.0))  # fmt: skip
    ups = {SHOP: [(at, 1.0) for at, _ in fallen[1]]}
    coffee = _series("coffee", *[(at, 8.0 * (at > BEGIN)) for at, _ in fallen[1]])
    write_prometheus(folder, {"uses": [fallen, coffee], "visits": []}, ups=ups, start_times={})
    figures = read_figures(read_case(folder), ["uses", "visits"])
    assert figures["uses"]["service"].at(("tea",)).reason is Reason.COUNTER_FELL
    assert figures["visits"]["service"].at(()).reason is Reason.COUNTER_FELL
    row = _rows(folder)["tea"]
    assert (row.verdict, row.code) == (Verdict.INCONCLUSIVE, Code.COUNTER_RESET)


@pytest.mark.parametrize("is_read", [True, False])
@pytest.mark.parametrize("seen", [3.0, 7.0, 8.0])
def test_a_counter_that_outgrew_its_last_value_accuses_nobody_where_another_fell(
    tmp_path: Path, seen: float, is_read: bool
) -> None:
    """No scrape shows that it began again: 8 were counted, 3 of them before the restart."""
    folder = _run(tmp_path)
    for moment, uses in (("before", {}), ("after", {"tea": 3.0, "coffee": seen})):
        text = exposition(uses, visits=2 * (moment == "after"), start_time=None)
        write_expositions(folder, moment, {"shop-0": text})
    if not is_read:
        write_no_pages(folder)
    ats = BEGIN - 20, BEGIN - 10, BEGIN + 30, END + 5, END + 10, END + 15
    values = {"tea": (0.0, 0.0, 3.0, 1.0, 3.0, 3.0), "coffee": (0.0, 0.0, 3.0, *[seen] * 3)}
    series = [_series(kind, *zip(ats, of_kind, strict=True)) for kind, of_kind in values.items()]
    visits: list[tuple[dict[str, str], list[Sample]]] = [({}, [(at, 2.0 * (at > BEGIN))
                                                             for at in ats])]  # fmt: skip
    ups = {SHOP: [(at, 1.0) for at in ats]}
    write_prometheus(folder, {"uses": series, "visits": visits}, ups=ups, start_times={})
    rows = _rows(folder)
    assert {row.verdict for row in rows.values()} == {Verdict.INCONCLUSIVE}
    assert {row.code for row in rows.values()} == {Code.COUNTER_RESET}


def test_a_steady_start_time_keeps_the_figures_of_the_page(tmp_path: Path) -> None:
    folder = _run(tmp_path)
    fallen = _series("tea", (BEGIN - 20, 1.0), (BEGIN - 10, 1.0), (BEGIN + 30, 3.0), (END + 5, 2.0))
    ups = {SHOP: [(at, 1.0) for at, _ in fallen[1]]}
    write_prometheus(folder, {"uses": [fallen], "visits": []}, ups=ups)
    figures = read_figures(read_case(folder), ["uses"])["uses"]
    assert figures["prometheus"].at(("tea",)).reason is Reason.COUNTER_FELL
    assert figures["service"].at(("tea",)).is_exact


@pytest.mark.parametrize("is_before_stale", [True, False])
def test_a_page_of_a_minute_ago_is_never_a_lost_count(
    tmp_path: Path, is_before_stale: bool
) -> None:
    """Neither the page nor Prometheus, which stores it, has a sample from after the load."""
    folder, now = _run(tmp_path), 1_700_000_000.0
    write_prometheus(folder, {"uses": [], "visits": [({}, settled(0.0, 4.0))]})
    for moment, lag_s in (("before", 60.0 if is_before_stale else 0.0), ("after", 60.0)):
        lines = exposition({"tea": 1}, visits=4).splitlines()
        stamped = [f"{each} {now - lag_s:.0f}000" if each[0] == "u" else each for each in lines]
        page = {"shop-0": "\n".join(stamped) + "\n"}
        write_expositions(folder, moment, page, asked_at=now)
    row = _rows(folder)["tea"]
    assert (row.verdict, row.code) == (Verdict.INCONCLUSIVE, Code.SCRAPE_GAP)
    stale = Reason.STALE_BEFORE if is_before_stale else Reason.STALE_AFTER
    assert {each.reason for each in row.figures.values()} == {stale}


def test_a_series_that_only_a_page_has_is_missing_from_prometheus_and_not_from_all(
    tmp_path: Path,
) -> None:
    folder = _run(tmp_path)
    write_prometheus(folder, {"uses": [], "visits": [({}, settled(0.0, 4.0))]})
    row = _rows(folder)["tea"]
    assert row.figures["prometheus"].reason is Reason.SERIES_ABSENT
    assert row.figures["service"].is_exact
    assert counters_fall_short([row])  # VictoriaMetrics shows a new series seconds later


@pytest.mark.parametrize(
    ("shown", "verdict", "code"),
    [
        ("1.00002e+06", Verdict.INCONCLUSIVE, Code.WITNESS_DOWN),
        ("1.00001e+06", Verdict.INCONCLUSIVE, Code.WITNESS_DOWN),
        ("1e+06", Verdict.FAIL, Code.LOST_COUNT),
        ("1.00009e+06", Verdict.FAIL, Code.DOUBLE_COUNT),
    ],
)
def test_few_printed_digits_accuse_only_of_what_they_can_show(
    tmp_path: Path, shown: str, verdict: Verdict, code: Code
) -> None:
    """Prometheus, too, has only the digits that the page prints. The client did 20."""
    scenario = SCENARIO.replace("tea: 1", "tea: 5")
    folder, at = _run(tmp_path, scenario), {"before": "1.00000e+06", "after": shown}
    for moment, printed in at.items():
        others = exposition({"coffee": 8 * (moment == "after")}, visits=4 * (moment == "after"))
        tea = f'uses_total{{tenant="acme",kind="tea"}} {printed}\n'
        write_expositions(folder, moment, {"shop-0": others + tea})
    series = [_series("tea", *settled(1e6, float(shown))), _series("coffee", *settled(0.0, 8.0))]
    write_prometheus(folder, {"uses": series, "visits": [({}, settled(0.0, 4.0))]})
    row = _rows(folder)["tea"]
    assert (row.verdict, row.code) == (verdict, code)
    assert {each.reason for each in row.figures.values()} == {Reason.FEW_DIGITS}


def test_a_series_with_a_job_of_the_page_is_missed_with_the_matcher_that_finds_it(
    tmp_path: Path,
) -> None:
    folder = _run(tmp_path)
    for moment, visits in (("before", 0), ("after", 4)):
        page = exposition(USES if visits else {}, visits=visits)
        named = page.replace("visits_total ", 'visits_total{job="batch"} ')
        write_expositions(folder, moment, {"shop-0": named})
    write_prometheus(folder, {"uses": [], "visits": []})
    detail = _rows(folder)["visits"].figures["prometheus"].detail
    assert 'its page has job="batch", which honor_labels keeps' in detail
    assert _rows(folder)["tea"].figures["prometheus"].detail == "uses_total"
