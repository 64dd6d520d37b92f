"""The findings of a load that several workers shared, also when one of them was lost."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from checks.balance.sentences import row_sentences
from checks.balance.usage import judge_usage
from checks.case import Case, read_case
from checks.result import Kind, UsageRow
from checks.suite import judge
from checks.validity import bottleneck, generator_figures, judge_validity
from checks.verdict import Verdict
from scenarios.evidence.exchange import Outcome
from scenarios.evidence.recording import ROWS, Recorder, RecordingEnd
from scenarios.evidence.run_folder import RunFolder
from tests.evidence_factory import SCENARIO, Load, write_agreeing_witnesses, write_run

_ENDED = RecordingEnd(2, 0, 0.1, 1.0, 0.01, 90_000_000)
_OPEN = SCENARIO.replace(
    "load: {users: 1, iterations: 4}", "load: {rate: 4/s, duration: 1s, max_users: 3}"
)
_WARMED = SCENARIO.replace(
    "load: {users: 1, iterations: 4}", "load: {users: 2, duration: 4s, warm_up: 2s}"
)


@dataclass(frozen=True)
class Part:
    """What one worker recorded: iterations due one each second, and how it ended."""

    iterations: int = 2
    scheduled: int | None = 2
    end: RecordingEnd | None = field(default_factory=lambda: _ENDED)
    late_s: float = 0.0
    duration_s: float = 0.1


def shared(place: Path, *parts: Part, scenario: str = SCENARIO) -> RunFolder:
    """Write a run of one phase that workers shared, with witnesses of four good iterations."""
    folder = write_run(place, Load((), end=None), scenario=scenario)
    for suffix in (".jsonl", ROWS):
        (folder.exchanges / f"load{suffix}").unlink()
    for number, part in enumerate(parts, start=1):
        _record(folder, f"load-w{number}", part)
    write_agreeing_witnesses(folder)
    return folder


def _record(folder: RunFolder, name: str, part: Part) -> None:
    path = folder.exchanges / f"{name}.jsonl"
    recorder = Recorder(path, name, "load", 1, part.scheduled, ("open", "use"), shipped=True)
    for iteration in range(1, part.iterations + 1):
        due_s = float(iteration)
        for step in range(2):
            sent_s = due_s + (part.late_s if step == 0 else 0.0)
            number = recorder.intend(iteration, step, due_s)
            due_s = sent_s + part.duration_s
            recorder.conclude(number, sent_s, due_s, Outcome.OK, 200, marks=step)
    if part.end:
        recorder.end(part.end)
    else:
        recorder.close()


def usage_rows(case: Case) -> tuple[UsageRow, ...]:
    return judge_usage(case).usage


def kept_up(case: Case) -> tuple[Verdict, str]:
    finding = {each.id: each for each in judge_validity(case).findings}[
        "validity/generator-not-saturated"
    ]
    return finding.verdict, finding.observed if finding.verdict is not Verdict.PASS else ""


def test_a_load_that_two_shared_balances_over_both(tmp_path: Path) -> None:
    case = read_case(shared(tmp_path, Part(), Part()))
    findings = {each.id: each for each in judge_validity(case).findings}
    assert findings["validity/iterations-add-up/load"].verdict is Verdict.PASS
    assert findings["validity/iterations-add-up/load"].observed == "4 scheduled, 4 begun, 0 dropped"
    assert not case.is_partial
    assert {row.verdict for row in usage_rows(case)} == {Verdict.PASS}


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (
            Part(iterations=1, end=None),
            "the generator load-w2 did not end by itself; what it sent after exchange 2, 1.100 s "
            "after its start, is missing; so are the responses of 0 before it; "
            "1 of its 2 iterations are unaccounted for",
        ),
        (Part(iterations=0, end=None), "all that it sent is missing"),
        (Part(iterations=1), "1 iterations are not in the recording"),
    ],
    ids=["after some", "before any", "in between"],
)
def test_a_worker_that_was_lost_is_named_with_what_is_missing(
    tmp_path: Path, part: Part, words: str
) -> None:
    case = read_case(shared(tmp_path, Part(), part))
    finding = {each.id: each for each in judge_validity(case).findings}[
        "validity/iterations-add-up/load"
    ]
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert words in finding.observed


def test_a_worker_that_left_no_recording_leaves_iterations_unaccounted_for(tmp_path: Path) -> None:
    case = read_case(shared(tmp_path, Part()))
    finding = {each.id: each for each in judge_validity(case).findings}[
        "validity/iterations-add-up/load"
    ]
    assert "2 iterations were given to no worker that left a recording" in finding.observed
    assert case.is_partial


def test_counts_that_rest_on_a_lost_worker_are_open_and_not_wrong(tmp_path: Path) -> None:
    """Witnesses saw four iterations; of one that the lost worker did, nothing arrived."""
    case = read_case(shared(tmp_path, Part(), Part(iterations=1, end=None)))
    rows = usage_rows(case)
    assert {row.verdict for row in rows} == {Verdict.INCONCLUSIVE}
    assert all("Exchanges of a worker are missing" in row_sentences(row)[0] for row in rows)
    assert judge(case.folder).verdict is Verdict.INCONCLUSIVE


def test_a_figure_below_what_is_proven_falls_short_whoever_was_lost(tmp_path: Path) -> None:
    folder = shared(tmp_path, Part(), Part(iterations=1, end=None))
    write_agreeing_witnesses(folder, iterations=2)  # three are proven
    verdicts = {row.verdict for row in usage_rows(read_case(folder))}
    assert verdicts == {Verdict.FAIL}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"cpu_s": 0.9}, ""),
        ({"cpu_s": 0.91}, "load-w2: 91% of a core used, at most 90%"),
        ({"loop_delay_max_s": 0.5}, ""),
        ({"loop_delay_max_s": 0.501}, "load-w2: its event loop stood for 0.501 s"),
        ({"memory_bytes": 1_000_000_000}, ""),
        ({"memory_bytes": 1_001_000_000}, "load-w2: 1,001 MB used, at most 1,000 MB"),
    ],
)
def test_each_worker_is_held_against_each_limit_by_name(
    tmp_path: Path, changes: dict[str, float], words: str
) -> None:
    case = read_case(shared(tmp_path, Part(), Part(end=replace(_ENDED, **changes))))  # type: ignore[arg-type]
    assert bottleneck(case.driven[0]) == words
    assert kept_up(case) == ((Verdict.INCONCLUSIVE, words) if words else (Verdict.PASS, ""))


@pytest.mark.parametrize(("late_s", "words"), [(0.049, ""), (0.051, "it sent 0.051 s late (p99)")])
def test_requests_of_an_open_model_that_were_sent_late_are_told(
    tmp_path: Path, late_s: float, words: str
) -> None:
    case = read_case(shared(tmp_path, Part(), Part(late_s=late_s), scenario=_OPEN))
    assert words in bottleneck(case.driven[0])
    assert bool(words) == bool(bottleneck(case.driven[0]))


def test_users_of_a_closed_model_cannot_be_late(tmp_path: Path) -> None:
    assert not bottleneck(read_case(shared(tmp_path, Part(), Part(late_s=5.0))).driven[0])


def test_arrivals_that_found_no_user_leave_latency_open(tmp_path: Path) -> None:
    parts = Part(), Part(iterations=1, end=replace(_ENDED, started=1, dropped=1))
    case = read_case(shared(tmp_path, *parts, scenario=_OPEN))
    assert bottleneck(case.driven[0]) == "1 of 4 arrivals found none of 3 users free"
    result = judge(case.folder)
    latency = [each for each in result.findings if each.kind is Kind.LATENCY]
    assert latency
    assert {each.verdict for each in latency} == {Verdict.INCONCLUSIVE}
    others = {each.verdict for each in result.findings if each.kind is Kind.USAGE}
    assert Verdict.INCONCLUSIVE not in others


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [({}, Verdict.FAIL), ({"loop_delay_max_s": 6.0}, Verdict.INCONCLUSIVE)],
    ids=["the services were slow", "the generator stood"],
)
def test_arrivals_are_dropped_by_who_was_slow(
    tmp_path: Path, changes: dict[str, float], verdict: Verdict
) -> None:
    end = replace(_ENDED, started=1, dropped=3, **changes)  # type: ignore[arg-type]
    scenario = _OPEN.replace("success_rate: 75%", "success_rate: 100%")
    case = read_case(shared(tmp_path, Part(), Part(iterations=1, end=end), scenario=scenario))
    findings = {each.id: each for each in judge(case.folder).findings}
    assert findings["success/load"].verdict is verdict


def test_a_load_that_stopped_itself_says_why_and_is_inconclusive(tmp_path: Path) -> None:
    stopped = replace(_ENDED, started=1, dropped=1, stopped="it stopped itself: 0 of 9 went well")
    case = read_case(shared(tmp_path, Part(), Part(iterations=1, end=stopped)))
    finding = {each.id: each for each in judge_validity(case).findings}[
        "validity/iterations-add-up/load"
    ]
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "it stopped itself: 0 of 9 went well" in finding.observed


def test_percentiles_are_of_all_workers_together(tmp_path: Path) -> None:
    case = read_case(shared(tmp_path, Part(duration_s=0.1), Part(duration_s=0.3)))
    rows = {row.step: row for row in judge(case.folder).latency}
    measured = np.array([0.1, 0.1, 0.3, 0.3])
    assert rows["open"].count == len(measured)
    assert rows["open"].p50 == pytest.approx(np.percentile(measured, 50, method="inverted_cdf"))
    assert rows["open"].p95 == pytest.approx(0.3)


def test_what_is_due_in_the_warm_up_is_counted_and_not_measured(tmp_path: Path) -> None:
    end = replace(_ENDED, window_from_s=1.5)
    folder = shared(tmp_path, scenario=_WARMED)
    for name in ("load-w1", "load-w2"):
        path = folder.exchanges / f"{name}.jsonl"
        recorder = Recorder(path, name, "load", 1, None, ("open", "use"), 1.5, True)
        for iteration in (1, 2):
            for step in range(2):
                number = recorder.intend(iteration, step, iteration + step / 10)
                begun_s = iteration + step / 10
                recorder.conclude(number, begun_s, begun_s + 0.1, Outcome.OK, 200)
        recorder.end(end)
    case = read_case(folder)
    rows = {row.step: row for row in judge(case.folder).latency}
    assert rows["open"].count == 2
    assert {row.client.confirmed for row in usage_rows(case)} == {4, 8}


def test_the_figures_of_all_are_the_worst_of_each(tmp_path: Path) -> None:
    worse = replace(_ENDED, cpu_s=0.4, memory_bytes=95_000_000)
    figures = generator_figures(read_case(shared(tmp_path, Part(), Part(end=worse))))
    assert (figures.cpu_ratio, figures.memory_bytes) == (0.4, 95_000_000)
    assert [(each.name, each.cpu_ratio, each.started) for each in figures.workers] == [
        ("load-w1", 0.1, 2),
        ("load-w2", 0.4, 2),
    ]
