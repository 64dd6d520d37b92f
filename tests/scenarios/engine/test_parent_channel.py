import json
import subprocess
import sys

from tests.paths import ROOT

START = """
from scenarios.engine import parent_channel
parent_channel.wait_for_start()
parent_channel.report(ended=3, scheduled=None)
"""
LEAVE = """
from scenarios.engine import parent_channel
parent_channel.wait_for_parent_exit(lambda: parent_channel.report(error="left"))
parent_channel.report(error="still running")
"""


def child(code: str, stdin: str) -> tuple[int, list[dict[str, object]]]:
    """Run code with an input that ends; return the exit code and the reported messages."""
    ended = subprocess.run(
        [sys.executable, "-c", code], input=stdin, cwd=ROOT, capture_output=True, text=True,
        check=False, timeout=60,
    )  # fmt: skip
    assert ended.stderr == ""
    return ended.returncode, [json.loads(line) for line in ended.stdout.splitlines()]


def test_a_line_with_variables_starts_the_load_after_the_report_of_readiness() -> None:
    assert child(START, '{"a": "}"}\n') == (0, [{"ready": True}, {"ended": 3, "scheduled": None}])


def test_an_input_that_ends_without_a_line_ends_the_process_before_the_start() -> None:
    assert child(START, "") == (0, [{"ready": True}])


def test_the_end_of_the_input_makes_the_process_leave_and_exit() -> None:
    assert child(LEAVE, "ggg") == (1, [{"error": "left"}])
