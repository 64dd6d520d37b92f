"""The most that blocks send, and the longest that they take."""

import pytest
from pydantic import TypeAdapter

from scenarios.language.blocks import MAX_EXCHANGES, Blocks
from scenarios.language.extents import Extent, extent_of, runs_of

STEP = {"step": "a", "request": "GET shop /", "timeout": "2s"}
POLL = {**STEP, "until": {"status": 200, "every": "1s", "within": "10s"}}
BLOCKS = TypeAdapter(Blocks)


@pytest.mark.parametrize(
    ("block", "extent"),
    [
        (STEP, Extent(True, 1, 2.0)),
        (POLL, Extent(True, 11, 12.0)),
        ({"think": "1s to 3s"}, Extent(False, 0, 3.0)),
        ({"repeat": 3, "steps": [STEP, {"think": "1s"}]}, Extent(True, 3, 9.0)),
        ({"for_each": [1, 2], "as": "x", "steps": [STEP]}, Extent(True, 2, 4.0)),
        ({"for_each": [], "as": "x", "steps": [STEP]}, Extent(False, 0, 0.0)),
        ({"if": "{{ x }}", "steps": [STEP]}, Extent(False, 1, 2.0)),
        ({"if": "{{ x }}", "steps": [STEP], "else": [STEP, STEP]}, Extent(True, 2, 4.0)),
        ({"together": [STEP, {**STEP, "timeout": "5s"}]}, Extent(True, 2, 5.0)),
    ],
)
def test_an_extent_is_that_of_the_longest_way_through(
    block: dict[str, object], extent: Extent
) -> None:
    assert extent_of(BLOCKS.validate_python([block])) == extent


def test_a_list_of_unknown_length_is_bounded_by_the_limit_of_an_iteration() -> None:
    each = {"for_each": "{{ items }}", "as": "x", "steps": [STEP]}
    extent = extent_of(BLOCKS.validate_python([STEP, each]))
    assert (extent.exchanges, extent.most_exchanges) == (2, MAX_EXCHANGES)
    assert extent.duration_s >= 2.0 * MAX_EXCHANGES


def test_how_often_a_step_runs_is_known_unless_it_depends_on_the_run() -> None:
    def named(name: str, **keys: object) -> dict[str, object]:
        return {**STEP, "step": name, **keys}

    blocks = [
        named("once"),
        {"repeat": 3, "steps": [{"for_each": [1, 2], "as": "x", "steps": [named("six")]}]},
        {"together": [named("a"), named("b")]},
        {"repeat": 2, "steps": [{"if": "{{ x }}", "steps": [named("perhaps")]}]},
        {"for_each": "{{ items }}", "as": "x", "steps": [named("each")]},
        named("poll", until={"status": 200}),
    ]
    assert runs_of(BLOCKS.validate_python(blocks)) == {
        "once": 1, "six": 6, "a": 1, "b": 1, "perhaps": None, "each": None, "poll": None,
    }  # fmt: skip
