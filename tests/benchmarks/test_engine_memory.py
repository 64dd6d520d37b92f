import os
import sys
from pathlib import Path

import pytest

from benchmarks.engine_memory import growth_mb, memory_of, run_and_sample


def test_growth_is_measured_from_the_end_of_the_warm_up_to_the_peak() -> None:
    samples = [(5.0, 200_000_000), (60.0, 70_000_000), (120.0, 74_000_000), (180.0, 71_000_000)]
    assert growth_mb(samples) == 4.0


def test_memory_that_shrinks_after_the_warm_up_has_not_grown() -> None:
    assert growth_mb([(60.0, 70_000_000), (120.0, 60_000_000)]) == 0.0


def test_a_soak_that_ends_within_the_warm_up_is_refused() -> None:
    with pytest.raises(ValueError, match="more than a minute"):
        growth_mb([(5.0, 1), (59.9, 1)])


def test_the_exit_code_and_the_peak_memory_of_a_command_are_reported(tmp_path: Path) -> None:
    code = "import time; x = b'x' * 150_000_000; time.sleep(0.5); raise SystemExit(3)"
    usage = run_and_sample([sys.executable, "-c", code], tmp_path / "log")
    assert usage.exit_code == 3
    assert usage.peak_bytes["run"] > 150_000_000


def test_the_memory_of_a_process_that_does_not_exist_is_empty() -> None:
    assert list(memory_of(2**22 + 1)) == []
    assert next(memory_of(os.getpid()))[0] == "run"
