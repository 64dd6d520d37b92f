"""What a histogram of a service proves of a limit, and what it leaves open."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from checks.case import read_case
from checks.server_latency.judge import judge_server_latency
from checks.service_levels import Gap, ServerLatencyRow
from checks.verdict import Verdict
from tests.checks.server_latency.histogram_runs import (
    HISTOGRAM,
    OBJECTIVE,
    REFUSED,
    SERVED,
    SLOW,
    TENANT,
    TIMED_OUT,
    WITHOUT_STEP,
    case_of,
    finding_of,
    judged,
    verdict_of,
    with_native,
)
from tests.evidence_factory import (
    BEGIN,
    END,
    READ_AT,
    SHOP,
    settled,
    write_prometheus,
    write_run,
)
from tests.witnesses.service.test_durations import page
from witnesses.prometheus.collection import CollectionRecord
from witnesses.prometheus.samples import Sample

SERVED_40 = [SERVED] * 40
ONE_EDGE = ("2.5", "+Inf")


def own(*counts: float, edges: tuple[str, ...] = ("0.5", "2.5", "+Inf"), start: float = 500) -> str:
    return page((TENANT, counts), edges=edges, start_time=start)


@pytest.mark.parametrize(
    ("counts", "verdict"),
    [((30, 40, 40), Verdict.PASS), ((30, 38, 40), Verdict.PASS), ((30, 37, 40), Verdict.FAIL),
     ((0, 0, 40), Verdict.FAIL)],
)  # fmt: skip
def test_the_exact_share_decides(
    tmp_path: Path, counts: tuple[float, ...], verdict: Verdict
) -> None:
    assert verdict_of(tmp_path, SERVED_40, own(*counts)) is verdict


def test_a_finding_has_the_share_of_each_witness_and_of_the_client(tmp_path: Path) -> None:
    prometheus = {"0.5": (5, 35), "2.5": (5, 43), "+Inf": (5, 45)}
    finding = finding_of(
        tmp_path, [*[SERVED] * 37, *[SLOW] * 3], own(35, 43, 45), before=own(5, 5, 5),
        prometheus=prometheus,
    )  # fmt: skip
    assert finding.id == "server_latency/use/p95"
    assert finding.verdict is Verdict.PASS
    assert finding.expected == "at least 95 % within 2.5 s"
    assert finding.observed == (
        "service 95.0 % of 40, prometheus 95.0 % of 40; client 92.5 % of 40"
    )


@pytest.mark.parametrize(
    ("counts", "edges", "verdict"),
    [
        ((39, 40), ("1", "+Inf"), Verdict.PASS),
        ((36, 40), ("1", "+Inf"), Verdict.INCONCLUSIVE),
        ((20, 39, 40, 40), ("1", "2", "5", "+Inf"), Verdict.PASS),
        ((20, 36, 37, 40), ("1", "2", "5", "+Inf"), Verdict.FAIL),
        ((20, 36, 39, 40), ("1", "2", "5", "+Inf"), Verdict.INCONCLUSIVE),
        ((36, 40), ("5", "+Inf"), Verdict.FAIL),
    ],
)
def test_without_an_edge_at_the_limit_the_share_is_bounded(
    tmp_path: Path, counts: tuple[float, ...], edges: tuple[str, ...], verdict: Verdict
) -> None:
    finding = finding_of(tmp_path, SERVED_40, own(*counts, edges=edges))
    assert finding.verdict is verdict
    assert "no edge at 2.5 s" in finding.detail


def test_the_finding_names_the_edges_and_what_they_bound(tmp_path: Path) -> None:
    finding = finding_of(tmp_path, SERVED_40, own(20, 36, 39, 40, edges=("1", "2", "5", "+Inf")))
    assert "between 90.0 % and 97.5 % of 40" in finding.observed
    assert "between 2 s and 5 s" in finding.detail
    assert "Its edges are 1, 2 and 5; add 2.5." in finding.detail


@pytest.mark.parametrize("edge", ["2.5", "2.50", "25e-1"])
def test_an_edge_is_a_number_however_it_is_written(tmp_path: Path, edge: str) -> None:
    assert verdict_of(tmp_path, SERVED_40, own(38, 40, edges=(edge, "+Inf"))) is Verdict.PASS


def test_an_edge_is_the_limit_though_their_last_bits_differ(tmp_path: Path) -> None:
    objective = OBJECTIVE.replace("2.5s", "700ms")
    counts = own(20, 38, 40, edges=("0.5", "0.7", "+Inf"))
    finding = finding_of(tmp_path, SERVED_40, counts, objective=objective)
    assert (finding.verdict, "no edge" in finding.detail) == (Verdict.PASS, False)


def test_the_unit_of_a_histogram_is_declared_or_the_end_of_its_name(tmp_path: Path) -> None:
    objective = "{step: use, histogram: took, unit: ms, p95: 2.5s}"
    after = page(("", (38, 40)), metric="took", edges=("2500", "+Inf"))
    assert verdict_of(tmp_path / "a", SERVED_40, after, objective=objective) is Verdict.PASS
    objective = "{step: use, histogram: took_ms, p95: 2.5s}"
    after = page(("", (37, 40)), metric="took_ms", edges=("2500", "+Inf"))
    assert verdict_of(tmp_path / "b", SERVED_40, after, objective=objective) is Verdict.FAIL


def test_a_service_that_timed_fewer_than_were_served_proves_nothing(tmp_path: Path) -> None:
    judgement = judged(tmp_path, SERVED_40, own(30, 39, 39))
    (row,) = judgement.server_latency
    assert (row.verdict, row.shares["service"].gap) == (Verdict.INCONCLUSIVE, Gap.NOT_ALL_TIMED)


def test_what_was_refused_may_be_fast_or_slow(tmp_path: Path) -> None:
    made = [*[SERVED] * 35, *[REFUSED] * 65]
    # 2 of 100 are over: 5.7 % of the 35 that were served, if both were
    finding = finding_of(tmp_path / "a", made, own(90, 98, 100))
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "of which 35 are judged" in finding.detail
    assert verdict_of(tmp_path / "b", made, own(90, 99, 100)) is Verdict.PASS
    # 70 over are more than all that were refused
    assert verdict_of(tmp_path / "c", made, own(10, 30, 100)) is Verdict.FAIL
    # a histogram of what was served leaves nothing open
    assert verdict_of(tmp_path / "d", made, own(30, 33, 35)) is Verdict.FAIL


def test_a_warm_up_is_not_judged(tmp_path: Path) -> None:
    warm = [SERVED] * 10
    assert verdict_of(tmp_path / "a", SERVED_40, own(30, 48, 50), warm=warm) is Verdict.PASS
    assert verdict_of(tmp_path / "b", SERVED_40, own(30, 45, 50), warm=warm) is (
        Verdict.INCONCLUSIVE
    )
    assert verdict_of(tmp_path / "c", SERVED_40, own(30, 37, 50), warm=warm) is Verdict.FAIL


def test_what_timed_out_is_judged_where_its_service_timed_it(tmp_path: Path) -> None:
    made = [*[SERVED] * 37, *[TIMED_OUT] * 3]
    assert verdict_of(tmp_path / "all", made, own(30, 37, 40)) is Verdict.FAIL
    assert verdict_of(tmp_path / "none", made, own(30, 37, 37)) is Verdict.PASS


def test_a_restart_bounds_the_share_from_below(tmp_path: Path) -> None:
    before, made = own(200, 200, 200), [SERVED] * 100
    # after the restart, 5 at most were timed that nothing shows
    passing = own(90, 95, 95, start=900)
    assert verdict_of(tmp_path / "a", made, passing, before=before) is Verdict.PASS
    failing = own(90, 90, 95, start=900)
    assert verdict_of(tmp_path / "b", made, failing, before=before) is Verdict.INCONCLUSIVE


def test_replicas_of_different_edges_are_added_up_at_those_that_all_have(tmp_path: Path) -> None:
    pages = {"shop-0": own(19, 20, 20), "shop-1": own(19, 20, edges=ONE_EDGE)}
    before = {"shop-0": page(), "shop-1": page()}
    assert verdict_of(tmp_path / "a", SERVED_40, pages, before=before) is Verdict.PASS
    pages = {"shop-0": own(19, 20, 20), "shop-1": own(15, 20, edges=("1", "+Inf"))}
    finding = finding_of(tmp_path / "b", SERVED_40, pages, before=before)
    assert (finding.verdict, "no edge" in finding.detail) == (Verdict.INCONCLUSIVE, True)


def test_a_replica_that_cannot_be_read_leaves_the_share_open(tmp_path: Path) -> None:
    finding = finding_of(
        tmp_path, SERVED_40, {"shop-0": own(20, 20, 20)},
        before={"shop-0": page(), "shop-1": page()},
    )  # fmt: skip
    assert finding.verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    ("after", "gap"),
    [
        (page(), Gap.NO_SERIES),
        (page(metric="took_seconds", kind="summary"), Gap.SUMMARY),
        (own(20, 40, edges=("0.5", "2.5")), Gap.NO_TOTAL),
        (own(30, 20, 40), Gap.NOT_CUMULATIVE),
        (own(0, 0, 0), Gap.NOTHING_TIMED),
    ],
    ids=["no series", "summary", "no total", "not cumulative", "nothing"],
)
def test_a_histogram_that_shows_no_share_has_the_reason(
    tmp_path: Path, after: str, gap: Gap
) -> None:
    (row,) = judged(tmp_path, SERVED_40, after).server_latency
    assert (row.verdict, row.shares["service"].gap) == (Verdict.INCONCLUSIVE, gap)


def test_without_a_step_all_that_was_timed_is_judged(tmp_path: Path) -> None:
    (row,) = judged(tmp_path, SERVED_40, own(90, 95, 100), objective=WITHOUT_STEP).server_latency
    assert (row.verdict, row.client_ratio, row.shares["service"].count) == (
        Verdict.PASS, None, 100,
    )  # fmt: skip


def test_each_value_of_a_label_is_judged_by_itself(tmp_path: Path) -> None:
    after = page((TENANT + 'tier="a",', (30, 60, 60)), (TENANT + 'tier="b",', (10, 30, 40)))
    objective = f"{{{HISTOGRAM}, by: [tier], p95: 2.5s}}"
    findings = judged(tmp_path, SERVED_40, after, objective=objective).findings
    assert [(each.id, each.verdict) for each in findings] == [
        ("server_latency/took_seconds-a/p95", Verdict.PASS),
        ("server_latency/took_seconds-b/p95", Verdict.FAIL),
    ]


def test_two_witnesses_that_contradict_prove_nothing(tmp_path: Path) -> None:
    prometheus = {"0.5": (0, 30), "2.5": (0, 30), "+Inf": (0, 40)}
    finding = finding_of(tmp_path, SERVED_40, own(30, 40, 40), prometheus=prometheus)
    assert finding.verdict is Verdict.INCONCLUSIVE


def test_others_on_the_histogram_may_be_on_either_side(tmp_path: Path) -> None:
    objective = "{step: use, histogram: took_seconds, p95: 2.5s}"
    after = page(("", (50, 60, 63)))
    shared = {"objective": objective, "exclusive": False}
    assert verdict_of(tmp_path / "a", SERVED_40, after, **shared) is Verdict.INCONCLUSIVE
    after = page(("", (50, 61, 63)))
    assert verdict_of(tmp_path / "b", SERVED_40, after, **shared) is Verdict.PASS


def test_a_histogram_that_also_times_other_steps_leaves_the_share_of_one_open(
    tmp_path: Path,
) -> None:
    """40 of the 80 are of another step, and may be the slow ones, or the fast ones."""
    finding = finding_of(tmp_path / "a", SERVED_40, own(70, 74, 80))
    assert (finding.verdict, "of which 40 are judged" in finding.detail) == (
        Verdict.INCONCLUSIVE, True,
    )  # fmt: skip
    assert verdict_of(tmp_path / "b", SERVED_40, own(70, 78, 80)) is Verdict.PASS
    assert verdict_of(tmp_path / "c", SERVED_40, own(30, 37, 80)) is Verdict.FAIL


@pytest.mark.parametrize(
    ("requests", "counts", "strict", "verdict"),
    [
        (1, (0, 0, 1), "", Verdict.PASS),
        (1, (0, 0, 1), ", strict: true", Verdict.FAIL),
        (10, (0, 9, 10), "", Verdict.PASS),
        (10, (0, 8, 10), "", Verdict.FAIL),
    ],
)
def test_one_value_over_a_percentile_proves_nothing(
    tmp_path: Path, requests: int, counts: tuple[float, ...], strict: str, verdict: Verdict
) -> None:
    objective = OBJECTIVE.replace("2.5s}", f"2.5s{strict}}}")
    made = [SERVED] * requests
    assert verdict_of(tmp_path, made, own(*counts), objective=objective) is verdict


def test_one_value_over_the_max_fails(tmp_path: Path) -> None:
    objective = OBJECTIVE.replace("p95", "max")
    finding = finding_of(tmp_path, SERVED_40, own(30, 39, 40), objective=objective)
    assert (finding.verdict, finding.expected) == (Verdict.FAIL, "all within 2.5 s")


@pytest.mark.parametrize(
    ("grown", "ratios", "verdict"),
    [
        ([("1", "2", 38), ("4", "8", 2)], (0.95, 0.95), Verdict.PASS),
        ([("1", "2", 36), ("2", "4", 2), ("4", "8", 2)], (0.9, 0.95), Verdict.INCONCLUSIVE),
        ([("1", "2", 35), ("2", "4", 2), ("4", "8", 3)], (0.875, 0.925), Verdict.FAIL),
        ([("1", "2", 36), ("2", "4", 3), ("4", "8", 1)], (0.9, 0.975), Verdict.INCONCLUSIVE),
        ([("1", "2", 39), ("2", "4", 1)], (0.975, 1.0), Verdict.PASS),
    ],
)
def test_a_native_histogram_bounds_the_share_by_the_bucket_around_the_limit(
    tmp_path: Path, grown: list[tuple[str, str, int]], ratios: tuple[float, float],
    verdict: Verdict,
) -> None:  # fmt: skip
    (row,) = judge_server_latency(with_native(tmp_path, SERVED_40, *grown)).server_latency
    assert (row.shares["prometheus"].ratios, row.verdict) == (ratios, verdict)


def test_a_run_without_objectives_has_no_finding(tmp_path: Path) -> None:
    assert judge_server_latency(read_case(write_run(tmp_path))).findings == ()


def with_prometheus(
    place: Path, samples: Mapping[str, list[Sample]], started: list[Sample],
    objective: str = OBJECTIVE,
) -> ServerLatencyRow:  # fmt: skip
    """Judge a run whose service shows no metrics, by raw samples and process start times."""
    case = case_of(place, SERVED_40, page(), prometheus={}, objective=objective)
    labels = {"__name__": "took_seconds_bucket", "tenant": "acme"}
    series = [({**labels, "le": edge}, each) for edge, each in samples.items()]
    record = CollectionRecord(False, BEGIN, END, READ_AT, 0.001, 5.0, jobs={"shop": "shop"})
    write_prometheus(
        case.folder, {"server_latency.0": series}, collection=record, start_times={SHOP: started}
    )
    (row,) = judge_server_latency(read_case(case.folder)).server_latency
    return row


RESTARTED_AT = BEGIN + 30


def restarted(before: float, after: float) -> list[Sample]:
    """Make samples of a counter that stood at 100, and begins anew between two scrapes."""
    return [*settled(100, 100)[:2], (BEGIN + 25, 100 + before), *settled(0, after)[2:]]


@pytest.mark.parametrize(
    ("within", "ratios", "verdict"),
    [((18, 20), (0.95, 1.0), Verdict.PASS), ((10, 20), (0.75, 1.0), Verdict.INCONCLUSIVE)],
)
def test_a_restart_between_two_scrapes_of_prometheus_bounds_the_share(
    tmp_path: Path, within: tuple[float, float], ratios: tuple[float, float], verdict: Verdict
) -> None:
    samples = {"2.5": restarted(*within), "+Inf": restarted(18, 20)}
    started = [*settled(500, 500)[:3], *settled(0, RESTARTED_AT)[2:]]
    row = with_prometheus(tmp_path, samples, started)
    share = row.shares["prometheus"]
    assert (share.timed.low, share.ratios, row.verdict) == (38, ratios, verdict)


def test_a_histogram_that_moved_before_the_run_proves_nothing(tmp_path: Path) -> None:
    moving = [(BEGIN - 20, 10.0), (BEGIN - 10, 14.0), *settled(0, 60)[2:]]
    row = with_prometheus(tmp_path, {"2.5": moving, "+Inf": moving}, settled(500, 500))
    assert row.verdict is Verdict.INCONCLUSIVE


def test_an_edge_of_prometheus_is_a_number_however_each_scrape_writes_it(tmp_path: Path) -> None:
    """Prometheus 3 writes 1.0 where Prometheus 2 stored the 1 of the page."""
    objective = OBJECTIVE.replace("2.5s", "1s")
    samples = {"1.0": settled(3, 41), "+Inf": settled(3, 43)}
    row = with_prometheus(tmp_path, samples, settled(500, 500), objective=objective)
    assert (row.shares["prometheus"].ratios, row.verdict) == ((0.95, 0.95), Verdict.PASS)
