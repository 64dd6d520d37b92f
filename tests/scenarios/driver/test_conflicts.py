"""What a scenario asks of an environment that lacks or forbids it."""

from pathlib import Path
from typing import Any

import pytest

from config.apis import Api
from config.environment import Environment, LoadLimits
from config.prometheus import Prometheus
from config.services import Service
from scenarios.driver.conflicts import (
    find_data_conflicts,
    find_load_conflicts,
    find_missing_drivers,
    find_witness_conflicts,
)
from scenarios.language.data_files import read_tables
from scenarios.language.model import Scenario
from scenarios.language.profiles import Profile
from scenarios.language.reader import read_scenario
from tests.scenarios.shop_scenario import ENVIRONMENT, GOOD, changed, good_scenario, written

PROMETHEUS = Prometheus(url="http://prometheus.example")
HERE = ENVIRONMENT.model_copy(update={"prometheus": PROMETHEUS})


def limited(allowed: bool, max_users: int = 5) -> Environment:
    return HERE.model_copy(update={"load": LoadLimits(allowed=allowed, max_users=max_users)})


def profile_of(folder: Path, **profile: Any) -> Scenario:
    profiles = {"many": Profile.model_validate(profile)}
    return good_scenario(folder).model_copy(update={"profiles": profiles})


def for_users(folder: Path, users: int) -> Scenario:
    profile = Profile(users=users, iterations=1)
    return good_scenario(folder).model_copy(update={"profiles": {"many": profile}})


def refused(folder: Path, scenario: Scenario, environment: Environment) -> list[str]:
    path = folder / "environment.yaml"
    path.write_text("environment: test\nload: {}\n")
    files = folder / "s.yaml", path
    conflicts = find_load_conflicts(scenario, environment, *files, scenario.profiles)
    conflicts += find_witness_conflicts(scenario, environment, *files)
    return [str(each).replace(f"{folder}/", "") for each in conflicts]


def test_a_load_is_refused_where_none_is_allowed(tmp_path: Path) -> None:
    assert refused(tmp_path, for_users(tmp_path, 2), limited(False)) == [
        "environment.yaml:2: the profile 'many' is a load, and test allows none; "
        "e2e is one iteration"
    ]


def test_a_load_is_refused_beyond_the_users_allowed(tmp_path: Path) -> None:
    assert refused(tmp_path, for_users(tmp_path, 6), limited(True)) == [
        "environment.yaml:2: the profile 'many' asks for 6 users, and test allows 5"
    ]


def test_one_user_is_no_load_and_as_many_users_as_allowed_are_accepted(tmp_path: Path) -> None:
    assert refused(tmp_path, for_users(tmp_path, 1), limited(False)) == []
    assert refused(tmp_path, for_users(tmp_path, 5), limited(True)) == []


def test_a_step_needs_a_service_of_the_environment(tmp_path: Path) -> None:
    other = HERE.model_copy(update={"services": {"till": Service(url="http://till")}})
    assert refused(tmp_path, for_users(tmp_path, 1), other) == [
        "s.yaml:10: test has no service 'shop'; known here: till",
        "s.yaml:18: test has no service 'shop'; known here: till",
    ]


@pytest.mark.parametrize(
    ("profile", "message"),
    [
        (
            {"rate": "21/s", "duration": "1s", "max_users": 5},
            "asks for 21 iterations a second, and test allows 20",
        ),
        (
            {"rate": "from 0/s to 21/s over 1s", "max_users": 5},
            "asks for 21 iterations a second, and test allows 20",
        ),
        (
            {"rate": "20/s", "duration": "1s"},
            "without max_users may take 100 users, and test allows 5",
        ),
        (
            {"rate": "20/s", "duration": "1m", "max_users": 5},
            "asks for 1,200 iterations, and test allows 1,000",
        ),
        ({"users": 2, "iterations": 1_001}, "asks for 1,001 iterations, and test allows 1,000"),
    ],
)
def test_a_profile_that_exceeds_a_limit_of_the_environment_is_refused(
    tmp_path: Path, profile: dict[str, Any], message: str
) -> None:
    limits = LoadLimits.model_validate(
        {"allowed": True, "max_users": 5, "max_iterations": 1_000, "max_rate": "20/s"}
    )
    environment = HERE.model_copy(update={"load": limits})
    assert refused(tmp_path, profile_of(tmp_path, **profile), environment) == [
        f"environment.yaml:2: the profile 'many' {message}"
    ]


@pytest.mark.parametrize(
    "profile", [{"rate": "1/s", "duration": "1s"}, {"users": 1, "duration": "1s"}]
)
def test_a_rate_or_a_duration_is_a_load_however_small(
    tmp_path: Path, profile: dict[str, Any]
) -> None:
    assert refused(tmp_path, profile_of(tmp_path, **profile), limited(False)) == [
        "environment.yaml:2: the profile 'many' is a load, and test allows none; "
        "e2e is one iteration"
    ]


def test_a_misspelt_service_is_reported_with_its_step(tmp_path: Path) -> None:
    written(tmp_path, GOOD.replace("GET shop", "GET shoop"))
    assert refused(tmp_path, read_scenario(tmp_path / "s.yaml"), HERE) == [
        "s.yaml:18: test has no service 'shoop'; did you mean shop?"
    ]


@pytest.mark.parametrize(
    ("service", "words"),
    [("shp", "did you mean shop?"), ("payments", "known here: shop"), ("Shop", "did you mean")],
)
def test_the_service_of_a_quantity_is_one_of_the_environment(
    tmp_path: Path, service: str, words: str
) -> None:
    counter = "    prometheus: calls_total\n"
    written(tmp_path, GOOD.replace(counter, f"{counter}    service: {service}\n"))
    (problem,) = refused(tmp_path, read_scenario(tmp_path / "s.yaml"), HERE)
    assert problem.startswith(f"s.yaml:8: test has no service '{service}'; {words}")


@pytest.mark.parametrize("key", ["database", "traces"])
@pytest.mark.parametrize(
    ("databases", "words"),
    [
        ({"billing": "sqlite:///b.db"}, "did you mean billing?"),
        ({"orders": "sqlite:///o.db"}, "known here: orders"),
        ({}, "none is known here"),
    ],
)
def test_a_database_that_the_environment_lacks_is_reported_with_its_query(
    tmp_path: Path, key: str, databases: dict[str, str], words: str
) -> None:
    query = f"    {key}: {{biling: SELECT count(*) FROM calls}}\n"
    written(tmp_path, GOOD.replace("    prometheus: calls_total\n", f"    prometheus: c\n{query}"))
    environment = HERE.model_copy(update={"databases": databases})
    assert refused(tmp_path, read_scenario(tmp_path / "s.yaml"), environment) == [
        f"s.yaml:8: test has no database 'biling'; {words}"
    ]


_USAGE = '{get: "/{{ tenant }}", pick: units, absolute: true}'


def _with_api(folder: Path, **changes: object) -> list[str]:
    text = f"    prometheus: c\n    api: {{billing: {_USAGE}}}\n"
    written(folder, GOOD.replace("    prometheus: calls_total\n", text))
    environment = HERE.model_copy(update=changes)
    return refused(folder, read_scenario(folder / "s.yaml"), environment)


def test_an_api_that_the_environment_lacks_is_reported_with_its_request(tmp_path: Path) -> None:
    apis = {"biling": Api(url="http://usage.example")}
    assert _with_api(tmp_path, apis=apis) == [
        "s.yaml:8: test has no API 'billing'; did you mean biling?"
    ]


@pytest.mark.parametrize("tenant", ["per run", "acme"])
def test_an_absolute_count_needs_a_tenant_that_no_earlier_run_had(
    tmp_path: Path, tenant: str
) -> None:
    apis = {"billing": Api(url="http://usage.example")}
    problems = _with_api(tmp_path, apis=apis, tenant=tenant)
    words = "test has one tenant for all runs, so that counts of earlier ones are in it"
    assert problems == ([] if tenant == "per run" else [f"s.yaml:8: {words}; remove absolute"])


@pytest.mark.parametrize(
    ("scheme", "extra"),
    [
        ("postgresql", "postgresql"), ("postgres", "postgresql"),
        ("postgresql+psycopg", "postgresql"), ("mysql", "mysql"), ("mariadb", "mysql"),
        ("mysql2", "mysql"),
    ],
)  # fmt: skip
def test_a_database_whose_driver_is_missing_is_reported_where_it_is_named(
    tmp_path: Path, scheme: str, extra: str
) -> None:
    path = tmp_path / "e.yaml"
    path.write_text("environment: e\nservices: {}\ndatabases:\n  main: sqlite:///x\n  old: ''\n")
    databases = {"main": "sqlite:///x", "old": f"{scheme}://db/x"}
    environment = Environment.model_construct(environment="e", databases=databases)
    found = find_missing_drivers(environment, path, lambda extra: f"no {extra}")
    assert [str(each) for each in found] == [f"{path}:5: no {extra}"]
    assert find_missing_drivers(environment, path, lambda _: "") == []


def test_a_check_of_prometheus_needs_one(tmp_path: Path) -> None:
    (problem,) = refused(tmp_path, good_scenario(tmp_path), ENVIRONMENT)
    assert problem.startswith("s.yaml:27: the check 'few' asks Prometheus, and test has none; add ")


TIMED = "  server_latency: [{histogram: took_seconds, p95: 1s, service: shoop}]\n  usage:"


def test_the_service_of_a_histogram_is_one_of_the_environment(tmp_path: Path) -> None:
    scenario = read_scenario(changed(tmp_path, "  usage:", TIMED))
    (problem,) = refused(tmp_path, scenario, HERE)
    assert problem.endswith("test has no service 'shoop'; did you mean shop?")


def test_a_histogram_needs_a_page_or_a_prometheus(tmp_path: Path) -> None:
    timed = TIMED.replace(", service: shoop", "")
    scenario = read_scenario(changed(tmp_path, "  usage:", timed))
    hidden = {"shop": Service(url="http://shop.example", metrics="none")}
    assert refused(tmp_path, scenario, HERE.model_copy(update={"services": hidden})) == []
    alone = ENVIRONMENT.model_copy(update={"services": hidden})
    assert any(
        "no service of test shows metrics" in each for each in refused(tmp_path, scenario, alone)
    )


def test_everything_that_is_lacking_or_forbidden_is_reported_at_once(tmp_path: Path) -> None:
    text = GOOD.replace("GET shop", "GET shoop").replace("users: 1", "users: 9")
    written(tmp_path, text.replace("prometheus: calls_total", "database: {main: SELECT 1}"))
    problems = refused(tmp_path, read_scenario(tmp_path / "s.yaml"), limited(True))
    assert [each.partition(": ")[0] for each in problems] == [
        "s.yaml:18", "environment.yaml:2", "s.yaml:7",
    ]  # fmt: skip


def test_a_header_that_is_left_out_is_one_that_would_be_sent(tmp_path: Path) -> None:
    left_out = "    headers: {X-Tenant: null, accpt: null, Authorization: null}\n"
    place = "    counts: {calls: 1}"
    scenario = read_scenario(written(tmp_path, GOOD.replace(place, f"{left_out}{place}")))
    assert refused(tmp_path, scenario, HERE) == [
        "s.yaml:19: no header 'X-Tenant' is sent, which could be left out; "
        "did you mean X-Tenant-ID?",
        "s.yaml:19: no header 'accpt' is sent, which could be left out; did you mean Accept?",
    ]


def data_conflicts(folder: Path, keys: str, has_end: bool = True) -> list[str]:
    """Return the conflicts of a data source with two rows, used by three users."""
    text = GOOD.replace("quantities:", f"data: {{ids: {{rows: [{{id: 1}}, {{id: 2}}], {keys}}}}}\n"
                        "quantities:").replace("{{ unique }}", "{{ ids.id }}")  # fmt: skip
    path = written(folder, text.replace("users: 1", "users: 3"))
    scenario = read_scenario(path)
    tables = read_tables(scenario, path)
    found = find_data_conflicts(scenario, path, tables, scenario.profiles, has_end=has_end)
    return [str(each).replace(f"{folder}/", "") for each in found]


@pytest.mark.parametrize(("keys", "problems"), [
    ("per: user, order: unique",
     ["s.yaml:2: the users of 'once' need 3 rows, and ids has 2; add rows, or write at_end: wrap"]),
    ("per: user, order: unique, at_end: wrap", []),
    ("per: user, order: unique, contention: 2", []),
    ("per: user", []),
    ("order: unique", []),
])  # fmt: skip
def test_each_user_needs_a_row_of_its_own_if_rows_of_users_are_unique(
    tmp_path: Path, keys: str, problems: list[str]
) -> None:
    assert data_conflicts(tmp_path, keys) == problems


def test_a_watch_needs_rows_that_never_end(tmp_path: Path) -> None:
    assert data_conflicts(tmp_path, "order: unique", has_end=False) == [
        "s.yaml:2: a watch goes on when every row of ids has been used; write at_end: wrap, or "
        "order: cyclic"
    ]
    assert data_conflicts(tmp_path, "order: unique, at_end: wrap", has_end=False) == []


def test_unique_rows_need_profiles_that_use_a_known_number_of_them(tmp_path: Path) -> None:
    data = "data: {ids: {rows: [{id: 1}, {id: 2}], order: unique}}\n"
    path = written(tmp_path, data + GOOD.replace("{{ unique }}", "{{ ids.id }}"))
    scenario = read_scenario(path)
    tables = read_tables(scenario, path)
    lasting = Profile.model_validate({"users": 1, "duration": "9s"})
    for profiles, count in (
        ({"once": scenario.profiles["once"], "last": lasting}, 0),
        ({"first": lasting, "once": scenario.profiles["once"]}, 1),
    ):
        found = find_data_conflicts(scenario, path, tables, profiles)
        assert len(found) == count
        assert not find_data_conflicts(scenario, path, tables, profiles, are_driven=False)
    assert str(found[0]).replace(f"{tmp_path}/", "") == (
        "s.yaml:1: the profile 'first' lasts for a time, so it is not known how many rows of ids "
        "it leaves; drive it alone by --profile, or write at_end: wrap"
    )


def test_the_trace_header_is_the_clients_own(tmp_path: Path) -> None:
    headers = "    headers: {x-request-id: mine, X-Other: mine}\n"
    place = "    counts: {calls: 1}"
    scenario = read_scenario(written(tmp_path, GOOD.replace(place, f"{headers}{place}")))
    here = HERE.model_copy(
        update={"trace_header": "X-Request-ID", "headers": {"X-REQUEST-ID": "mine"}}
    )
    message = (
        "the client itself sends X-Request-ID, the trace_header of the environment; leave it out"
    )
    assert refused(tmp_path, scenario, here) == [
        f"s.yaml:19: {message}",
        f"environment.yaml:1: {message}",
    ]


@pytest.mark.parametrize(
    ("matcher", "is_refused"),
    [
        ('env="prod"', True), ('env!="staging"', True), ('env=~"prod|test"', True),
        ('env="staging"', False), ('env=~"s.*"', False), ('kind="prod"', False),
    ],
)  # fmt: skip
def test_a_selector_that_the_match_of_the_environment_rules_out_is_refused(
    tmp_path: Path, matcher: str, is_refused: bool
) -> None:
    text = GOOD.replace("prometheus: calls_total", f"prometheus: 'calls_total{{{matcher}}}'")
    scenario = read_scenario(written(tmp_path, text))
    match = PROMETHEUS.model_copy(update={"match": {"env": "staging"}})
    found = refused(tmp_path, scenario, HERE.model_copy(update={"prometheus": match}))
    assert bool(found) is is_refused
    assert not is_refused or (
        "selects nothing here: prometheus.match of test wants env: staging" in found[0]
    )
