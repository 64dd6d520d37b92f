"""What a command line, a scenario and an environment allow before anything is sent."""

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from config.environment import read_environment
from config.errors import ConfigError
from scenarios.driver.arrivals import OpenModel, arrivals_of
from scenarios.driver.load_process import Workers
from scenarios.driver.load_size import LoadSize, with_load
from scenarios.driver.plan import Local, Plan, PlanRequest, header_problems, read_plan
from scenarios.language.profiles import Profile
from tests.scenarios.shop_scenario import GOOD

LOCAL = Local(faults=("slow",), variables=())
STRONG = "{allowed: true, max_users: 1000, max_rate: 100/s}"
WEAK = "{allowed: true, max_users: 5, max_iterations: 1000, max_rate: 20/s}"
NONE = "{allowed: false}"
FEW = "too few for 4 workers; use fewer workers or more users"
NO_PLACE = "is not HOST:PORT; write for example 10.0.0.5:5557 or [::1]:5557"
NO_LOAD = "is a load, and here allows none; e2e is one iteration"


@pytest.fixture(autouse=True)
def worker_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the key that workers of other machines need."""
    monkeypatch.setenv("TRIAL_BALANCE_WORKER_KEY", "0123456789abcdef")


def planned(
    folder: Path, profiles: str, load: str = STRONG, url: str = "http://shop.example", **asked: Any
) -> Plan:
    """Plan profiles, written in YAML, against an environment with these limits."""
    environment, path = folder / "here.yaml", folder / "s.yaml"
    environment.write_text(
        f"environment: here\nservices: {{shop: {{url: '{url}'}}}}\nload: {load}\n"
        "prometheus: {url: 'http://prometheus.example'}\n"
    )
    path.write_text(GOOD.replace("once: {users: 1, iterations: 1}", profiles))
    names = asked.pop("names", ("many",))
    return read_plan(
        PlanRequest(str(environment), str(path), names, folder / "runs", "", "", **asked), LOCAL
    )


def message_of(folder: Path, profile: str, load: str = STRONG, **asked: Any) -> str:
    """Plan a load that is refused; return the message."""
    with pytest.raises(ConfigError) as error:
        planned(folder, f"many: {profile}", load, **asked)
    return str(error.value).replace(f"{folder}/", "")


def test_all_problems_of_the_files_and_the_fault_are_reported_at_once(
    tmp_path: Path,
) -> None:
    environment = tmp_path / "here.yaml"
    environment.write_text("environment: here\nservices: {till: {url: nowhere}}\n")
    asked = PlanRequest(
        str(environment), "usage_tracking", ("weekly",), tmp_path, "slow", "run.py e2e"
    )
    with pytest.raises(ConfigError) as error:
        read_plan(asked, LOCAL)
    message = str(error.value)
    assert "no profile is named 'weekly'; known here: e2e, benchmark, soak" in message
    assert "faults are seeded into the local stack only" in message
    assert "here.yaml:2: services.till.url: 'nowhere' is not an address" in message


@pytest.mark.parametrize(
    ("asked", "options"),
    [
        ({"users": 5}, "--users"),
        ({"iterations": 5}, "--iterations"),
        ({"users": 5, "iterations": 5}, "--users and --iterations"),
    ],
)
def test_options_for_users_and_iterations_are_refused_for_an_open_model(
    tmp_path: Path, asked: dict[str, Any], options: str
) -> None:
    assert message_of(tmp_path, "{rate: 5/s, duration: 1s}", **asked) == (
        f"many is an open model: its rate determines the load; remove {options}"
    )


@pytest.mark.parametrize(
    ("workers", "message"),
    [
        (
            Workers(elsewhere=1),
            "remote workers need an address to connect to; add --bind HOST:PORT, "
            "an address of this machine",
        ),
        (
            Workers(here=1, bind="5557"),
            f"--bind 5557 {NO_PLACE}",
        ),
        (
            Workers(here=2, elsewhere=2, bind="[::1]:1"),
            f"many has 3 users, {FEW}",
        ),
    ],
)
def test_workers_need_an_address_to_connect_to_and_a_user_each(
    tmp_path: Path, workers: Workers, message: str
) -> None:
    assert message_of(tmp_path, "{users: 3, iterations: 9}", workers=workers) == message


def test_iterations_replace_a_duration() -> None:
    profile = Profile.model_validate({"users": 2, "duration": "5s"})
    changed = with_load(profile, LoadSize(iterations=7))
    assert (changed.users, changed.iterations, changed.duration) == (2, 7, None)


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    """A port of this machine that accepts connections, of which none is expected."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


@pytest.mark.parametrize(
    ("profile", "load", "asked"),
    [
        ("{rate: 5/s, duration: 1s}", STRONG, {"users": 5}),
        ("{rate: 21/s, duration: 1s, max_users: 5}", WEAK, {}),
        ("{users: 6, iterations: 6}", WEAK, {}),
        ("{rate: 1/s, duration: 1s}", NONE, {}),
        ("{users: 1, iterations: 9}", STRONG, {"workers": Workers(here=2)}),
        ("{users: 1}", STRONG, {}),
        ("{users: 1, iterations: 1}", STRONG, {"names": ("few",)}),
    ],
)
def test_a_refused_plan_has_sent_nothing_and_written_nothing(
    tmp_path: Path, listening: socket.socket, profile: str, load: str, asked: dict[str, Any]
) -> None:
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    with pytest.raises(ConfigError):
        planned(tmp_path, f"many: {profile}", load, url, **asked)
    with pytest.raises(BlockingIOError):
        listening.accept()
    assert {each.name for each in tmp_path.iterdir()} == {"here.yaml", "s.yaml"}


@pytest.mark.parametrize(
    "profile",
    [
        "{users: 5, iterations: 1000}",
        "{users: 5, duration: 1h, think: 1s}",
        "{rate: 20/s, duration: 50s, max_users: 5}",
        "{rate: 1200/m, duration: 50s, max_users: 5}",
        "{rate: from 20/s to 0/s over 100s, max_users: 5}",
        "{stages: [0/s for 1h, from 0/s to 20/s over 10s, 20/s for 45s], max_users: 5}",
    ],
)
def test_a_load_may_be_as_large_as_the_limits(tmp_path: Path, profile: str) -> None:
    plan = planned(tmp_path, f"many: {profile}", WEAK)
    assert plan.profiles == {"many": plan.scenario.profiles["many"]}


@pytest.mark.parametrize(
    ("profile", "asks"),
    [
        ("{users: 6, iterations: 6}", ["asks for 6 users, and here allows 5"]),
        ("{users: 6, duration: 6s}", ["asks for 6 users, and here allows 5"]),
        ("{users: 5, iterations: 1001}", ["asks for 1,001 iterations, and here allows 1,000"]),
        (
            "{stages: [1/s for 1s, from 20/s to 20.5/s over 1s, 1/s for 1s], max_users: 5}",
            ["asks for 20.5 iterations a second, and here allows 20"],
        ),
        (
            "{rate: from 30/s to 0/s over 100s}",
            [
                "without max_users may take 100 users, and here allows 5",
                "asks for 1,500 iterations, and here allows 1,000",
                "asks for 30 iterations a second, and here allows 20",
            ],
        ),
    ],
)
def test_every_limit_that_a_load_exceeds_is_reported(
    tmp_path: Path, profile: str, asks: list[str]
) -> None:
    message = message_of(tmp_path, profile, WEAK).splitlines()
    assert message == [f"here.yaml:3: the profile 'many' {each}" for each in asks]


def test_poisson_arrivals_are_counted_as_they_will_be_drawn(tmp_path: Path) -> None:
    profile = {"rate": "20/s", "duration": "1m", "arrivals": "poisson", "seed": 5}
    arrivals = arrivals_of(Profile.model_validate(profile))
    assert isinstance(arrivals, OpenModel)
    written = "{rate: 20/s, duration: 1m, arrivals: poisson, seed: 5, max_users: 5}"
    assert f"asks for {len(list(arrivals.due_times())):,} iterations" in message_of(
        tmp_path, written, WEAK
    )


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"users": 6}, ["6 users, and here allows 5"]),
        ({"iterations": 1_001}, ["1,001 iterations, and here allows 1,000"]),
        (
            {"users": 6, "iterations": 1_001},
            ["6 users, and here allows 5", "1,001 iterations, and here allows 1,000"],
        ),
    ],
)
def test_an_option_that_exceeds_a_limit_of_the_environment_is_refused(
    tmp_path: Path, asked: dict[str, Any], message: list[str]
) -> None:
    refused = message_of(tmp_path, "{users: 2, iterations: 2}", WEAK, **asked).splitlines()
    assert refused == [f"here.yaml:3: the profile 'many' asks for {each}" for each in message]


@pytest.mark.parametrize(
    "profile",
    [
        "{users: 2, iterations: 2}",
        "{users: 1, iterations: 2}",
        "{users: 2, iterations: 1}",
        "{users: 1, duration: 1s}",
        "{rate: 1/h, duration: 1s, max_users: 1}",
        "{stages: [from 0/s to 1/s over 1s], max_users: 1}",
    ],
)
def test_more_than_one_iteration_is_refused_where_no_load_is_allowed(
    tmp_path: Path, profile: str
) -> None:
    message = message_of(tmp_path, profile, NONE)
    assert message == f"here.yaml:3: the profile 'many' {NO_LOAD}"


def test_options_that_reduce_a_load_to_one_iteration_allow_it_anywhere(tmp_path: Path) -> None:
    plan = planned(tmp_path, "many: {users: 9, duration: 1h}", NONE, users=1, iterations=1)
    assert (plan.profiles["many"].users, plan.profiles["many"].iterations) == (1, 1)


@pytest.mark.parametrize("asked", [{"users": 2}, {"iterations": 2}])
def test_options_that_make_a_load_are_refused_where_none_is_allowed(
    tmp_path: Path, asked: dict[str, Any]
) -> None:
    message = message_of(tmp_path, "{users: 1, iterations: 1}", NONE, **asked)
    assert message == f"here.yaml:3: the profile 'many' {NO_LOAD}"


def test_only_the_selected_profiles_are_compared_with_the_limits(tmp_path: Path) -> None:
    profiles = "many: {users: 6, iterations: 6}\n  few: {users: 1, iterations: 1}"
    assert list(planned(tmp_path, profiles, WEAK, names=("few",)).profiles) == ["few"]
    with pytest.raises(ConfigError, match="the profile 'many' asks for 6 users"):
        planned(tmp_path, profiles, WEAK, names=("few", "many"))


def test_all_problems_of_options_workers_and_limits_are_reported_at_once(tmp_path: Path) -> None:
    profiles = "many: {users: 2, iterations: 2}\n  open: {rate: 21/s, duration: 1s, max_users: 4}"
    with pytest.raises(ConfigError) as error:
        planned(
            tmp_path, profiles, WEAK, names=("many", "open"), users=6,
            workers=Workers(here=3, elsewhere=4),
        )  # fmt: skip
    assert str(error.value).replace(f"{tmp_path}/", "").splitlines() == [
        "open is an open model: its rate determines the load; remove --users",
        "remote workers need an address to connect to; add --bind HOST:PORT, "
        "an address of this machine",
        "many has 6 users, too few for 7 workers; use fewer workers or more users",
        "open has 4 users, too few for 7 workers; use fewer workers or more users",
        "here.yaml:3: the profile 'many' asks for 6 users, and here allows 5",
        "here.yaml:3: the profile 'open' asks for 21 iterations a second, and here allows 20",
    ]


@pytest.mark.parametrize(
    "bind",
    ["127.0.0.1:5557", "tester.example:1", "tester-1:65535", "[::1]:5557", "[fe80::1.2.3.4]:5557"],
)
def test_a_host_and_port_can_be_bound(tmp_path: Path, bind: str) -> None:
    workers = Workers(here=1, elsewhere=1, bind=bind)
    plan = planned(tmp_path, "many: {users: 2, iterations: 2}", workers=workers)
    assert plan.asked.workers == workers


NO_ADDRESSES = ["5557", "tester", "tester:", ":5557", "::1:5557", "[]:5557", "[tester]:5557",
                "a b:5557", "http://tester:5557", "tester/x:5557", "tester:x", "tester:123456",
                "tester:-1", "tester:5557 "]  # fmt: skip


@pytest.mark.parametrize("bind", NO_ADDRESSES)
def test_anything_but_a_host_and_port_is_refused(tmp_path: Path, bind: str) -> None:
    workers = Workers(here=1, elsewhere=1, bind=bind)
    message = message_of(tmp_path, "{users: 2, iterations: 2}", workers=workers)
    assert message == f"--bind {bind} {NO_PLACE}"


@pytest.mark.parametrize("bind", ["tester:0", "tester:65536", "tester:99999"])
def test_a_port_out_of_range_is_refused(tmp_path: Path, bind: str) -> None:
    workers = Workers(here=1, elsewhere=1, bind=bind)
    assert f"--bind {bind}" in message_of(tmp_path, "{users: 2, iterations: 2}", workers=workers)


@pytest.mark.parametrize(
    ("profile", "workers"),
    [
        ("{users: 3, iterations: 9}", Workers(here=3)),
        ("{users: 3, duration: 9s}", Workers(here=1, elsewhere=2, bind="tester:5557")),
        ("{rate: 1/s, duration: 9s}", Workers(here=100)),
        ("{rate: 1/s, duration: 9s, max_users: 3}", Workers(here=3)),
    ],
)
def test_each_worker_may_have_one_user(tmp_path: Path, profile: str, workers: Workers) -> None:
    assert planned(tmp_path, f"many: {profile}", workers=workers).asked.workers == workers


@pytest.mark.parametrize(
    ("profile", "asked", "message"),
    [
        (
            "{users: 3, iterations: 9}",
            {},
            f"many has 3 users, {FEW}",
        ),
        (
            "{users: 9, iterations: 9}",
            {"users": 2},
            f"many has 2 users, {FEW}",
        ),
        (
            "{rate: 1/s, duration: 9s, max_users: 3}",
            {},
            f"many has 3 users, {FEW}",
        ),
    ],
)
def test_more_workers_than_users_are_refused(
    tmp_path: Path, profile: str, asked: dict[str, Any], message: str
) -> None:
    assert message_of(tmp_path, profile, workers=Workers(here=4), **asked) == message


def test_other_users_and_iterations_keep_the_rest_of_a_profile() -> None:
    written = {"users": 2, "iterations": 3, "max_duration": "9s", "think": "1s to 3s"}
    profile = Profile.model_validate(written)
    assert with_load(profile, LoadSize()) == profile
    assert with_load(profile, LoadSize(5, 7)) == Profile.model_validate(
        written | {"users": 5, "iterations": 7}
    )
    assert with_load(profile, LoadSize(5)) == Profile.model_validate(written | {"users": 5})


def test_an_open_model_is_not_changed_by_options() -> None:
    profile = Profile.model_validate({"rate": "5/s", "duration": "9s"})
    assert with_load(profile, LoadSize(5, 7)) == profile


def test_iterations_that_replace_a_duration_remove_its_warm_up(
    tmp_path: Path,
) -> None:
    try:
        plan = planned(tmp_path, "many: {users: 2, duration: 9s, warm_up: 5s}", iterations=7)
    except ConfigError:
        return
    assert plan.profiles["many"].warm_up is None


def test_a_rate_slightly_over_the_limit_is_not_rounded_to_it(tmp_path: Path) -> None:
    message = message_of(tmp_path, "{rate: 20.00001/s, duration: 1s, max_users: 5}", WEAK)
    assert "asks for 20 iterations" not in message


def test_a_command_without_witnesses_needs_no_prometheus_and_no_database(tmp_path: Path) -> None:
    planned(tmp_path, "many: {users: 1, iterations: 1}")
    environment, scenario = tmp_path / "here.yaml", tmp_path / "s.yaml"
    environment.write_text(environment.read_text().partition("prometheus:")[0])
    query = "database: {main: SELECT count(*) FROM calls}"
    scenario.write_text(scenario.read_text().replace("prometheus: calls_total", query))
    asked = PlanRequest(str(environment), str(scenario), (), tmp_path, "", "")
    read_plan(replace(asked, has_witnesses=False), LOCAL)
    with pytest.raises(ConfigError) as error:
        read_plan(asked, LOCAL)
    assert "s.yaml:7: here has no database 'main'" in str(error.value)
    assert "s.yaml:27: the check 'few' asks Prometheus" in str(error.value)


def test_an_endless_load_is_refused(tmp_path: Path) -> None:
    assert "many" in message_of(tmp_path, f"{{rate: 1/s, duration: {'9' * 400}s}}")


@pytest.mark.timeout(2)
def test_a_load_far_beyond_the_limits_is_refused_at_once(tmp_path: Path) -> None:
    profile = "{rate: 100000/s, duration: 7d, arrivals: poisson}"
    assert "iterations a second, and here allows 20" in message_of(tmp_path, profile, WEAK)


def test_a_header_of_a_service_with_an_unknown_variable_is_reported_with_its_line(
    tmp_path: Path,
) -> None:
    path = tmp_path / "here.yaml"
    path.write_text(
        "environment: here\nservices:\n  shop:\n    url: http://shop.example\n"
        "    headers:\n      X-A: '{{ tenant }}'\n      X-B: '{{ order }}'\n"
    )
    (problem,) = header_problems(read_environment(path), path)
    assert problem.line == 7
    hint = "known here: tenant, "
    start = "the header 'X-B' uses the unknown variable 'order'; "
    assert problem.message.startswith(start + hint)


def test_a_misspelt_variable_of_a_header_is_reported_with_the_nearest(tmp_path: Path) -> None:
    path = tmp_path / "here.yaml"
    path.write_text(
        "environment: here\nservices: {shop: {url: http://shop.example}}\n"
        "headers: {X-A: '{{ tenat }}'}\n"
    )
    (problem,) = header_problems(read_environment(path), path)
    assert problem.message.endswith("unknown variable 'tenat'; did you mean tenant?")


def test_a_file_that_a_scenario_names_must_be_there(tmp_path: Path) -> None:
    environment, path = tmp_path / "here.yaml", tmp_path / "s.yaml"
    environment.write_text("environment: here\nservices: {till: {url: 'http://till.example'}}\n")
    path.write_text(GOOD.replace('    json: {owner: "{{ unique }}"}', "    file: a.bin"))
    asked = PlanRequest(str(environment), str(path), ("*",), tmp_path / "runs", "", "")
    with pytest.raises(ConfigError) as error:
        read_plan(asked, LOCAL)
    assert "s.yaml:11: the file 'a.bin' does not exist; a path is relative to" in str(error.value)
    assert "s.yaml:10: here has no service 'shop'" in str(error.value)


def test_a_variable_of_the_scenario_that_is_not_set_is_one_sentence_with_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SHOP_KEY", raising=False)
    path = tmp_path / "keyed.yaml"
    path.write_text(GOOD.replace("GET shop /orders/{{ order }}", "GET shop /o?key=${SHOP_KEY}"))
    planned(tmp_path, "many: {users: 1, iterations: 1}")
    asked = PlanRequest(str(tmp_path / "here.yaml"), str(path), ("once",), tmp_path, "", "")
    with pytest.raises(ConfigError) as error:
        read_plan(asked, LOCAL)
    line = path.read_text().splitlines().index("    request: GET shop /o?key=${SHOP_KEY}") + 1
    assert str(error.value) == (
        f"{path}:{line}: the environment variable SHOP_KEY is not set; export it first"
    )
    assert read_plan(replace(asked, allow_unset=True), LOCAL)
    monkeypatch.setenv("SHOP_KEY", "hunter22")
    assert read_plan(asked, LOCAL)


def test_a_plan_has_the_rows_of_the_data_files_and_every_mistake_in_them(tmp_path: Path) -> None:
    environment, path = tmp_path / "here.yaml", tmp_path / "s.yaml"
    environment.write_text(
        f"environment: here\nservices: {{shop: {{url: 'http://shop'}}}}\nload: {NONE}\n"
        "prometheus: {url: 'http://prometheus.example'}\n"
    )
    data = "data: {c: {file: c.csv}}\n"
    path.write_text(data + GOOD.replace('"{{ unique }}"', '"{{ c.id }}"'))
    asked = PlanRequest(str(environment), str(path), ("once",), tmp_path / "runs", "", "")
    (tmp_path / "c.csv").write_text("id,plan\nc1,gold\n")
    assert list(read_plan(asked, LOCAL).tables["c"].rows) == [{"id": "c1", "plan": "gold"}]
    (tmp_path / "c.csv").write_text("id,plan\nc1,gold\nc2\n")
    with pytest.raises(ConfigError) as error:
        read_plan(replace(asked, users=2), LOCAL)
    assert str(error.value).replace(f"{tmp_path}/", "").splitlines() == [
        "c.csv:3: 1 field, the header has 2; quote a field that has a comma",
        f"here.yaml:3: the profile 'once' {NO_LOAD}",
    ]


def test_a_watch_is_planned_only_with_rows_that_never_end(tmp_path: Path) -> None:
    def message(**asked: Any) -> str:
        (tmp_path / "c.csv").write_text("id\nc1\n")
        environment, path = tmp_path / "here.yaml", tmp_path / "s.yaml"
        environment.write_text("environment: here\nservices: {shop: {url: 'http://shop'}}\n"
                               "prometheus: {url: 'http://prometheus.example'}\n")  # fmt: skip
        data = "data: {c: {file: c.csv, order: unique}}\n"
        path.write_text(data + GOOD.replace('"{{ unique }}"', '"{{ c.id }}"'))
        names = ("once",)
        try:
            read_plan(PlanRequest(str(environment), str(path), names, tmp_path, "", "", **asked),
                      LOCAL)  # fmt: skip
        except ConfigError as error:
            return str(error)
        return ""

    assert message() == ""
    assert "a watch goes on when every row of c has been used" in message(has_witnesses=False)


@pytest.mark.parametrize(
    ("asked", "messages"),
    [
        ({"rate": "20"}, ["--rate: '20' is not a rate; write for example 20/s, 90/m or 500/h"]),
        ({"rate": "20/s", "duration": "0s"}, ["--duration: '0s' is not a duration above zero"]),
        ({"rate": "x", "duration": "y"}, ["--rate: 'x' is not a rate", "--duration: 'y' is not"]),
        ({"rate": "20/s"}, ["--rate has no duration; add one, as in --duration 10m"]),
        ({"rate": "900/s", "duration": "1m"}, ["asks for 900 iterations a second"]),
    ],
)
def test_a_rate_and_a_duration_are_held_to_the_rules_of_a_profile(
    tmp_path: Path, asked: dict[str, str], messages: list[str]
) -> None:
    refusal = message_of(tmp_path, "{users: 2, iterations: 5}", **asked)
    assert all(message in refusal for message in messages)


def test_a_plan_has_the_rate_and_the_duration_that_were_asked_for(tmp_path: Path) -> None:
    plan = planned(tmp_path, "many: {users: 2, iterations: 5}", rate="90/m", duration="2m")
    assert plan.size == LoadSize(rate_per_s=1.5, duration_s=120.0)
    assert (plan.profiles["many"].max_rate_per_s, plan.profiles["many"].duration_s) == (1.5, 120.0)
