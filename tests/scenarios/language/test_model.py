import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from scenarios.language.model import Scenario
from scenarios.language.objectives import Regression
from scenarios.language.profiles import Profile
from scenarios.language.rates import RateStage
from scenarios.language.reader import read_scenario
from tests.scenarios.language.wrong_scenarios import problems_in, with_profile
from tests.scenarios.shop_scenario import changed

NO_RATE = "is not a rate; write for example 20/s, 90/m or 500/h"
NO_STAGE = "is not a stage; write 20/s for 1m, or from 10/s to 100/s over 2m"

MUTATIONS = [
    pytest.param(
        "p95: 2s",
        "p95: 2",
        [
            "s.yaml:24: checks.latency.0.p95: 2 is not a duration; "
            "write a number and a unit: 500ms, 2.5s, 10m"
        ],
        id="no unit",
    ),
    pytest.param(
        "p95: 2s",
        "p95: 2 sec",
        [
            "s.yaml:24: checks.latency.0.p95: '2 sec' is not a duration; "
            "write a number and a unit: 500ms, 2.5s, 10m; did you mean 2s?"
        ],
        id="wrong unit",
    ),
    pytest.param(
        "  usage:",
        "  success_rate: 0.99\n  usage:",
        [
            "s.yaml:25: checks.success_rate: 0.99 is not a percentage from 0% to 100%; "
            "write for example 99.5%; did you mean 99%?"
        ],
        id="a ratio for a percentage",
    ),
    pytest.param(
        "counts: {calls: 1}",
        "counts: {calls: [1]}",
        ['s.yaml:19: [1] is no amount; write a number, or a template: "{{ used }}"'],
        id="count that is a list",
    ),
    pytest.param(
        "counts: {calls: 1}",
        "counts: {calls: x}",
        ['s.yaml:19: "x" is no amount; write a number, or a template: "{{ used }}"'],
        id="count that is no number",
    ),
    pytest.param(
        '"== 0"',
        '"about 0"',
        [
            "s.yaml:29: checks.promql.0.expect: 'about 0' is not a comparison; "
            "write for example >= 0.95"
        ],
        id="no comparison",
    ),
    pytest.param(
        "users: 1",
        "users: 0",
        ["s.yaml:21: profiles.once.users: must be greater than 0"],
        id="no user",
    ),
    pytest.param(
        "  once: {users: 1, iterations: 1}",
        "  {}",
        ["s.yaml:20: profiles: at least one entry is required"],
        id="no profile",
    ),
    pytest.param(
        "once:",
        "Once:",
        [
            "s.yaml:21: profiles.Once: 'Once' is not a name; "
            "use lower-case letters, digits and underscores, as in once"
        ],
        id="invalid name",
    ),
    pytest.param(
        "POST shop /orders",
        "POST /orders",
        [
            "s.yaml:10: flow.0.request: 'POST /orders' is not a request; "
            "name the service before the path, as in POST service /orders"
        ],
        id="request without service",
    ),
    pytest.param(
        "POST shop /orders",
        "FETCH shop /orders",
        [
            "s.yaml:10: flow.0.request: 'FETCH shop /orders' is not a request; "
            "write METHOD service /path, as in POST cards /api/v1/cards; "
            "the methods are GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS"
        ],
        id="request with an unknown method",
    ),
    pytest.param(
        "status: 201",
        "status: 99",
        [
            "s.yaml:12: flow.0.expect.status: 99 is not a status; "
            "write 200, a class such as 2xx, or a list of them"
        ],
        id="no status",
    ),
    pytest.param(
        "    counts: {calls: 1}",
        "    counts: {calls: 1}\n    when_rejected: never",
        ["s.yaml:20: flow.1.when_rejected: must be 'nothing' or 'in doubt'"],
        id="unknown word for a rejection",
    ),
]

WRONG_VALUES = [
    ("users: 10001, iterations: 3", "22: {}.users: must be less than or equal to 10000"),
    (
        "rate: 20/s, duration: 5s, max_users: 0",
        "24: {}.max_users: must be greater than 0",
    ),
    (
        "rate: 20/s, duration: 5s, arrivals: even",
        "24: {}.arrivals: must be 'constant' or 'poisson'",
    ),
    ("rate: 20, duration: 5s", f"22: {{}}.rate: 20 {NO_RATE}"),
    ("rate: 20/d, duration: 5s", f"22: {{}}.rate: '20/d' {NO_RATE}"),
    (
        "rate: from 0/s to 9/s",
        "22: {}.rate: 'from 0/s to 9/s' is not a ramp; write from 10/s to 100/s over 2m",
    ),
    ("stages: [20/s for 1m, 20/s]", f"22: {{}}.stages.1: '20/s' {NO_STAGE}"),
    ("stages: [20 for 1m]", f"22: {{}}.stages.0: '20' {NO_RATE}"),
    (
        "users: 3, duration: 5s, think: 3s to 1s",
        "24: {}.think: '3s to 1s' is not a pause; write the shorter time first, as in 1s to 3s",
    ),
    (
        "users: 3, iterations: 3, abort: {success_rate: 0.1}",
        "24: {}.abort.success_rate: 0.1 is not a percentage from 0% to 100%; "
        "write for example 99.5%; did you mean 10%?",
    ),
]


@pytest.mark.parametrize(("old", "new", "expected"), MUTATIONS)
def test_a_value_of_the_wrong_form_is_reported_with_line_and_remedy(
    tmp_path: Path, old: str, new: str, expected: list[str]
) -> None:
    assert problems_in(changed(tmp_path, old, new)) == expected


@pytest.mark.parametrize(("profile", "expected"), WRONG_VALUES)
def test_a_value_that_a_profile_cannot_have_is_reported_with_line_and_remedy(
    tmp_path: Path, profile: str, expected: str
) -> None:
    assert f"s.yaml:{expected.format('profiles.once')}" in problems_in(
        with_profile(tmp_path, profile)
    )


@pytest.mark.parametrize(
    "profile",
    [
        "users: 3, iterations: 3",
        "users: 3, iterations: 1",
        "users: 3, iterations: 3, max_duration: 5s, think: 1s",
        "users: 10000, duration: 5s, think: 1s to 3s, warm_up: 4.999s",
        "rate: 20/s, duration: 5s",
        "rate: 20/s, duration: 5s, arrivals: constant, max_users: 10000, warm_up: 4s",
        "rate: 20/s, duration: 5s, arrivals: poisson",
        "rate: 20/s, duration: 5s, arrivals: poisson, seed: 0",
        "rate: from 0/s to 9/s over 5s, arrivals: poisson, seed: 7",
        "rate: from 9/s to 0/s over 5s, warm_up: 4s",
        "stages: [20/s for 5s]",
        "stages: [from 0/s to 9/s over 5s, 0/s for 5s, 9/s for 1m], warm_up: 5s",
        "users: 3, iterations: 3, abort: {success_rate: 0%, over: 1m}",
        "rate: 20/s, duration: 5s, abort: {over: 1m}",
    ],
)
def test_a_profile_that_fits_together_is_read(tmp_path: Path, profile: str) -> None:
    read = read_scenario(with_profile(tmp_path, profile)).profiles["once"]
    keys = set(re.findall(r"(?:^|, )(\w+): ", re.sub(r"\{.*\}", "{}", profile)))
    assert read.model_fields_set == keys
    assert read.is_open == profile.startswith(("rate", "stages"))


def test_a_seed_below_zero_is_refused(tmp_path: Path) -> None:
    profile = "rate: 20/s, duration: 5s, arrivals: poisson, seed: -1"
    assert problems_in(with_profile(tmp_path, profile))[0].startswith("s.yaml:25: ")


def profile(**keys: object) -> Profile:
    return Profile.model_validate(keys)


def test_an_open_model_lasts_as_long_as_its_stages_and_reaches_their_highest_rate() -> None:
    load = profile(stages=["from 0/s to 40/s over 5s", "20/s for 10s"])
    assert load.open_stages == (RateStage(0.0, 40.0, 5.0), RateStage(20.0, 20.0, 10.0))
    assert (load.duration_s, load.max_rate_per_s, load.virtual_users) == (15.0, 40.0, 100)


def test_a_rate_with_a_duration_is_one_stage() -> None:
    load = profile(rate="20/s", duration="10s", max_users=7)
    assert load.open_stages == (RateStage(20.0, 20.0, 10.0),)
    assert load.virtual_users == 7


@pytest.mark.parametrize(
    ("keys", "duration_s"),
    [
        ({"users": 2, "duration": "5s"}, 5.0),
        ({"users": 2, "iterations": 3, "max_duration": "7s"}, 7.0),
        ({"users": 2, "iterations": 3}, 600.0),
    ],
)
def test_a_closed_model_is_limited_in_time(keys: dict[str, object], duration_s: float) -> None:
    load = profile(**keys)
    assert (load.duration_s, load.virtual_users, load.max_rate_per_s) == (duration_s, 2, 0.0)


def test_a_margin_within_the_noise_is_refused() -> None:
    with pytest.raises(ValidationError, match="a margin below 1% is within the noise"):
        Regression.model_validate({"p95": "0.5%"})


def test_a_comparison_is_an_operator_and_a_number() -> None:
    check = {"name": "few", "query": "vector(1)", "expect": ">=-0.5"}
    scenario = Scenario.model_validate(
        {
            "scenario": "s",
            "flow": [{"step": "a", "request": "GET shop /"}],
            "profiles": {"once": {"users": 1, "iterations": 1}},
            "checks": {"promql": [check]},
        }
    )
    assert scenario.checks.promql[0].comparison() == (">=", -0.5)
    assert scenario.checks.promql[0].on_missing == "inconclusive"


def test_a_step_may_name_a_service_with_dots_and_hyphens(tmp_path: Path) -> None:
    path = changed(tmp_path, "GET shop /orders", "GET shop-api.v1 /orders")
    assert read_scenario(path).steps[1].request_parts()[1] == "shop-api.v1"
