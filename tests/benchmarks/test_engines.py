import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from urllib.request import urlopen

import pytest

from benchmarks.engine_recordings import command_of, drive, environment_text, went_wrong
from benchmarks.engine_table import Measured, between, limit_of, render_tools
from benchmarks.engine_targets import (
    COMPLETED,
    Instant,
    find_nginx,
    nginx,
    served_in,
    tree_cpu_s,
)
from benchmarks.engine_tools import K6_SCRIPT, Tool, k6_command, our_command, own_version
from benchmarks.engine_workers import ratios_of, render
from benchmarks.engines import turn_order
from config.environment import read_environment
from scenarios.language.reader import read_scenario

_STATUS = (
    "Active connections: 11 \n"
    "server accepts handled requests\n"
    " 14 14 98765 \n"
    "Reading: 0 Writing: 1 Waiting: 10 \n"
)
_BUSY = Measured(
    requests=20_000, wall_s=2.0, generator_cpu_s=2.0, target_cpu_s=0.5, machine_cpu_s=2.6
)
_ASK = """\
scenario: ask
description: One question.
quantities: {}
flow:
  - {step: ask, request: GET target /, expect: {status: 200}}
profiles:
  closed: {users: 2, duration: 60s}
checks: {success_rate: 100%}
"""


def _tool(name: str) -> Tool:
    return Tool(name, "1.0", "all", lambda *_: [])


def _has_nginx() -> bool:
    try:
        return bool(find_nginx())
    except SystemExit:
        return False


needs_nginx = pytest.mark.skipif(not _has_nginx(), reason="nginx is not there")


def test_the_number_of_requests_is_the_third_of_the_status() -> None:
    assert served_in(_STATUS) == 98_765


def test_a_text_that_is_no_status_is_refused() -> None:
    with pytest.raises(ValueError, match="no stub_status"):
        served_in("<html>404</html>")


def test_only_what_is_between_the_instants_counts() -> None:
    measured = between(Instant(10.0, 500, 3.0, 1.0, 7.0), Instant(14.0, 2_500, 5.0, 2.0, 12.0))
    assert measured == Measured(2_000, 4.0, 2.0, 1.0, 5.0)
    assert (measured.per_cpu_s, measured.per_s) == (1_000, 500)
    assert (measured.generator_cores, measured.target_cores) == (0.5, 0.25)
    assert measured.other_cores == 0.5


def test_tools_that_take_turns_do_so_in_another_order_each_round() -> None:
    tools = [_tool(name) for name in "abcd"]
    orders = ["".join(tool.name for tool in turn_order(tools, number)) for number in range(4)]
    assert orders == ["abcd", "adcb", "cdab", "cbad"]


@pytest.mark.parametrize(
    ("changes", "processes", "limit"),
    [
        ({}, 1, "generator"),
        ({}, 2, "neither"),
        ({"generator_cpu_s": 3.5}, 2, "machine"),
        ({"generator_cpu_s": 3.5}, None, "machine"),
        ({"generator_cpu_s": 2.0}, None, "neither"),
        ({"target_cpu_s": 2.0}, 1, "target"),
        ({"generator_cpu_s": 1.0, "machine_cpu_s": 1.6}, 1, "neither"),
        ({"generator_cpu_s": 1.0, "machine_cpu_s": 3.5}, 1, "others"),
    ],
)
def test_the_limit_is_what_was_busy_all_the_time(
    changes: dict[str, float], processes: int | None, limit: str
) -> None:
    assert limit_of(replace(_BUSY, **changes), 2, processes) == limit  # type: ignore[arg-type]


def test_the_table_holds_medians_extremes_and_ratios() -> None:
    names = ["Locust FastHttpUser", "k6", "Trial Balance"]

    def rounds(requests: Sequence[int]) -> list[Measured]:
        return [replace(_BUSY, requests=each) for each in requests]

    told = {
        names[0]: rounds([10_000]),
        names[1]: rounds([20_000]),
        names[2]: rounds([44_000, 40_000, 30_000]),
    }
    table = render_tools([_tool(name) for name in names], told, 2)
    row = next(line for line in table.splitlines() if line.startswith("Trial Balance"))
    figures = [float(each) for each in re.findall(r"\d+\.?\d*", row)]
    assert figures == [1.0, 20_000, 15_000, 22_000, 20_000, 2.0, 4.0, 1.0, 0.25, 0.05]
    assert row.endswith("generator")


def test_workers_are_compared_round_by_round() -> None:
    one = [replace(_BUSY, requests=each) for each in (10_000, 20_000, 10_000)]
    two = [replace(_BUSY, requests=each) for each in (19_000, 40_000, 15_000)]
    assert ratios_of({1: one, 2: two}) == [1.9, 2.0, 1.5]
    told = render({1: one, 2: two}, 4, 0.5)
    assert told.startswith("each worker has 50% of a core of its own")
    assert told.endswith("2 workers over one: 1.90 (1.50 to 2.00 over 3 rounds)")


def test_the_projects_own_version_is_read_from_its_file() -> None:
    assert own_version('[project]\nname = "it"\nversion = "2.3.4"\n') == "2.3.4"
    assert own_version("[project]\n") == "unknown"


def test_variables_stand_before_the_script() -> None:
    command = k6_command(Path("k6"), {"URL": "http://x"}, "--some")
    assert command[-4:] == ["-e", "URL=http://x", "--some", str(K6_SCRIPT)]


def test_the_flow_of_three_steps_and_its_environment_can_be_read(tmp_path: Path) -> None:
    command = our_command("http://127.0.0.1:9", 10, 5, tmp_path)
    scenario = read_scenario(Path(command[command.index("--scenario") + 1]))
    environment = read_environment(Path(command[command.index("--environment") + 1]))
    assert [step.expect.status for step in scenario.flow] == [201, 200, 200]
    assert {step.request_parts()[1] for step in scenario.flow} <= set(environment.services)


def test_an_environment_has_the_services_that_are_asked_for() -> None:
    assert environment_text("http://x", "one", "two").count("{url: http://x}") == 2
    assert "--users 3" in " ".join(command_of(Path("s"), Path("e"), 3))


def test_the_time_of_children_that_have_been_reaped_still_counts() -> None:
    # The kernel tells user and system time each in whole ticks, of a hundredth of a second.
    burn = "import time\nwhile time.process_time() < 0.35: pass"
    parent = (
        f"import subprocess, sys; subprocess.run([sys.executable, '-c', {burn!r}]);"
        "print('reaped', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", parent]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert tree_cpu_s(process.pid) >= 0.3


@needs_nginx
def test_looking_at_the_count_is_not_counted(tmp_path: Path) -> None:
    with nginx(tmp_path) as target:
        before = target.served()
        assert target.served() == before
        for _ in range(3):
            urlopen(target.url).close()
        assert target.served() == before + 3


@needs_nginx
def test_each_step_is_answered_with_its_constant(tmp_path: Path) -> None:
    with nginx(tmp_path) as target:
        sessions = f"{target.url}/api/v1/onboarding/sessions"
        with urlopen(sessions, data=b"{}") as answer:
            assert answer.status == 201
        with urlopen(f"{sessions}/abc/answers", data=b"{}") as answer:
            assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
            assert answer.read().decode().count(COMPLETED["card_ids"][0]) == 1


@needs_nginx
@pytest.mark.long
def test_what_is_recorded_is_what_nginx_served(tmp_path: Path) -> None:
    with nginx(tmp_path) as target:
        before = target.served()
        recording = drive(_ASK, target.url, tmp_path, 2, "--run-time", "2s")
        served = target.served() - before
    sent = len(recording.exchanges)
    cut_off = sum(each.cut_off for each in recording.exchanges)
    assert went_wrong(recording) == 0
    assert sent > 100
    assert sent - cut_off <= served <= sent
