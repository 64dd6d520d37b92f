"""A watch: begun, resumed and ended, against a tiny service."""

import io
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import typer

from checks.result_document import read_result
from commands.shared.run_setup import open_run
from commands.watch import (
    WatchRequest,
    begin_watch,
    hear_pass,
    new_watch,
    open_watch,
    read_watch,
    usual_pace,
    watch,
)
from config.errors import ConfigError
from reports.progress import Progress
from scenarios.driver.plan import Plan
from scenarios.driver.watch import PROFILE, STEM, pointer_path
from scenarios.evidence.recording_reader import read_recordings
from scenarios.evidence.run_folder import Run, RunFolder
from tests.commands.shop_plan import IS_WELL, SCENARIO, shop_plan
from tests.paths import ROOT
from tests.tiny_server import Canned, TinyServer, nobody_listens_at, serving

DAY = WatchRequest(timedelta(days=1), 0.5, 60.0, 0.999)
OVER_AT_ONCE = replace(DAY, lasts=timedelta(microseconds=1))


def told_to() -> tuple[io.StringIO, Progress]:
    stream = io.StringIO()
    return stream, Progress(stream)


def watch_plan(folder: Path, scenario: str = SCENARIO) -> Plan:
    return shop_plan(folder, nobody_listens_at(), scenario=scenario)


def opened(plan: Plan, wanted: WatchRequest = DAY) -> tuple[RunFolder, Run]:
    return open_watch(plan, wanted, told_to()[1])


@dataclass
class Looking:
    """A place where one looks once at a service, as often as one likes."""

    server: TinyServer
    plan: Plan

    def look(self, wanted: WatchRequest = DAY) -> tuple[int, Run]:
        """Look once; return the exit code, and the record of the watch."""
        with pytest.raises(typer.Exit) as ended:
            watch(self.plan, wanted, once=True, as_json=True)
        folder = RunFolder((self.plan.asked.runs / "latest").resolve())
        return ended.value.exit_code, folder.read_run()


def passes_of(run: Path) -> int:
    """Count the passes of the flow that are concluded by now."""
    read = read_recordings(run / "evidence" / "exchanges", STEM)
    return sum(len(each.exchanges) - each.unconcluded for each in read)


@contextmanager
def looking(folder: Path) -> Iterator[Looking]:
    with serving(IS_WELL) as server:
        yield Looking(server, shop_plan(folder, server.url))


@pytest.mark.parametrize(
    ("length", "once", "pace"),
    [
        ("10m", False, "0.5s"),
        ("100000s", False, "0.5s"),
        ("100d", False, "43.2s"),
        ("100d", True, "5m"),
        ("soon", False, "0.5s"),
    ],
)
def test_the_usual_pace_is_slower_in_a_watch_that_is_longer(
    length: str, once: bool, pace: str
) -> None:
    assert usual_pace(length, once) == pace


def test_what_a_watch_is_asked_to_do_is_read() -> None:
    assert read_watch("24h", "500ms", "1m", "50%") == replace(DAY, objective=0.5)


def test_every_mistake_of_a_watch_is_reported_by_its_option() -> None:
    with pytest.raises(ConfigError) as refused:
        read_watch("soon", "0s", "1x", "200%")
    names = [str(problem).partition(": ")[0] for problem in refused.value.problems]
    assert names == ["--for", "--every", "--flow-every", "--objective"]


def test_a_new_watch_ends_after_what_was_asked_for_and_can_be_found(tmp_path: Path) -> None:
    plan = watch_plan(tmp_path)
    stream, progress = told_to()
    folder, run = open_watch(plan, DAY, progress)
    assert run.watch == DAY.since(run.started_at)
    assert run.watch.until - run.started_at == timedelta(days=1)
    assert [(each.profile, each.stem) for each in run.phases] == [(PROFILE, STEM)]
    assert folder.read_run() == run
    assert pointer_path(plan.asked.runs, "test").resolve() == folder.path
    assert stream.getvalue().startswith(f"watching test run {run.run_id}, until ")


def test_a_watch_that_is_not_at_its_end_is_resumed(tmp_path: Path) -> None:
    plan = watch_plan(tmp_path)
    first, (stream, progress) = opened(plan), told_to()
    again = open_watch(plan, replace(DAY, lasts=timedelta(days=9)), progress)
    assert again == first
    assert stream.getvalue().startswith("going on with the watch of test")


def test_a_watch_of_another_scenario_is_a_new_one(tmp_path: Path) -> None:
    first = opened(watch_plan(tmp_path))
    other = opened(watch_plan(tmp_path, SCENARIO.replace("iterations: 2", "iterations: 3")))
    assert other[1].run_id != first[1].run_id
    assert first[0].read_run().finished_at is None


def test_a_watch_whose_end_nobody_saw_is_finished_as_of_then_and_followed_by_a_new_one(
    tmp_path: Path,
) -> None:
    plan = watch_plan(tmp_path)
    folder, old = new_watch(plan, OVER_AT_ONCE, told_to()[1])
    stream, progress = told_to()
    _, new = open_watch(plan, DAY, progress)
    assert old.watch is not None
    assert folder.read_run().finished_at == old.watch.until
    assert (folder.evidence / "history.json").exists()
    assert new.run_id != old.run_id
    printed = stream.getvalue().splitlines()
    assert printed[0].endswith(f"run.py check {folder.path}")
    assert printed[1].startswith("watching test")


def test_a_new_watch_begins_when_all_is_there_and_ends_as_much_later(tmp_path: Path) -> None:
    folder, run = opened(watch_plan(tmp_path))
    opened_at = datetime.now(UTC) - timedelta(hours=1)
    waited = replace(run, started_at=opened_at, watch=DAY.since(opened_at))
    begun = begin_watch(waited, folder)
    assert begun.watch is not None
    assert begun.started_at - opened_at >= timedelta(hours=1)
    assert begun.watch.until - begun.started_at == timedelta(days=1)
    assert folder.read_run() == begun


def test_a_watch_that_has_probed_keeps_its_begin_and_its_end(tmp_path: Path) -> None:
    folder, run = opened(watch_plan(tmp_path))
    (folder.evidence / "probes").mkdir()
    assert begin_watch(run, folder) == run


def test_a_run_that_is_no_watch_is_not_begun_again(tmp_path: Path) -> None:
    folder, run = open_run(watch_plan(tmp_path))
    assert begin_watch(run, folder) == run


def test_each_pass_is_counted_and_those_that_were_not_as_expected_too() -> None:
    stream, progress = told_to()
    passes: list[bool] = []
    with progress.stage("watch") as stage:
        for went_well in (True, False, True):
            hear_pass(passes, progress, stage, went_well)
    assert stream.getvalue().rstrip().endswith("3 passes, 1 not as expected")


def test_to_look_once_is_one_probe_and_one_pass_of_the_flow(tmp_path: Path) -> None:
    with looking(tmp_path) as place:
        _, run = place.look()
        assert place.server.asked == ["/health", "/visit"]
    assert run.finished_at is None
    assert run.tenant == "acme"


def test_to_look_again_goes_on_with_the_same_watch(tmp_path: Path) -> None:
    with looking(tmp_path) as place:
        (_, first), (_, second) = place.look(), place.look()
        assert place.server.asked.count("/visit") == 2
    assert second == first
    folder = RunFolder(tmp_path / "runs" / first.run_id)
    assert read_result(folder.result).phases[0].completed == 2


def test_a_watch_that_has_come_to_its_end_is_finished_as_of_that_end(tmp_path: Path) -> None:
    with looking(tmp_path) as place:
        _, run = place.look(OVER_AT_ONCE)
    assert run.watch is not None
    assert run.finished_at == run.watch.until
    assert not read_result(tmp_path / "runs" / run.run_id / "result.json").partial


def test_a_flow_that_fails_fails_the_watch(tmp_path: Path) -> None:
    with serving({**IS_WELL, "/visit": Canned("no", 500)}) as server:
        code, _ = Looking(server, shop_plan(tmp_path, server.url)).look()
    assert code == 1


@pytest.mark.core
@pytest.mark.long
def test_an_interrupted_watch_is_judged_and_goes_on_when_it_is_called_again(
    tmp_path: Path,
) -> None:
    with looking(tmp_path) as place:
        command = [
            sys.executable, "run.py", "watch", "--env", str(place.plan.file.path),
            "--scenario", str(place.plan.scenario_path), "--runs", str(place.plan.asked.runs),
        ]  # fmt: skip
        with subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        ) as process:
            try:
                while not passes_of(tmp_path / "runs" / "latest"):
                    assert process.poll() is None
                    time.sleep(0.01)
                process.send_signal(signal.SIGINT)
                printed = process.communicate(timeout=120)[1]
            finally:
                process.kill()
        _, run = place.look()
    assert "the watch goes on when it is called again" in printed
    assert "Traceback" not in printed
    assert f"run {run.run_id}," in printed
    result = read_result(tmp_path / "runs" / run.run_id / "result.json")
    assert (result.partial, result.phases[0].completed) == (True, 2)
