"""A watch goes on after an interruption of any kind, and ends in the same report."""

import json
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from scenarios.evidence.probes import read_probes
from tests.integration.command import Command, Ended, Start

pytestmark = [pytest.mark.long, pytest.mark.stack]

WATCH = ("watch", "--env", "local", "--flow-every", "2s", "--objective", "50%")


def availability(ended: Ended) -> dict[str, dict[str, Any]]:
    return {each["service"]: each for each in ended.result["availability"]}


def await_probes(command: Command, number: int) -> None:
    command.await_text("evidence/probes/cards.jsonl", "\n", times=number)


def test_a_watch_that_was_killed_is_taken_up_again_and_ends_in_one_report(start: Start) -> None:
    began_at = time.monotonic()
    first = start(*WATCH, "--for", "60s")
    await_probes(first, 6)
    first.kill(signal.SIGKILL)
    first.process.communicate()
    first_s = time.monotonic() - began_at
    second = start(*WATCH, "--for", "60s", "--json").wait()
    assert second.code == 0, second.stderr
    assert "going on with the watch of local" in second.stderr
    assert [
        each.parent for each in second.folder.parent.glob("*/result.json")
        if not each.parent.is_symlink()
    ] == [second.folder]  # fmt: skip
    assert len(list((second.folder / "evidence" / "exchanges").glob("watch-*.jsonl"))) == 2
    row = availability(second)["cards"]
    # Begun anew, it would have lasted longer by all that the first one saw.
    assert row["watched_s"] + row["unwatched_s"] == pytest.approx(60, abs=first_s / 2)
    assert row["ratio"] == 1.0
    assert not second.result["partial"]
    page = (second.folder / "report.html").read_text()
    assert 'id="availability"' in page
    assert '<testsuite name="availability"' in (second.folder / "junit.xml").read_text()


def test_a_watch_that_is_interrupted_tells_what_it_saw_and_goes_on_later(start: Start) -> None:
    first = start(*WATCH, "--for", "10m", "--json")
    await_probes(first, 4)
    first.kill(signal.SIGINT)
    ended = first.wait()
    assert ended.code == 0, ended.stderr
    assert ended.result["partial"]
    assert "goes on when it is called again" in ended.stderr
    seen = len(read_probes(ended.folder / "evidence" / "probes" / "cards.jsonl"))
    second = start(*WATCH, "--for", "10m")
    await_probes(second, seen + 1)
    second.kill(signal.SIGTERM)
    assert "going on with the watch" in second.wait().stderr


def test_cron_looks_once_at_a_time_and_all_looks_are_one_watch(start: Start) -> None:
    for number in range(1, 4):
        ended = start(*WATCH, "--for", "1h", "--once", "--json").wait()
        assert ended.code == 0, ended.stderr
        assert json.loads(ended.stdout) == ended.result
        probes = read_probes(ended.folder / "evidence" / "probes" / "workflow.jsonl")
        assert len(probes) == number
    assert ended.result["phases"][0]["completed"] == 3


def test_two_watches_of_one_environment_keep_out_of_each_others_way(start: Start) -> None:
    first = start(*WATCH, "--for", "10m")
    await_probes(first, 2)
    second = start(*WATCH, "--for", "10m").wait()
    assert second.code == 2
    assert "local is being watched already" in second.stderr
    first.kill(signal.SIGTERM)
    first.wait()


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--for", "soon", "--for: 'soon' is not a duration"),
        ("--every", "0s", "--every: '0s' is not a duration above zero"),
        ("--objective", "200%", "--objective: '200%' is not a percentage"),
    ],
)
def test_a_wrong_option_is_one_sentence(
    start: Start, tmp_path: Path, option: str, value: str, message: str
) -> None:
    ended = start(*WATCH, option, value).wait()
    assert ended.code == 2
    assert message in ended.stderr
