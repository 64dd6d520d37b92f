"""The bounds of a downtime hold the true one; time that was not probed is neither up nor down."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import accumulate, pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.availability import judge_availability, observe
from checks.case import read_case
from checks.result import Finding
from checks.service_levels import AvailabilityRow
from checks.verdict import Verdict
from scenarios.evidence.probes import Probe, probes_path
from scenarios.evidence.run_folder import RunFolder, Watch
from tests.evidence_factory import STARTED_AT, write_run

BEGIN = STARTED_AT.timestamp()
APART_S = 3.5
WATCH = Watch(STARTED_AT + timedelta(minutes=1), 0.5, 60.0, 0.999)


def good(at: float, duration_s: float = 0.01) -> Probe:
    return Probe(BEGIN + at, BEGIN + at + duration_s)


def bad(at: float, duration_s: float = 0.01, why: str = "connection refused") -> Probe:
    return Probe(BEGIN + at, BEGIN + at + duration_s, why)


def every(since: float, until: float, pace_s: float = 0.5) -> list[Probe]:
    return [good(since + n * pace_s) for n in range(int((until - since) / pace_s))]


def judged(
    folder: Path, probes: Sequence[Probe], watch: Watch = WATCH, finished: bool = True
) -> tuple[AvailabilityRow, Finding]:
    run_folder = write_run(folder, finished=finished)
    run_folder.write_run(replace(run_folder.read_run(), watch=watch))
    write_probes(run_folder, probes)
    judgement = judge_availability(read_case(run_folder))
    return judgement.availability[0], judgement.findings[0]


def write_probes(folder: RunFolder, probes: Sequence[Probe]) -> None:
    path = probes_path(folder.evidence, "shop")
    path.parent.mkdir()
    lines = [f'[{each.sent_at}, {each.done_at}, "{each.error}"]\n' for each in probes]
    path.write_text("".join(lines))


def test_a_service_that_always_answered_was_there_all_the_time(tmp_path: Path) -> None:
    row, finding = judged(tmp_path, every(0, 60))
    assert row.ratio == 1.0
    assert (row.verdict, row.incidents, row.unwatched_s) == (Verdict.PASS, (), 0.0)
    assert finding.observed == "100.00 % (100.00 % to 100.00 %), down for 0.000 s"


def test_an_outage_lasts_from_edge_to_edge_and_spends_the_budget(tmp_path: Path) -> None:
    away = [bad(20 + n * 0.2) for n in range(50)]
    row, finding = judged(tmp_path, [*every(0, 20), *away, *every(30.1, 60)])
    assert row.down_s == pytest.approx(10.2, abs=0.3)
    assert row.down_low_s < row.down_s < row.down_high_s
    assert row.verdict is Verdict.FAIL
    (incident,) = row.incidents
    assert incident.began_at == datetime.fromtimestamp(BEGIN + 19.755, UTC)
    assert incident.duration_s == pytest.approx(10.2, abs=0.3)
    assert (incident.error, incident.failed) == ("connection refused", 50)
    assert "overspent by" in finding.detail
    assert "From 17:50:19 to 17:50:29 UTC: connection refused." in finding.detail


def test_an_outage_that_lasts_has_no_end(tmp_path: Path) -> None:
    row, finding = judged(tmp_path, [*every(0, 20), *(bad(20 + n) for n in range(40))])
    assert row.incidents[0].ended_at is None
    assert "and since UTC" in finding.detail


@pytest.mark.parametrize("last", [good(62), bad(62), bad(62, 1.0)], ids=["good", "bad", "late"])
def test_what_is_seen_after_the_end_does_not_count(tmp_path: Path, last: Probe) -> None:
    """The last pass of the flow hangs on for a while, and so do the probes beside it."""
    away = [bad(50 + n * 1.05, 1.0) for n in range(11)]
    row, _ = judged(tmp_path, [*every(0, 50), *away, last])
    assert row.down_s == pytest.approx(10.25, abs=0.3)
    assert row.watched_s == pytest.approx(60.0)
    assert row.verdict is Verdict.FAIL


def test_a_short_outage_within_the_budget_passes(tmp_path: Path) -> None:
    lenient = Watch(WATCH.until, 0.5, 60.0, 0.9)
    row, _ = judged(tmp_path, [*every(0, 20), bad(20), *every(20.3, 60)], lenient)
    assert row.verdict is Verdict.PASS
    assert len(row.incidents) == 1


def test_where_the_bounds_lie_on_both_sides_of_the_budget_nobody_knows(tmp_path: Path) -> None:
    row, finding = judged(tmp_path, [*every(0, 20), bad(20), *every(20.3, 60)])
    assert row.down_low_s < row.budget_s < row.down_high_s
    assert finding.verdict is Verdict.INCONCLUSIVE


def test_time_in_which_nobody_looked_is_not_made_up(tmp_path: Path) -> None:
    row, finding = judged(tmp_path, [*every(0, 20), *every(40, 60)])
    assert row.unwatched_s == pytest.approx(20.5, abs=0.6)
    assert row.ratio == 1.0
    assert row.verdict is Verdict.INCONCLUSIVE
    assert "Not observed for" in finding.detail


def test_a_watch_without_a_probe_is_inconclusive(tmp_path: Path) -> None:
    row, finding = judged(tmp_path, [])
    assert (row.ratio, row.verdict) == (None, Verdict.INCONCLUSIVE)
    assert finding.observed == "it was not probed"


def test_a_watch_that_goes_on_is_judged_up_to_its_last_probe(tmp_path: Path) -> None:
    row, _ = judged(tmp_path, every(0, 30), finished=False)
    assert row.watched_s == pytest.approx(29.5, abs=0.1)
    assert row.verdict is Verdict.PASS


def test_a_run_that_is_no_watch_is_not_judged(tmp_path: Path) -> None:
    assert judge_availability(read_case(write_run(tmp_path))).findings == ()


@st.composite
def _worlds(draw: st.DrawFn) -> tuple[list[Probe], float, float]:
    """Draw a service that comes and goes, each time for longer than two probes may lie apart.

    Nobody may look for a while. Returns the probes, for how long it was away, and the end.
    """
    pace_s = draw(st.sampled_from([0.1, 0.5, 1.0]))
    lengths_s = draw(st.lists(st.integers(4, 9), min_size=1, max_size=6))
    edges = [0.0, *accumulate(map(float, lengths_s))]
    blind = draw(st.one_of(st.none(), st.integers(0, int(edges[-1]))))
    spans = [(since, until, n % 2 == 1) for n, (since, until) in enumerate(pairwise(edges))]
    probes = []
    for since, until, is_away in spans:
        at = since + draw(st.integers(1, 9)) / 10 * pace_s
        while at + 0.02 < until:
            if blind is None or not blind <= at <= blind + 12:
                probes.append(bad(at) if is_away else good(at))
            at += pace_s
    return probes, sum(until - since for since, until, is_away in spans if is_away), edges[-1]


@given(_worlds(), st.sampled_from([good, bad]))
def test_the_truth_lies_within_the_bounds(
    world: tuple[list[Probe], float, float], later: Callable[[float], Probe]
) -> None:
    probes, truth_s, end = world
    probes += [later(end + n) for n in range(3)]
    seen = observe(probes, BEGIN, BEGIN + end, APART_S)
    assert seen.whole_s == pytest.approx(end)
    assert seen.down_s <= truth_s + 1e-6
    assert truth_s <= seen.down_s + seen.edge_s + seen.unseen_s + 1e-6


@given(_worlds())
def test_an_edge_is_no_longer_than_the_time_between_two_probes(
    world: tuple[list[Probe], float, float],
) -> None:
    probes, _, end = world
    seen = observe(probes, BEGIN, BEGIN + end, APART_S)
    assert seen.edge_s <= 2 * APART_S * max(1, len(seen.outages))
    for each in seen.outages:
        assert each.began[0] <= each.began[1]
        assert each.ended is None or each.began[1] <= each.ended[0] <= each.ended[1]


@pytest.mark.parametrize(("gap_s", "unseen_s"), [(3.5, 0.0), (3.75, 3.75)])
def test_a_gap_is_unseen_only_if_it_is_longer_than_two_probes_may_lie_apart(
    gap_s: float, unseen_s: float
) -> None:
    probes = [Probe(0.0, 0.0), Probe(gap_s, gap_s)]
    seen = observe(probes, 0.0, gap_s + 1.0, APART_S)
    assert (seen.up_s, seen.unseen_s) == (gap_s + 1.0 - unseen_s, unseen_s)


@pytest.mark.parametrize(("gap_s", "outages"), [(3.5, 1), (3.75, 2)])
def test_failures_that_are_no_further_apart_than_two_probes_are_one_outage(
    gap_s: float, outages: int
) -> None:
    probes = [Probe(0.0, 0.25, "reset"), Probe(0.25 + gap_s, 5.0, "reset")]
    assert len(observe(probes, 0.0, 6.0, APART_S).outages) == outages


@pytest.mark.parametrize(("gap_s", "unwatched_s"), [(7.75, 0.0), (8.25, 8.25)])
def test_probes_may_be_three_pauses_and_both_timeouts_apart(
    tmp_path: Path, gap_s: float, unwatched_s: float
) -> None:
    seen = [good(n * 2, 0.0) for n in range(11)]
    later = [good(20 + gap_s + n * 2, 0.0) for n in range(16)]
    row, _ = judged(tmp_path, [*seen, *later], Watch(WATCH.until, 2.0, 60.0, 0.5))
    assert row.unwatched_s == unwatched_s


@pytest.mark.parametrize(
    ("down_s", "verdict", "spent"),
    [
        (14.75, Verdict.PASS, "0.250 s are left"),
        (15.0, Verdict.PASS, "0.000 s are left"),
        (15.25, Verdict.FAIL, "overspent by 0.250 s"),
    ],
)
def test_a_budget_may_be_spent_to_its_end_and_no_further(
    tmp_path: Path, down_s: float, verdict: Verdict, spent: str
) -> None:
    probes = [bad(0, down_s), good(down_s, 0.0), *(good(16 + n, 0.0) for n in range(44))]
    row, finding = judged(tmp_path, probes, Watch(WATCH.until, 10.0, 60.0, 0.75))
    assert (row.budget_s, row.down_low_s, row.down_high_s) == (15.0, down_s, down_s)
    assert row.verdict is verdict
    assert f": {spent}." in finding.detail


def test_a_probe_of_the_first_moment_counts_and_one_of_the_last_does_not() -> None:
    probes = [Probe(0.0, 0.5, "reset"), Probe(0.5, 0.5), Probe(2.0, 2.5, "refused")]
    seen = observe(probes, 0.0, 2.0, APART_S)
    assert (seen.down_s, seen.edge_s, seen.up_s) == (0.5, 0.0, 1.5)
    assert [each.error for each in seen.outages] == ["reset"]


def test_half_of_an_edge_counts_as_up_and_all_of_it_widens_the_bounds(tmp_path: Path) -> None:
    outage = [good(0, 0.0), bad(1, 1.0), good(4, 0.0)]
    later = [good(4 + n, 0.0) for n in range(1, 56)]
    row, _ = judged(tmp_path, [*outage, *later], Watch(WATCH.until, 10.0, 60.0, 0.5))
    assert (row.down_low_s, row.down_s, row.down_high_s) == (1.0, 2.5, 4.0)
    assert (row.low_ratio, row.ratio, row.high_ratio) == (1 - 4 / 60, 57.5 / 60, 1 - 1 / 60)
