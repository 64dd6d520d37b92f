from pathlib import Path

import pytest

from config.errors import ConfigError
from config.project import SCENARIOS
from scenarios.language.reader import find_scenario, read_scenario
from tests.scenarios.language.wrong_scenarios import problems_in, with_profile
from tests.scenarios.shop_scenario import changed, good_scenario, written

SHIPPED = sorted(SCENARIOS.glob("*.yaml"))


def test_a_good_scenario_is_read(tmp_path: Path) -> None:
    scenario = good_scenario(tmp_path)
    create, read = scenario.steps
    assert create.request_parts() == ("POST", "shop", "/orders")
    assert read.request_parts() == ("GET", "shop", "/orders/{{ order }}")
    assert create.expect.body_values == {"state": "done"}
    assert create.counts == {"made": {"a": 1, "b": 2}, "calls": 1}
    assert scenario.checks.latency[0].limits() == {95.0: 2.0}
    assert scenario.checks.promql[0].comparison() == ("==", 0.0)
    assert scenario.profiles["once"].iterations == 1


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_scenario_has_no_mistake(path: Path) -> None:
    scenario = read_scenario(path)
    assert scenario.scenario.replace("-", "_") == path.stem
    assert set(scenario.profiles) >= {"e2e", "benchmark"}
    assert scenario.judged_quantities == list(scenario.quantities)


def test_two_scenarios_are_shipped() -> None:
    assert [path.stem for path in SHIPPED] == ["onboarding_load", "usage_tracking"]


MUTATIONS = [
    pytest.param(
        "    save: {order",
        "    sav: {order",
        ["s.yaml:13: unknown key 'sav'; did you mean save?"],
        id="unknown key",
    ),
    pytest.param(
        "checks:",
        "when: x\nchecks:",
        [
            "s.yaml:22: unknown key 'when'; "
            "known here: scenario, description, data, quantities, witnesses, relations, setup, "
            "user_setup, flow, flows, teardown, profiles, checks, public"
        ],
        id="unknown key near to nothing",
    ),
]


@pytest.mark.parametrize(("old", "new", "expected"), MUTATIONS)
def test_an_unknown_key_is_reported_with_its_line_and_what_is_near(
    tmp_path: Path, old: str, new: str, expected: list[str]
) -> None:
    assert problems_in(changed(tmp_path, old, new)) == expected


def test_a_file_that_is_not_yaml_is_one_mistake(tmp_path: Path) -> None:
    (problem,) = problems_in(changed(tmp_path, "order: id", "order: id["))
    assert "this is not YAML" in problem


@pytest.mark.parametrize(
    ("profile", "line"),
    [
        ("rate: 20, duration: 5m, max_users: 50", "22"),
        ("rate: 20/s, duration: 5", "23"),
        ("users: three, iterations: 3", "22"),
        ("users: 3, iterations: three", "23"),
        ("rate: 20/s, duration: 5m, arrivals: even, seed: 1", "24"),
    ],
)
def test_a_wrong_value_of_a_profile_gives_no_further_mistakes(
    tmp_path: Path, profile: str, line: str
) -> None:
    assert [each.split(":")[1] for each in problems_in(with_profile(tmp_path, profile))] == [line]


def test_mistakes_of_every_sort_are_reported_at_once(tmp_path: Path) -> None:
    wrong = {
        "prometheus: calls_total": "prometheus: sum(calls_total)",  # a rule
        "save: {order": "sav: {order",  # an unknown key
        "{{ order }}": "{{ ordr }}",  # a rule that depends on the misspelt key
        "status: 201": "status: created",  # a type
        "p95: 2s": "p95: 2",  # a unit
        "usage: [made": "usage: [mad",  # a rule
    }
    text = (changed(tmp_path, "scenario: good", "scenario: bad")).read_text()
    for old, new in wrong.items():
        text = text.replace(old, new, 1)
    reported = problems_in(written(tmp_path, text))
    assert [line.split(":")[1] for line in reported] == ["7", "12", "13", "18", "24", "25"]
    assert reported[3] == (
        "s.yaml:18: the variable 'ordr' is not defined here; did you mean order?"
    )


def test_a_wrong_count_does_not_hide_a_violation_elsewhere(tmp_path: Path) -> None:
    text = changed(tmp_path, "counts: {calls: 1}", "counts: {calls: yes}").read_text()
    reported = problems_in(written(tmp_path, text.replace("usage: [made", "usage: [mad")))
    assert {line.split(":")[1] for line in reported} == {"19", "25"}


def test_a_wrong_value_that_cannot_be_left_out_does_not_hide_a_violation(tmp_path: Path) -> None:
    text = changed(tmp_path, "users: 1", "users: one").read_text()
    reported = problems_in(written(tmp_path, text.replace("usage: [made", "usage: [mad")))
    assert {line.split(":")[1] for line in reported} == {"21", "25"}


def test_a_misspelt_key_gives_no_further_mistakes(tmp_path: Path) -> None:
    assert problems_in(changed(tmp_path, "quantities:", "quantites:")) == [
        "s.yaml:2: unknown key 'quantites'; did you mean quantities?"
    ]


@pytest.mark.parametrize("name", ["usage_tracking", "usage-tracking"])
def test_a_scenario_is_found_by_its_name(name: str) -> None:
    assert find_scenario(name) == SCENARIOS / "usage_tracking.yaml"


def test_a_scenario_is_found_by_its_path(tmp_path: Path) -> None:
    assert find_scenario(str(written(tmp_path))) == tmp_path / "s.yaml"


@pytest.mark.parametrize("name", ["nothing", "nothing.yaml", ""])
def test_the_error_for_an_unknown_scenario_lists_the_known_ones(name: str) -> None:
    with pytest.raises(
        ConfigError,
        match=r"no such scenario; known: onboarding_load, usage_tracking, or the path of",
    ):
        find_scenario(name)
