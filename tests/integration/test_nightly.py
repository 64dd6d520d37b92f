"""The result of the main job, clean and with each seeded fault."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from scenarios.evidence.exchange import Outcome
from scenarios.evidence.recording_reader import read_recording, read_recordings
from tests.integration.command import Ended, Start, client_figure
from tests.paths import ROOT
from tests.usage_rows import value_of, values_of

pytestmark = [pytest.mark.long, pytest.mark.stack]


def apart(rows: list[dict[str, Any]]) -> set[str]:
    """Return the witnesses whose figure differs from the client's anywhere."""
    return {
        witness
        for row in rows
        for witness, value in values_of(row).items()
        if value not in (None, row["client"]["confirmed"])
    }


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    runs = tmp_path_factory.mktemp("clean") / "runs"
    ended = subprocess.run(
        [sys.executable, "run.py", "nightly", "--runs", str(runs)],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip
    return Ended(ended.returncode, ended.stdout, ended.stderr, (runs / "latest").resolve())


@pytest.mark.core
def test_a_clean_nightly_passes_with_every_iteration_and_card(clean: Ended) -> None:
    assert clean.code == 0, clean.stdout
    benchmark = next(each for each in clean.result["phases"] if each["profile"] == "benchmark")
    assert (benchmark["completed"], benchmark["scheduled"]) == (100, 100)
    assert benchmark["counts"]["cards_created"] == client_figure(400)
    assert benchmark["planned_counts"]["cards_created"] == 400


@pytest.mark.core
def test_every_quantity_is_equal_in_all_witnesses_per_card_type(clean: Ended) -> None:
    rows = clean.result["usage"]
    assert {row["labels"]["card_type"] for row in clean.rows("cards_used")} == {
        "company", "audience", "voice", "insight",
    }  # fmt: skip
    assert apart(rows) == set()
    for row in rows:
        assert all(figure["reason"] is None for figure in row["figures"].values()), row
    assert all("database:cards" in row["figures"] for row in clean.rows("cards_used"))
    assert all("api:cards" in row["figures"] for row in clean.rows("use_counts"))


@pytest.mark.core
def test_the_four_files_are_there_and_nothing_is_left_running(clean: Ended) -> None:
    for name in ("report.html", "result.json", "junit.xml", "summary.md"):
        assert (clean.folder / name).stat().st_size > 500
    left = [each for each in psutil.process_iter(["cmdline"])
            if str(clean.folder) in " ".join(each.info["cmdline"] or [])]  # fmt: skip
    assert left == []


@pytest.mark.core
def test_every_exchange_is_recorded_with_its_outcome_and_has_a_trace_in_the_service_log(
    clean: Ended,
) -> None:
    (recording,) = read_recordings(clean.folder / "evidence" / "exchanges", "benchmark")
    assert recording.exchanges.sequence.tolist() == list(range(1, 301))
    assert (recording.unconcluded, recording.missing) == (0, 0)
    log = (clean.folder / "stack" / "onboarding.log").read_text()
    assert f"{clean.result['run_id']}-benchmark-1" in log


@pytest.mark.core
@pytest.mark.parametrize("command", ["check", "report"])
def test_judging_and_rendering_again_needs_no_service_and_changes_nothing(
    clean: Ended, command: str
) -> None:
    names = ("report.html", "result.json", "junit.xml", "summary.md")
    before = {name: (clean.folder / name).read_bytes() for name in names}
    again = subprocess.run(
        [sys.executable, "run.py", command, str(clean.folder)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert again.returncode == 0, again.stderr
    assert {name: (clean.folder / name).read_bytes() for name in names} == before


@pytest.mark.core
def test_a_lost_usage_increment_is_the_counters_fault_also_when_judged_elsewhere(
    start: Start, tmp_path: Path
) -> None:
    ended = start("nightly", "--fault", "lost-usage-increment").wait()
    assert ended.code == 1
    finding = ended.finding("usage/cards_used")
    assert (finding["verdict"], finding["code"]) == ("fail", "LOST_COUNT")
    assert (
        "client and database:cards agree on 101; service and prometheus stand 4 below"
        in (finding["detail"])
    )
    assert apart(ended.result["usage"]) == {"service", "prometheus"}
    failing = [each["id"] for each in ended.result["findings"] if each["verdict"] != "pass"]
    assert failing == ["usage/cards_used"]
    assert "First seen in the scrape of " in finding["detail"]
    assert judged_elsewhere(ended.folder, tmp_path) == ended.result


def judged_elsewhere(folder: Path, place: Path) -> dict[str, Any]:
    """Judge by the evidence alone, as a machine does that is far away and has no network."""
    moved = place / "moved"
    shutil.copytree(folder / "evidence", moved / "evidence")
    alone = ["unshare", "--net"] if os.geteuid() == 0 else []
    judged = subprocess.run(
        [*alone, sys.executable, "run.py", "check", str(moved), "--json"],
        cwd=ROOT, env={"TZ": "Pacific/Chatham", "LC_ALL": "C"}, capture_output=True, text=True,
        check=False, timeout=60,
    )  # fmt: skip
    assert judged.returncode == 1, judged.stderr
    result: dict[str, Any] = json.loads(judged.stdout)
    return result


def test_a_slow_tail_fails_latency_with_the_number_over_the_limit_and_usage_passes(
    start: Start,
) -> None:
    ended = start("nightly", "--fault", "slow-tail").wait()
    assert ended.code == 1
    finding = ended.finding("latency/execute-workflow/p95")
    assert finding["verdict"] == "fail"
    assert finding["observed"].startswith("10 over")
    failing = {each["kind"] for each in ended.result["findings"] if each["verdict"] != "pass"}
    assert failing == {"latency"}


@pytest.mark.core
def test_a_lost_usage_row_leaves_the_database_apart_and_the_api_that_reads_it(start: Start) -> None:
    ended = start("nightly", "--fault", "lost-usage-row").wait()
    assert ended.code == 1
    of_use_counts = {"database:cards/log", "database:cards/totals", "api:cards"}
    assert apart(ended.rows("use_counts")) == of_use_counts
    assert apart(ended.rows("cards_used")) == {"database:cards"}
    assert apart(ended.result["usage"]) == of_use_counts | {"database:cards"}
    assert ended.finding("usage/cards_used")["code"] == "LOST_ROW"
    assert "database:cards stands 4 below" in ended.finding("usage/cards_used")["detail"]


def test_a_retry_counted_twice_leaves_the_counters_above(start: Start) -> None:
    ended = start("nightly", "--fault", "double-count-on-retry").wait()
    assert ended.code == 1
    assert ended.finding("usage/cards_used")["code"] == "DOUBLE_COUNT"
    assert all(
        value_of(row, "service") > row["client"]["confirmed"] for row in ended.rows("cards_used")
    )


def test_two_runs_at_once_do_not_disturb_each_other(start: Start) -> None:
    commands = [start("nightly"), start("nightly")]
    ended = [command.wait() for command in commands]
    assert [each.code for each in ended] == [0, 0], [each.stdout for each in ended]
    results = commands[0].runs.glob("*/result.json")
    runs = [path.parent for path in results if not path.parent.is_symlink()]
    assert len(runs) == 2


def test_the_onboarding_load_creates_four_hundred_cards(start: Start) -> None:
    ended = start("load", "--scenario", "onboarding_load", "--json").wait()
    assert ended.code == 0, ended.stdout
    assert json.loads(ended.stdout) == ended.result
    assert sum(value_of(row, "database") for row in ended.rows("cards_created")) == 400


def test_up_prints_one_json_object_and_its_environment_can_be_used_by_locust_too(
    start: Start,
) -> None:
    up = start("up", "--json")
    assert up.process.stdout is not None
    addresses = json.loads(up.process.stdout.readline())
    assert addresses["CARDS_URL"].startswith("http://127.0.0.1:")
    assert addresses["CARDS_DATABASE_URL"].startswith("sqlite:///")
    ended = start("e2e", "--env", addresses["environment"]).wait()
    assert ended.code == 0, ended.stdout + ended.stderr
    assert all(
        value_of(row, "prometheus") == value_of(row, "database") for row in ended.rows("cards_used")
    )
    arguments = ["--environment", addresses["environment"], "--evidence", str(ended.folder)]
    plain = subprocess.run(
        [sys.executable, "-m", "locust", "-f", "scenarios/locustfile.py", "--headless",
         "--users", "2", "--spawn-rate", "2", "--run-time", "4s", *arguments],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    recording = read_recording(ended.folder / "evidence" / "exchanges" / "locust.jsonl")
    assert recording is not None, plain.stderr
    assert recording.end is not None
    assert sum(each.outcome is Outcome.OK for each in recording.exchanges) > 10
