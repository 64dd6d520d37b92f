"""Iterations are divided among flows exactly, whatever their number and the number of workers."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.driver.arrivals import LoadPart
from scenarios.driver.flow_compiler import compile_flow
from scenarios.language.model import Scenario
from scenarios.language.shares import divided, interleaved
from tests.scenarios.shop_scenario import ENVIRONMENT

SHARES = st.lists(st.integers(1, 12), min_size=1, max_size=5)


@given(SHARES)
def test_a_period_has_each_flow_as_often_as_its_share(shares: list[int]) -> None:
    order = interleaved(shares)
    assert [order.count(flow) * sum(shares) for flow in range(len(shares))] == [
        share * len(order) for share in shares
    ]


@given(SHARES, st.integers(0, 500))
def test_any_number_of_iterations_is_divided_to_within_one(
    shares: list[int], iterations: int
) -> None:
    parts = divided(shares, iterations)
    assert sum(parts) == iterations
    for part, share in zip(parts, shares, strict=True):
        assert abs(part - iterations * share / sum(shares)) < len(shares)


@pytest.mark.parametrize("workers", [1, 2, 3, 4, 7])
def test_three_to_one_is_exact_over_any_number_of_workers(workers: int) -> None:
    step = {"request": "GET shop /"}
    flows = {
        "buy": {"share": 3, "steps": [{"step": "a", **step}]},
        "browse": {"share": 1, "steps": [{"step": "b", **step}]},
    }
    profiles = {"once": {"users": 1, "iterations": 1}}
    scenario = Scenario.model_validate({"scenario": "s", "flows": flows, "profiles": profiles})
    flow, total = compile_flow(scenario, ENVIRONMENT, "run-1", "tenant-1"), 10_001
    done = [
        replace(flow, part=part).journey_of(iteration).steps[0].name
        for part in (LoadPart(index, workers) for index in range(workers))
        for iteration in range(1, part.of_number(total) + 1)
    ]
    assert (done.count("a"), done.count("b")) == (7_501, 2_500)
