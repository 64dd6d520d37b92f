from pathlib import Path

import pytest

from checks.case import Case, read_case
from checks.server_shares import StepShares, route_score, shares_of
from tests.evidence_factory import Load, Made, write_expositions, write_run
from tests.witnesses.service.test_durations import page

FLOW = """
scenario: shop
flow:
  - step: read
    request: GET shop /v1/items/{{ 7 }}
  - step: use
    request: POST shop /v1/items?fast=1
profiles:
  load: {users: 1, iterations: 4}
checks: {success_rate: 100%}
"""
ONE_STEP = FLOW.replace("  - step: use\n    request: POST shop /v1/items?fast=1\n", "")
READ, USE = 'method="GET",path="/v1/items/{id}",', 'method="POST",path="/v1/items",'
DURATIONS_S = (0.1, 0.2, 2.0, 4.0)
LIMITS_S = {"read": 2.5, "use": 2.5}


def case_with(place: Path, after: str, before: str | None = None, scenario: str = FLOW) -> Case:
    steps = ("read",) if scenario == ONE_STEP else ("read", "use")
    made = [[Made(step, duration_s=seconds) for step in steps] for seconds in DURATIONS_S]
    place.mkdir(exist_ok=True)
    folder = write_run(place, Load(made), scenario=scenario)
    write_expositions(folder, "before", {"shop-0": before or page()})
    write_expositions(folder, "after", {"shop-0": after})
    return read_case(folder)


def test_each_step_is_held_against_the_histogram_of_its_route(tmp_path: Path) -> None:
    case = case_with(tmp_path, page((READ, (3, 4, 4)), (USE, (1, 3, 4))))
    assert shares_of(case, LIMITS_S) == [
        StepShares("read", 2.5, 0.75, 4, (1.0, 1.0), 4, "took_seconds"),
        StepShares("use", 2.5, 0.75, 4, (0.75, 0.75), 4, "took_seconds"),
    ]


def test_a_limit_between_edges_gives_a_range(tmp_path: Path) -> None:
    case = case_with(tmp_path, page((READ, (1, 3, 4))))
    (shares,) = shares_of(case, {"read": 1.0})
    assert shares.server_ratios == (0.25, 0.75)


def test_statuses_of_one_route_are_added_up(tmp_path: Path) -> None:
    after = page((READ + 'status="200",', (1, 2, 3)), (READ + 'status="404",', (1, 1, 1)))
    (shares,) = shares_of(case_with(tmp_path, after), {"read": 2.5})
    assert (shares.server_count, shares.server_ratios) == (4, (0.75, 0.75))


def test_of_two_metrics_that_counts_which_timed_what_was_sent(tmp_path: Path) -> None:
    after = page((READ, (1, 2, 4))) + page((READ, (8, 9, 9)), metric="all_seconds")
    (shares,) = shares_of(case_with(tmp_path, after), {"read": 2.5})
    assert shares.metric == "took_seconds"


def test_steps_that_share_a_series_are_left_out(tmp_path: Path) -> None:
    case = case_with(tmp_path, page(('path="/v1/items",', (4, 8, 8))),
                     scenario=FLOW.replace("/{{ 7 }}", ""))  # fmt: skip
    assert shares_of(case, LIMITS_S) == []


def test_without_a_route_only_a_service_of_one_step_is_known_by_its_count(tmp_path: Path) -> None:
    after = page(('tenant="acme",', (3, 4, 4)))
    (shares,) = shares_of(case_with(tmp_path / "one", after, scenario=ONE_STEP), {"read": 2.5})
    assert shares.server_count == 4
    more = page(('tenant="acme",', (3, 4, 5)))
    assert shares_of(case_with(tmp_path / "more", more, scenario=ONE_STEP), LIMITS_S) == []
    assert shares_of(case_with(tmp_path / "two", after), LIMITS_S) == []


def test_another_services_histogram_and_a_step_without_limit_are_left_out(tmp_path: Path) -> None:
    after = page((READ, (3, 4, 4)))
    assert shares_of(case_with(tmp_path / "a", after), {"use": 2.5}) == []
    other = FLOW.replace(" shop /", " store /")
    assert shares_of(case_with(tmp_path / "b", after, scenario=other), LIMITS_S) == []


@pytest.mark.parametrize(
    ("route", "path", "score"),
    [
        ("/users/{id}", "/users/{{ user }}", (True, 2)),
        ("/users/:id/pay", "/users/{{ a }}-{{ b }}/pay", (True, 3)),
        ("/users/<int:id>", "/users/{{ 1 / 2 }}", (True, 2)),
        ("/users/me", "/users/{{ user }}", (True, 1)),
        ("/users/17", "/users/{{ user }}", (True, 1)),
        ("/", "/", (True, 1)),
        ("/pay", "/api/pay", (False, 1)),
        ("/shop/v1/pay", "/v1/pay", (False, 2)),
        ("/users/{id}", "/api/users/{{ user }}", None),
        ("/refund", "/pay", None),
        ("/pay/now", "/pay", None),
    ],
)
def test_a_route_fits_a_path_segment_by_segment(
    route: str, path: str, score: tuple[bool, int] | None
) -> None:
    assert route_score(route, path) == score
