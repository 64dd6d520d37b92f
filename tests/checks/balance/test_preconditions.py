import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from checks.balance.preconditions import judge_metrics_readable
from checks.balance.usage import judge_usage
from checks.case import read_case
from checks.result import Code, Finding, UsageRow
from checks.verdict import Verdict
from scenarios.evidence.run_folder import RunFolder
from tests.checks.balance.discovered_run import DISCOVERED, OTHER, write_no_pages
from tests.evidence_factory import (
    BEGIN,
    END,
    SCENARIO,
    Load,
    exposition,
    settled,
    write_agreeing_witnesses,
    write_expositions,
    write_prometheus,
    write_run,
)
from witnesses.prometheus.collection import CollectionRecord
from witnesses.prometheus.samples import Sample
from witnesses.service.single_process import RepeatedScrapes, scrape_repeatedly

AnySeries = tuple[Mapping[str, str], Sequence[Sample]]

USES = {"tea": 4, "coffee": 8}


def _uses(counted: Mapping[str, float]) -> list[AnySeries]:
    return [({"kind": kind}, settled(0, total)) for kind, total in counted.items()]


SERIES: dict[str, list[AnySeries]] = {"uses": _uses(USES), "visits": [({}, settled(0, 4))]}


def _agreeing(place: Path, *, exclusive: bool = True) -> RunFolder:
    folder = write_run(place, Load(), exclusive=exclusive)
    write_agreeing_witnesses(folder)
    return folder


def _findings(folder: RunFolder) -> dict[str, Finding]:
    return {each.id: each for each in judge_usage(read_case(folder)).findings}


def _codes(folder: RunFolder) -> dict[str, set[Code | None]]:
    rows: tuple[UsageRow, ...] = judge_usage(read_case(folder)).usage
    return {name: {row.code for row in rows if row.quantity == name} for name in ("uses", "visits")}


def test_of_a_sound_run_every_precondition_holds_and_is_listed(tmp_path: Path) -> None:
    findings = _findings(_agreeing(tmp_path))
    assert {each.verdict for each in findings.values()} == {Verdict.PASS}
    assert list(findings) == [
        "usage/uses",
        "usage/visits",
        "precondition/metrics-readable/shop",
        "precondition/single-process/shop",
        "precondition/process-survives/shop",
        "precondition/scraped/shop",
        "precondition/other-traffic",
    ]


def test_several_processes_behind_one_address_void_the_counters_and_spare_the_database(
    tmp_path: Path,
) -> None:
    folder = _agreeing(tmp_path)
    split = RepeatedScrapes(4, (500.0, 502.0))
    write_expositions(folder, "after", {"shop-0": exposition(USES, visits=4)}, scrapes=split)
    finding = _findings(folder)["precondition/single-process/shop"]
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "one multiprocess directory" in finding.detail
    assert _codes(folder) == {"uses": {Code.SPLIT_COUNTER}, "visits": {Code.SPLIT_COUNTER}}
    row = judge_usage(read_case(folder)).usage[0]
    values = {name: figure.value for name, figure in row.figures.items()}
    assert values == {"service": None, "prometheus": None, "database:main": 4.0}
    assert _findings(folder)["precondition/process-survives/shop"].verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("number", "page_s", "page_bytes", "words"),
    [
        (20, 0.1, 1_000, "one process in 40 scrapes"),
        (6, 1.5, 1_000, "one process in 26 scrapes, at least 6 of 20 in a row, since a page takes "
         "1.5 s"),
        (3, 0.4, 15_300_000, "one process in 23 scrapes, at least 3 of 20 in a row, since a page "
         "has 15.3 MB"),
    ],
)  # fmt: skip
def test_how_many_scrapes_a_slow_or_large_page_allowed_is_reported(
    tmp_path: Path, number: int, page_s: float, page_bytes: int, words: str
) -> None:
    folder = _agreeing(tmp_path)
    scrapes = RepeatedScrapes(number, (500.0,) * number, page_s=page_s, page_bytes=page_bytes)
    write_expositions(folder, "after", {"shop-0": exposition(USES, visits=4)}, scrapes=scrapes)
    finding = _findings(folder)["precondition/single-process/shop"]
    assert (finding.verdict, finding.observed) == (Verdict.PASS, words)


def test_a_replica_that_prometheus_does_not_scrape_leaves_its_figures_lower_bounds(
    tmp_path: Path,
) -> None:
    folder = _agreeing(tmp_path)
    for moment, uses, visits in (("before", {}, None), ("after", USES, 4)):
        second = exposition({"tea": 1} if moment == "after" else {})
        texts = {"shop-0": exposition(uses, visits=visits), "shop-1": second}
        write_expositions(folder, moment, texts)
    findings = _findings(folder)
    assert findings["precondition/scraped/shop"].verdict is Verdict.INCONCLUSIVE
    assert "1 of its 2 replicas are scraped" in findings["precondition/scraped/shop"].observed
    assert "1 of its 2 replicas are scraped" in findings["usage/visits"].detail
    assert findings["usage/visits"].code is Code.SCRAPE_GAP


def test_a_replica_that_the_environment_does_not_name_leaves_the_services_a_lower_bound(
    tmp_path: Path,
) -> None:
    folder = _agreeing(tmp_path)
    both = {("shop", "a"): settled(1, 1), ("shop", "b"): settled(1, 1)}
    started = {target: settled(500, 500) for target in both}
    series: dict[str, list[AnySeries]] = {
        name: [({**labels, "instance": "a"}, samples) for labels, samples in each]
        for name, each in SERIES.items()
    }
    write_prometheus(folder, series, ups=both, start_times=started)
    finding = _findings(folder)["usage/visits"]
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "1 of its 2 replicas are named in the environment" in finding.detail


def test_a_selector_of_a_job_that_only_series_have_does_not_hide_the_target(
    tmp_path: Path,
) -> None:
    """`honor_labels` keeps the job label of the page: `up` has the one of the target."""
    own = SCENARIO.replace("uses_total{", 'uses_total{job="batch",')
    own = own.replace("prometheus: visits_total", 'prometheus: visits_total{job="batch"}')
    folder = write_run(tmp_path, Load(), scenario=own)
    write_agreeing_witnesses(folder)
    for moment, uses, visits in (("before", {}, 0), ("after", USES, 4)):
        page = exposition(uses, visits=visits).replace("uses_total{", 'uses_total{job="batch",')
        page = page.replace("visits_total ", 'visits_total{job="batch"} ')
        write_expositions(folder, moment, {"shop-0": page})
    finding = _findings(folder)["precondition/scraped/shop"]
    assert finding.verdict is Verdict.PASS
    assert finding.observed.startswith("1 of 1 targets scraped")


def test_a_target_that_fails_after_the_last_answer_does_not_pass_and_gaps_are_told(
    tmp_path: Path,
) -> None:
    folder = _agreeing(tmp_path)
    gap = [*settled(1, 1)[:2], (BEGIN + 10, 0.0), (END + 5, 0.0), (END + 10, 0.0)]
    write_prometheus(folder, SERIES, ups={("shop", "shop:80"): gap})
    finding = _findings(folder)["precondition/scraped/shop"]
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.observed.startswith("0 of 1 targets scraped after the last response")
    assert "3 of 3 scrapes failed" in finding.observed


def test_targets_on_which_no_quantity_rests_are_not_missed_after_the_run(tmp_path: Path) -> None:
    folder = _agreeing(tmp_path)
    not_yet = [(at, 1.0) for at in (BEGIN - 60, BEGIN)]
    record = CollectionRecord(False, BEGIN, END, END + 20, 0.001, 5.0, not_awaited=["shop"])
    write_prometheus(folder, SERIES, ups={("shop", "shop.example:80"): not_yet}, collection=record)
    finding = _findings(folder)["precondition/scraped/shop"]
    assert (finding.verdict, finding.observed) == (
        Verdict.PASS,
        "1 of 1 targets; no quantity rests on it",
    )


def test_a_restart_in_mid_run_is_told_where_only_prometheus_saw_it(tmp_path: Path) -> None:
    folder = _agreeing(tmp_path)
    start_times = [(BEGIN - 10, 500.0), (BEGIN + 10, 1_005.0), (END + 5, 1_005.0)]
    write_prometheus(folder, SERIES, start_times={("shop", "shop:80"): start_times})
    finding = _findings(folder)["precondition/process-survives/shop"]
    assert (finding.verdict, finding.observed) == (
        Verdict.INCONCLUSIVE,
        "the process was restarted",
    )


def test_a_service_that_tells_no_start_time_is_trusted_and_the_list_says_so(tmp_path: Path) -> None:
    folder = _agreeing(tmp_path)
    for moment, uses, visits in (("before", {}, None), ("after", USES, 4)):
        text = exposition(uses, visits=visits, start_time=None)
        write_expositions(folder, moment, {"shop-0": text}, scrapes=RepeatedScrapes(20, ()))
    finding = _findings(folder)["precondition/process-survives/shop"]
    assert finding.verdict is Verdict.PASS
    assert "taken on trust" in finding.observed


def _with_a_guest(folder: RunFolder) -> None:
    text = exposition(USES, visits=6) + 'uses_total{tenant="globex",kind="tea"} 2\n'
    write_expositions(folder, "after", {"shop-0": text})
    write_prometheus(folder, {**SERIES, "visits": [({}, settled(0, 6))]})


def test_others_traffic_in_an_exclusive_environment_leaves_just_the_shared_counts_open(
    tmp_path: Path,
) -> None:
    folder = _agreeing(tmp_path)
    _with_a_guest(folder)
    findings = _findings(folder)
    assert findings["precondition/other-traffic"].verdict is Verdict.INCONCLUSIVE
    assert "uses_total of shop grew by 2" in findings["precondition/other-traffic"].observed
    assert _codes(folder) == {"uses": {None}, "visits": {Code.FOREIGN_TRAFFIC}}
    assert findings["usage/visits"].verdict is Verdict.INCONCLUSIVE


def test_others_traffic_is_measured_and_forbidden_to_nobody_where_not_exclusive(
    tmp_path: Path,
) -> None:
    folder = _agreeing(tmp_path, exclusive=False)
    _with_a_guest(folder)
    findings = _findings(folder)
    assert findings["precondition/other-traffic"].verdict is Verdict.PASS
    assert "grew by 2" in findings["precondition/other-traffic"].observed
    assert findings["usage/visits"].code is Code.FOREIGN_TRAFFIC


def test_what_strayed_to_another_tenant_is_a_wrong_label_and_no_traffic_of_others(
    tmp_path: Path,
) -> None:
    folder = _agreeing(tmp_path)
    text = exposition({"tea": 3, "coffee": 8}, visits=4)
    write_expositions(folder, "after", {"shop-0": f'{text}uses_total{{tenant="x",kind="tea"}} 1\n'})
    series = {**SERIES, "uses": _uses({"tea": 3, "coffee": 8})}
    write_prometheus(folder, series)
    findings = _findings(folder)
    assert findings["usage/uses"].code is Code.WRONG_LABEL
    assert findings["precondition/other-traffic"].verdict is Verdict.PASS
    assert findings["usage/visits"].verdict is Verdict.PASS


@pytest.mark.parametrize(("at", "verdict"), [(END, Verdict.INCONCLUSIVE), (END + 5, Verdict.PASS)])
def test_only_a_scrape_later_than_the_last_response_shows_all_of_the_run(
    tmp_path: Path, at: float, verdict: Verdict
) -> None:
    folder = _agreeing(tmp_path)
    write_prometheus(folder, SERIES, ups={("shop", "shop:80"): [(at, 1.0)]})
    assert _findings(folder)["precondition/scraped/shop"].verdict is verdict


def test_two_names_of_the_loopback_are_one_replica_that_prometheus_scrapes(tmp_path: Path) -> None:
    folder = write_run(tmp_path, Load())
    write_agreeing_witnesses(folder)
    for moment, uses, visits in (("before", {}, None), ("after", USES, 4)):
        page = exposition(uses, visits=visits)
        write_expositions(folder, moment, {"shop-0": page, "shop-1": page})
        index = folder.witnesses / "service" / moment / "index.json"
        for number, host in enumerate(("localhost", "127.0.0.1")):
            text = index.read_text().replace(f"shop-{number}.example", f"{host}:9100")
            index.write_text(text)
    findings = _findings(folder)
    assert findings["precondition/scraped/shop"].verdict is Verdict.PASS
    assert findings["usage/uses"].verdict is Verdict.PASS


@pytest.mark.parametrize("name", ["nodejs_active_handles_total", "visits_total"])
def test_a_gauge_is_never_a_split_counter(tmp_path: Path, name: str) -> None:
    """TYPE decides: a gauge may fall, also one that is named as a counter and counted on."""
    folder = _agreeing(tmp_path)
    page = exposition(USES, visits=4).replace("visits_total counter", "visits_total gauge")
    falling = [f"{page}# TYPE {name} gauge\n{name} {value}\n".encode() for value in (9, 3, 7, 2, 8)]
    rest = iter([*falling[1:], None])
    metrics = frozenset({"uses_total", "visits_total"})
    scrapes = scrape_repeatedly(falling[0], lambda: next(rest), metrics)
    write_expositions(folder, "after", {"shop-0": page}, scrapes=scrapes)
    findings = _findings(folder)
    assert findings["precondition/single-process/shop"].verdict is Verdict.PASS
    assert Code.SPLIT_COUNTER not in _codes(folder)["uses"] | _codes(folder)["visits"]


def test_a_service_without_metrics_is_said_to_have_none_and_not_to_have_no_replicas() -> None:
    finding = judge_metrics_readable("pay", "now", [], 0)
    assert (finding.verdict, finding.observed) == (
        Verdict.PASS,
        "the environment declares that it has none",
    )


_PODS = {("apps", "pod-1"): settled(1, 1), ("apps", "pod-2"): settled(1, 1)}


def _of_two_services(place: Path, selector: str, service: str) -> Finding:
    """Return what is found of two services under one job, whose targets have other names."""
    scenario = """
scenario: shop
quantities: {visits: {prometheus: 'SELECTOR'SERVICE}}
flow:
  - {step: open, request: POST shop /open, counts: {visits: 1}}
  - {step: use, request: POST shop /use}
profiles: {load: {users: 1, iterations: 4}}
"""
    named = scenario.replace("SELECTOR", selector).replace("SERVICE", service)
    folder = write_run(place, Load(), scenario=named)
    for moment, visits in (("before", 0), ("after", 4)):
        texts = {"shop-0": exposition({}, visits=visits), "till-0": exposition({}, visits=9)}
        write_expositions(folder, moment, texts)
        path = folder.witnesses / "service" / moment / "index.json"
        index = json.loads(path.read_text())
        for name, entry in index.items():
            entry |= {"service": name.removesuffix("-0"), "job": "apps"}
        path.write_text(json.dumps(index))
    jobs = {"shop": "apps", "till": "apps"}
    record = CollectionRecord(False, BEGIN, END, END + 15, 0.0, 5.0, jobs=jobs)
    write_prometheus(folder, {"visits": []}, ups=_PODS, start_times={}, collection=record)
    findings = _findings(folder)
    return next(each for id_, each in findings.items() if id_.startswith("precondition/scraped/"))


@pytest.mark.parametrize(
    ("selector", "service", "expected", "observed"),
    [
        ('visits_total{instance="pod-1"}', ", service: shop", "1 of 1 replicas", "1 of 1"),
        ("visits_total", ", service: shop", "2 of 2 replicas", "2 of 2"),
        ('visits_total{instance=~"pod-."}', "", "2 of 2 replicas", "2 of 2"),
    ],
)
def test_of_services_under_one_job_those_are_scraped_that_a_selector_means(
    tmp_path: Path, selector: str, service: str, expected: str, observed: str
) -> None:
    finding = _of_two_services(tmp_path, selector, service)
    assert (finding.verdict, finding.expected) == (Verdict.PASS, expected)
    assert finding.observed.startswith(observed)


def _discovered(place: Path, unasked: str = "", other: Sequence[Sample] = ()) -> RunFolder:
    """Write a run of a service whose replicas are discovered: one that stayed, and another one."""
    folder = _agreeing(place)
    ups = {("shop", "shop:80"): settled(1.0, 1.0), **({OTHER: other} if other else {})}
    started = {target: [(at, 500.0) for at, _ in samples] for target, samples in ups.items()}
    write_prometheus(folder, SERIES, ups=ups, start_times=started, collection=DISCOVERED)
    if unasked:
        write_no_pages(folder, unasked=unasked)
    return folder


def test_pages_of_discovered_replicas_that_cannot_be_read_are_stated_and_no_fault(
    tmp_path: Path,
) -> None:
    folder = _discovered(tmp_path, "2 of 2 pages cannot be read: no route")
    findings = _findings(folder)
    assert {each.verdict for each in findings.values()} == {Verdict.PASS}
    readable = findings["precondition/metrics-readable/shop"]
    assert readable.observed == "only Prometheus is asked: 2 of 2 pages cannot be read: no route"
    rows = judge_usage(read_case(folder)).usage
    assert all("service" not in row.figures for row in rows)


def test_of_discovered_replicas_any_number_is_right_and_changes_are_stated(tmp_path: Path) -> None:
    gone = [(BEGIN - 5.0, 1.0), (BEGIN + 5.0, 1.0)]
    finding = _findings(_discovered(tmp_path, "no route", gone))["precondition/scraped/shop"]
    assert finding.verdict is Verdict.PASS
    assert finding.observed == "2 discovered: 1 went away, every 5 s"


def test_a_discovered_replica_that_came_is_counted_as_such(tmp_path: Path) -> None:
    came = [(END - 5.0, 1.0), *settled(1.0, 1.0)[-3:]]
    finding = _findings(_discovered(tmp_path, other=came))["precondition/scraped/shop"]
    assert finding.observed == "2 discovered: 1 came, every 5 s"


def test_records_decide_where_a_discovered_replica_went_away(tmp_path: Path) -> None:
    gone = [(BEGIN - 5.0, 1.0), (BEGIN + 5.0, 1.0)]
    rows = judge_usage(read_case(_discovered(tmp_path, "no route", gone))).usage
    uses = [row for row in rows if row.quantity == "uses"]
    assert {row.verdict for row in uses} == {Verdict.PASS}
    assert {row.code for row in uses} == {Code.COUNTER_RESET}
    visits = [row for row in rows if row.quantity == "visits"]
    assert {row.verdict for row in visits} == {Verdict.INCONCLUSIVE}


def test_a_job_without_any_target_is_inconclusive_though_replicas_are_discovered(
    tmp_path: Path,
) -> None:
    folder = _discovered(tmp_path, "Prometheus has no target of its job")
    write_prometheus(folder, {}, ups={}, start_times={}, collection=DISCOVERED)
    finding = _findings(folder)["precondition/scraped/shop"]
    assert (finding.verdict, finding.observed) == (
        Verdict.INCONCLUSIVE,
        "0 discovered, every 5 s",
    )


def test_a_restart_of_a_discovered_replica_is_one(tmp_path: Path) -> None:
    folder = _discovered(tmp_path, "no route")
    started = {("shop", "shop:80"): settled(500.0, BEGIN + 20)}
    ups = {("shop", "shop:80"): settled(1.0, 1.0)}
    write_prometheus(folder, SERIES, ups=ups, start_times=started, collection=DISCOVERED)
    assert _findings(folder)["precondition/process-survives/shop"].verdict is Verdict.INCONCLUSIVE
