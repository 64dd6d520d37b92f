import json
import logging
import shutil
import tempfile
from dataclasses import replace
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.history.entry import Entry, StepEntry, UsageEntry
from checks.history.machine import machine_here
from checks.history.store import (
    MAX_RUNS,
    comparable,
    history_of,
    history_path,
    keep_history,
    profile_of,
    read_history,
    record_of,
    remember,
    write_entry,
)
from checks.result import Kind
from checks.suite import judge
from checks.verdict import Verdict
from scenarios.evidence.run_folder import RunFolder
from tests.checks.history.entries import entry, nights
from tests.evidence_factory import STARTED_AT, Load, write_run
from tests.reports.results import failing_result, finding, good_result

_TIMES = st.floats(0, allow_nan=False, allow_infinity=False)
_INSTANTS = st.datetimes(timezones=st.just(UTC))
_COUNTS = st.integers(0, 2**53)
_STEPS = st.builds(
    StepEntry, _COUNTS, _TIMES, _TIMES, st.none() | _TIMES, st.none() | _TIMES, _TIMES
)
_ENTRIES = st.builds(
    Entry,
    run_id=st.text(),
    started_at=_INSTANTS,
    finished_at=_INSTANTS,
    environment=st.text(),
    scenario=st.text(),
    scenario_sha256=st.text(),
    profile=st.text(),
    verdict=st.sampled_from(Verdict),
    fault=st.none() | st.text(),
    partial=st.booleans(),
    machine=st.text(),
    checks=st.dictionaries(st.text(), st.sampled_from(Verdict), max_size=3),
    latency=st.dictionaries(st.text(), _STEPS, max_size=3),
    completed=_COUNTS,
    scheduled=_COUNTS,
    usage=st.builds(UsageEntry, _COUNTS, _COUNTS, _COUNTS),
    availability=st.none() | st.floats(0, 1),
    schema_version=st.just(2),
)


def _in_folder(place: Path, *before: Entry) -> RunFolder:
    """Write a run that was driven, beside a history."""
    folder = write_run(place, Load())
    for each in before:
        write_entry(history_path(folder), each)
    return folder


_RUN_IDS = st.text("0123456789abcdef-", min_size=1, max_size=30)


@given(st.dictionaries(_RUN_IDS, _ENTRIES, max_size=4))
def test_the_entries_that_are_written_are_read_in_the_order_of_their_ids(
    entries: dict[str, Entry],
) -> None:
    written = [replace(each, run_id=run_id) for run_id, each in entries.items()]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "history"
        path.mkdir()
        for each in written:
            write_entry(path, each)
        assert read_history(path) == tuple(sorted(written, key=lambda each: f"{each.run_id}.json"))


def test_a_run_judged_again_replaces_its_entry_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "history"
    first, second = nights(0.2, 0.3)
    write_entry(path, first)
    write_entry(path, second)
    changed = replace(first, verdict=Verdict.FAIL)
    write_entry(path, changed)
    write_entry(path, changed)
    assert read_history(path) == (changed, second)


def test_an_entry_that_is_not_finished_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "history"
    write_entry(path, entry(1))
    (path / ".half.json.4711").write_bytes(b'{"run_id": "half"')
    assert read_history(path) == (entry(1),)


def _spoilt(**changes: Any) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "history"
        write_entry(path, entry())
        good = json.loads(next(path.iterdir()).read_bytes())
    return json.dumps({**good, **changes}).encode()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"null",
        b"[1]",
        b'{"run_id": "elsewhere"}',
        b"\xff\xfe\x00",
        b"[" * 100_000,
        _spoilt(schema_version=1),
        _spoilt(verdict="green"),
        _spoilt(started_at="2026-11-22T17:50:00"),
        _spoilt(completed=-1),
        _spoilt(availability=1.5),
        _spoilt(latency={"use": {"count": 1, "p50": 1, "p95": float("nan"), "p99": 1}}),
    ],
    ids=lambda content: content[:20].decode(errors="replace"),
)
def test_a_file_that_is_not_an_entry_is_skipped_and_kept(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "history"
    path.mkdir()
    (path / "other.json").write_bytes(content)
    write_entry(path, entry(7))
    assert read_history(path) == (entry(7),)
    assert (path / "other.json").read_bytes() == content


def test_a_run_is_compared_with_those_before_it_that_did_the_same(tmp_path: Path) -> None:
    run = write_run(tmp_path, Load()).read_run()
    assert profile_of(run) == "load"
    assert comparable([entry(5), entry(2)], run) == (entry(2), entry(5))


@pytest.mark.parametrize(
    "changes",
    [
        {"environment": "staging"},
        {"scenario": "another"},
        {"profile": "load, while"},
        {"fault": "lost-count"},
        {"started_at": STARTED_AT},
        {"started_at": STARTED_AT + timedelta(days=1)},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_run_is_not_compared_with(tmp_path: Path, changes: dict[str, Any]) -> None:
    run = write_run(tmp_path, Load()).read_run()
    assert comparable([entry(1, **changes)], run) == ()


@pytest.mark.parametrize(
    ("users", "iterations", "name"),
    [
        (50, None, "load with 50 users"),
        (None, 1_000, "load with 1,000 iterations"),
        (50, 1_000, "load with 50 users and 1,000 iterations"),
    ],
)
def test_a_run_of_other_amounts_is_compared_with_its_like_only(
    tmp_path: Path, users: int | None, iterations: int | None, name: str
) -> None:
    run = write_run(tmp_path, Load()).read_run()
    (phase,) = run.phases
    run = replace(run, phases=(replace(phase, users=users, iterations=iterations),))
    assert profile_of(run) == name
    assert comparable([entry(1), entry(2, profile=name)], run) == (entry(2, profile=name),)


def test_a_run_is_not_compared_with_itself(tmp_path: Path) -> None:
    run = write_run(tmp_path, Load()).read_run()
    assert comparable([entry(1, run_id=run.run_id)], run) == ()


def test_the_last_thirty_runs_are_compared_with(tmp_path: Path) -> None:
    run = write_run(tmp_path, Load()).read_run()
    hours = [entry(0, started_at=entry().started_at + timedelta(hours=hour)) for hour in range(40)]
    assert comparable(reversed(hours), run) == tuple(hours[-MAX_RUNS:])


def test_what_a_run_is_compared_with_does_not_change_after_it(tmp_path: Path) -> None:
    folder = _in_folder(tmp_path, *nights(0.2, 0.3))
    keep_history(history_path(folder), folder, folder.read_run())
    shutil.rmtree(history_path(folder))
    keep_history(history_path(folder), folder, folder.read_run())
    kept = history_of(folder)
    assert kept.entries == nights(0.2, 0.3)
    assert (kept.machine, kept.error) == (machine_here(), "")


def test_the_first_run_of_all_has_an_empty_history_and_no_trouble(tmp_path: Path) -> None:
    folder = _in_folder(tmp_path)
    keep_history(history_path(folder), folder, folder.read_run())
    kept = history_of(folder)
    assert (kept.entries, kept.error) == ((), "")


def test_a_history_that_cannot_be_read_is_said_to_be_so(tmp_path: Path) -> None:
    folder = _in_folder(tmp_path)
    history_path(folder).touch()
    keep_history(history_path(folder), folder, folder.read_run())
    assert history_of(folder).error == "the history could not be read: Not a directory"


@pytest.mark.parametrize(
    ("content", "trouble"),
    [(None, "no history was kept"), (b"{", "cannot be read"), (b'{"machine": 3}', "cannot")],
)
def test_evidence_without_a_history_has_no_entries_and_says_why(
    tmp_path: Path, content: bytes | None, trouble: str
) -> None:
    folder = write_run(tmp_path, Load())
    if content is not None:
        (folder.evidence / "history.json").write_bytes(content)
    kept = history_of(folder)
    assert kept.entries == ()
    assert trouble in kept.error


def test_a_run_is_remembered_once_however_often_it_is_judged(tmp_path: Path) -> None:
    folder = _in_folder(tmp_path)
    for _ in range(3):
        remember(folder, judge(folder))
    assert [each.run_id for each in read_history(history_path(folder))] == [folder.path.name]


def test_a_history_that_cannot_be_written_costs_no_run(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = _in_folder(tmp_path)
    history_path(folder).touch()
    with caplog.at_level(logging.WARNING):
        remember(folder, good_result())
    assert "could not be written" in caplog.text


def test_what_is_remembered_is_what_the_result_says() -> None:
    result = failing_result()
    made = record_of(replace(result, machine="a machine"))
    assert made.checks["usage/cards_used"] is Verdict.FAIL
    assert len(made.checks) == len(result.findings)
    assert made.usage == UsageEntry(12, 1, 1)
    assert (made.completed, made.scheduled) == (101, 101)
    assert made.latency["iteration"].p95 == result.latency[-1].p95
    assert (made.machine, made.fault, made.verdict) == ("a machine", "lost_count", Verdict.FAIL)


def test_of_two_findings_of_one_id_the_worse_is_kept() -> None:
    twice = [
        finding("promql few-errors", Kind.PROMQL, verdict=each) for each in (Verdict.FAIL, *Verdict)
    ]
    assert record_of(good_result(findings=tuple(twice))).checks == {
        "promql/few-errors": Verdict.FAIL
    }


def test_a_machine_is_told_by_its_architecture_and_its_cores() -> None:
    assert "core" in machine_here()
    assert len(machine_here()) < 100
