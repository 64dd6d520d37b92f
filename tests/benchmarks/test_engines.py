import pytest

from benchmarks.engine_tools import Tool
from benchmarks.engines import run_duration_s, turn_order


def test_each_round_has_a_different_order_of_tools() -> None:
    tools = [Tool(name, "1.0", "all", lambda *_: []) for name in "abcd"]
    orders = ["".join(tool.name for tool in turn_order(tools, number)) for number in range(4)]
    assert orders == ["abcd", "adcb", "cdab", "cbad"]


@pytest.mark.parametrize(("measured_s", "run_s"), [(10.0, 19), (1.0, 10), (1.1, 11)])
def test_a_run_is_longer_than_its_measurement_and_lasts_whole_seconds(
    measured_s: float, run_s: int
) -> None:
    assert run_duration_s(measured_s) == run_s
