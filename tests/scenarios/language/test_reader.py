"""Is a right scenario read, and is every mistake in a wrong one reported at once?"""

import re
from pathlib import Path

import pytest

from config.errors import ConfigError
from scenarios.language.reader import FOLDER, find_scenario, read_scenario
from tests.scenarios.shop_scenario import changed, good_scenario, written

SHIPPED = sorted(FOLDER.glob("*.yaml"))


def said(path: Path) -> list[str]:
    with pytest.raises(ConfigError) as error:
        read_scenario(path)
    return str(error.value).replace(f"{path.parent}/", "").splitlines()


def test_a_good_scenario_is_read(tmp_path: Path) -> None:
    scenario = good_scenario(tmp_path)
    create, read = scenario.flow
    assert create.request_parts() == ("POST", "shop", "/orders")
    assert read.request_parts() == ("GET", "shop", "/orders/{{ order }}")
    assert create.expect.answer == {"state": "done"}
    assert create.counts == {"made": {"a": 1, "b": 2}, "calls": 1}
    assert scenario.checks.latency[0].limits() == {95.0: 2.0}
    assert scenario.checks.promql[0].comparison() == ("==", 0.0)
    assert scenario.profiles["once"].iterations == 1


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_scenario_has_no_mistake(path: Path) -> None:
    scenario = read_scenario(path)
    assert scenario.scenario.replace("-", "_") == path.stem
    assert set(scenario.profiles) >= {"e2e", "benchmark"}
    assert set(scenario.checks.usage) == set(scenario.quantities)


@pytest.mark.parametrize(
    "query",
    [
        "select 1",
        "-- all of them;\nSELECT count(*) FROM calls",
        "/* a; b */ WITH c AS (SELECT 1) SELECT * FROM c;",
        "SELECT count(*) FROM calls WHERE what = 'a;b' AND \"odd;name\" = 1",
        "SELECT count(*)::int, days[1:2] FROM calls WHERE tenant = :tenant AND at > '12:30'",
    ],
)
def test_a_question_is_read_however_it_is_written(tmp_path: Path, query: str) -> None:
    folded = "\n".join(f"        {line}" for line in query.splitlines())
    asking = f"database:\n      main: |\n{folded}"
    path = changed(tmp_path, "prometheus: calls_total", asking)
    assert read_scenario(path).quantities["calls"].database


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
            "known here: scenario, description, quantities, flow, profiles, checks"
        ],
        id="unknown key near to nothing",
    ),
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
            "write a number and a unit: 500ms, 2.5s, 10m"
        ],
        id="wrong unit",
    ),
    pytest.param(
        "  usage:",
        "  success_rate: 0.99\n  usage:",
        [
            "s.yaml:25: checks.success_rate: 0.99 is not a percentage from 0% to 100%; "
            "write for example 99.5%"
        ],
        id="a ratio for a percentage",
    ),
    pytest.param(
        "  usage:",
        "  regression: {p95: 20%, steps: [iteration, creat]}\n  usage:",
        ["s.yaml:25: unknown step 'creat'; did you mean create?"],
        id="a regression of a step that there is not",
    ),
    pytest.param(
        "/orders/{{ order }}",
        "/orders/{{ ordr }}",
        ["s.yaml:18: 'ordr' is used before any step saves it; did you mean order?"],
        id="name never saved",
    ),
    pytest.param(
        'owner: "{{ unique }}"',
        'owner: "{{ order }}"',
        [
            "s.yaml:11: 'order' is used before any step saves it; "
            "known here: tenant, run, iteration, unique"
        ],
        id="name used by the step that saves it",
    ),
    pytest.param(
        "state: done",
        'state: "{{ order }}"',
        [
            "s.yaml:12: 'order' is used before any step saves it; "
            "known here: tenant, run, iteration, unique"
        ],
        id="name expected before it is saved",
    ),
    pytest.param(
        "    counts: {calls: 1}",
        '    headers: {X-Order: "{{ oder }}"}\n    counts: {calls: 1}',
        ["s.yaml:19: 'oder' is used before any step saves it; did you mean order?"],
        id="name never saved in a header",
    ),
    pytest.param(
        'query: sum(errors_total{tenant="{{ tenant }}"})',
        'query: errors_total{run="{{ run }}"}',
        ["s.yaml:28: 'run' is used before any step saves it; known here: tenant, window"],
        id="name that a query does not have",
    ),
    pytest.param(
        "prometheus: calls_total",
        'prometheus: calls_total{run="{{ run }}"}',
        ["s.yaml:7: 'run' is used before any step saves it; known here: tenant"],
        id="name that a selector does not have",
    ),
    pytest.param(
        "flow:",
        "  lost: {prometheus: lost_total}\nflow:",
        ["s.yaml:8: no step moves 'lost'; add it to the counts of a step, or remove it"],
        id="quantity that no step moves",
    ),
    pytest.param(
        "flow:",
        "  call: {prometheus: call_total}\nflow:",
        ["s.yaml:8: no step moves 'call'; add it to the counts of a step, or remove it"],
        id="quantity that no step moves, near to one that is moved",
    ),
    pytest.param(
        "    counts: {calls: 1}",
        "    counts: {calls: 1, call: 1}",
        ["s.yaml:19: unknown quantity 'call'; did you mean calls?"],
        id="unknown quantity",
    ),
    pytest.param(
        "made: {a: 1, b: 2}",
        "maed: {a: 1, b: 2}",
        ["s.yaml:15: unknown quantity 'maed'; did you mean made?"],
        id="misspelt quantity, said once",
    ),
    pytest.param(
        "made: {a: 1, b: 2}",
        "made: 3",
        ["s.yaml:15: counted by kind: write a number for each kind"],
        id="number where labels are needed",
    ),
    pytest.param(
        "made: {a: 1, b: 2}",
        "made: {a: {x: 1}}",
        ["s.yaml:15: this quantity has no further label; write one number"],
        id="more labels than the quantity has",
    ),
    pytest.param(
        "counts: {calls: 1}",
        "counts: {calls: {a: 1}}",
        ["s.yaml:19: this quantity has no further label; write one number"],
        id="labels where a number is needed",
    ),
    pytest.param(
        "by: [kind]",
        "by: [kind, size]",
        [
            "s.yaml:15: counted by size: write a number for each size",
        ],
        id="fewer labels than the quantity has",
    ),
    pytest.param(
        "counts: {calls: 1}",
        "counts: {calls: -1}",
        ["s.yaml:19: a counter cannot go down; write a number from 0"],
        id="negative count",
    ),
    pytest.param(
        "counts: {calls: 1}",
        "counts: {calls: 1.5}",
        [
            "s.yaml:19: flow.1.counts.calls: input should be a valid integer",
            "s.yaml:19: flow.1.counts.calls: input should be a valid dictionary",
        ],
        id="count that is not whole",
    ),
    pytest.param(
        "counts: {calls: 1}",
        "counts: {calls: {a: x}}",
        [
            "s.yaml:19: flow.1.counts.calls: input should be a valid integer",
            "s.yaml:19: flow.1.counts.calls.a: input should be a valid integer",
            "s.yaml:19: flow.1.counts.calls.a: input should be a valid dictionary",
        ],
        id="count by label that is no number",
    ),
    pytest.param(
        "prometheus: calls_total",
        "prometheus: sum(calls_total)",
        [
            "s.yaml:7: 'sum(calls_total)' is not a plain selector; write "
            'name{label="value"} and nothing around it: '
            "the exact increase is computed from its raw samples"
        ],
        id="a sum for a selector",
    ),
    pytest.param(
        "prometheus: calls_total",
        "prometheus: calls_total[5m]",
        [
            "s.yaml:7: 'calls_total[5m]' is not a plain selector; write "
            'name{label="value"} and nothing around it: '
            "the exact increase is computed from its raw samples"
        ],
        id="a range for a selector",
    ),
    pytest.param(
        "prometheus: calls_total",
        "prometheus: calls_total{a=b}",
        ["s.yaml:7: 'calls_total{a=b}': cannot read the labels at 'a=b'"],
        id="label value without quotes",
    ),
    pytest.param(
        "prometheus: calls_total",
        "shared: true",
        ["s.yaml:6: 'calls' has no witness; add prometheus: or database:"],
        id="quantity without witness",
    ),
    pytest.param(
        "prometheus: calls_total",
        "database: {main: DELETE FROM calls}",
        ["s.yaml:7: only questions are put to a database: begin with SELECT or WITH"],
        id="a query that writes",
    ),
    pytest.param(
        "prometheus: calls_total",
        "database: {main: 'SELECT 1; DELETE FROM calls'}",
        ["s.yaml:7: write one statement; the ; parts it in two"],
        id="two statements in a query",
    ),
    pytest.param(
        "prometheus: calls_total",
        "traces: {main: 'UPDATE calls SET n = 1'}\n    prometheus: calls_total",
        ["s.yaml:7: only questions are put to a database: begin with SELECT or WITH"],
        id="traces that write",
    ),
    pytest.param(
        "prometheus: calls_total",
        "database: {main: 'SELECT count(*) FROM calls WHERE run = :run'}",
        ["s.yaml:7: nothing is known for :run; only :tenant is, and \\: is a plain colon"],
        id="a query with an unknown variable",
    ),
    pytest.param(
        "query: sum(errors_total",
        "query: increase(errors_total",
        [
            "s.yaml:29: increase() extrapolates, so an equality on it is chance; "
            "make it a quantity, which is counted from raw samples"
        ],
        id="increase in an equality",
    ),
    pytest.param(
        'query: sum(errors_total{tenant="{{ tenant }}"})\n      expect: "== 0"',
        'query: rate (errors_total[5m])\n      expect: "!= 0"',
        [
            "s.yaml:29: rate() extrapolates, so an equality on it is chance; "
            "make it a quantity, which is counted from raw samples"
        ],
        id="rate in an inequality",
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
        "iterations: 1}",
        "iterations: 1, duration: 5s}",
        ["s.yaml:21: give either iterations or duration"],
        id="both iterations and duration",
    ),
    pytest.param(
        ", iterations: 1}",
        "}",
        ["s.yaml:21: give either iterations or duration"],
        id="neither iterations nor duration",
    ),
    pytest.param(
        "users: 1",
        "users: 0",
        ["s.yaml:21: profiles.once.users: input should be greater than 0"],
        id="no user",
    ),
    pytest.param(
        "  once: {users: 1, iterations: 1}",
        "  {}",
        ["s.yaml:20: profiles: at least one entry is needed"],
        id="no profile",
    ),
    pytest.param(
        "once:",
        "Once:",
        [
            "s.yaml:21: profiles.Once: 'Once' is not a name; "
            "use small letters, digits and underscores"
        ],
        id="no name",
    ),
    pytest.param(
        "step: read",
        "step: create",
        ["s.yaml:17: the name 'create' is taken; give another"],
        id="duplicate step",
    ),
    pytest.param(
        "step: read",
        "step: iteration",
        ["s.yaml:17: the name 'iteration' is taken; give another"],
        id="step called as the whole",
    ),
    pytest.param(
        "order: id",
        "order: id[",
        None,
        id="not YAML",
    ),
    pytest.param(
        "order: id",
        'order: "id["',
        ["s.yaml:13: 'id[' is not JMESPath: Invalid jmespath expression: Incomplete expression:"],
        id="bad JMESPath to save",
    ),
    pytest.param(
        "state: done",
        '"state[": done',
        [
            "s.yaml:12: 'state[' is not JMESPath: "
            "Invalid jmespath expression: Incomplete expression:"
        ],
        id="bad JMESPath to expect",
    ),
    pytest.param(
        "POST shop /orders",
        "POST /orders",
        [
            "s.yaml:10: flow.0.request: 'POST /orders' is not a request; "
            "write METHOD service /path, as in POST cards /api/v1/cards"
        ],
        id="request without service",
    ),
    pytest.param(
        "POST shop /orders",
        "FETCH shop /orders",
        [
            "s.yaml:10: flow.0.request: 'FETCH shop /orders' is not a request; "
            "write METHOD service /path, as in POST cards /api/v1/cards"
        ],
        id="request with an unknown method",
    ),
    pytest.param(
        "{{ unique }}",
        "{{ unique",
        [
            "s.yaml:11: the template '{{ unique' fails: "
            "unexpected end of template, expected 'end of print statement'."
        ],
        id="template that does not end",
    ),
    pytest.param(
        "{{ unique }}",
        "{{ unique | nosuch }}",
        ["s.yaml:11: the template '{{ unique | nosuch }}' fails: No filter named 'nosuch'."],
        id="template with an unknown filter",
    ),
    pytest.param(
        "status: 201",
        "status: 99",
        ["s.yaml:12: flow.0.expect.status: input should be greater than or equal to 100"],
        id="no status",
    ),
    pytest.param(
        "    counts: {calls: 1}",
        "    counts: {calls: 1}\n    when_rejected: never",
        ["s.yaml:20: flow.1.when_rejected: string should match pattern '^(nothing|in doubt)$'"],
        id="unknown word for a rejection",
    ),
    pytest.param(
        "{p95: 2s}",
        "{step: reed, p95: 2s}",
        ["s.yaml:24: unknown step 'reed'; did you mean read?"],
        id="objective of an unknown step",
    ),
    pytest.param(
        "{p95: 2s}",
        "{step: read}",
        ["s.yaml:24: an objective needs a limit: p50, p95 or p99"],
        id="objective without a limit",
    ),
    pytest.param(
        "usage: [made",
        "usage: [mad",
        ["s.yaml:25: unknown quantity 'mad'; did you mean made?"],
        id="usage of an unknown quantity",
    ),
]


@pytest.mark.parametrize(("old", "new", "expected"), MUTATIONS)
def test_one_mistake_is_reported_with_line_and_remedy(
    tmp_path: Path, old: str, new: str, expected: list[str] | None
) -> None:
    reported = said(changed(tmp_path, old, new))
    if expected is None:
        assert len(reported) == 1
        assert "this is not YAML" in reported[0]
    else:
        assert reported == expected


CLOSED = "belongs to a closed model; leave it out, or leave out the rate"
OPEN = "belongs to an open model; leave it out, or give a rate instead of users"
NEITHER = "give users, and iterations or duration; or a rate, as in 20/s, and duration"
TIMELESS = "give the rate a duration, as in duration: 10m"
TIMED = "ramps and stages say how long they last; leave out duration"
SEEDLESS = "evenly spaced arrivals need no seed; leave it out, or write arrivals: poisson"
ALL_WARM_UP = "the warm-up takes all of the time; make it shorter, or the load longer"
NOTHING = "nothing arrives at a rate of 0; write for example 20/s"
NO_RATE = "is not a rate; write for example 20/s, 90/m or 500/h"
NO_STAGE = "is not a stage; write 20/s for 1m, or from 10/s to 100/s over 2m"

# The profile's name stands in line 21, and each of its keys in a line of its own, from 22 on.
WRONG_PROFILES = [
    ("max_duration: 5s", [f"21: {NEITHER}"]),
    ("duration: 5s", [f"21: {NEITHER}"]),
    ("iterations: 5, think: 1s", [f"21: {NEITHER}"]),
    ("users: 3", ["21: give either iterations or duration"]),
    ("users: 3, max_duration: 5s", ["21: give either iterations or duration"]),
    ("users: 3, iterations: 3, duration: 5s", ["21: give either iterations or duration"]),
    (
        "users: 3, duration: 5s, max_duration: 9s",
        ["21: max_duration bounds iterations; leave it out beside duration"],
    ),
    (
        "users: 3, iterations: 3, warm_up: 1s",
        ["21: a warm-up is a part of the duration; give duration instead of iterations"],
    ),
    ("users: 3, duration: 5s, warm_up: 5s", [f"21: {ALL_WARM_UP}"]),
    ("rate: 20/s, duration: 5s, warm_up: 6s", [f"21: {ALL_WARM_UP}"]),
    ("rate: from 0/s to 9/s over 5s, warm_up: 5s", [f"21: {ALL_WARM_UP}"]),
    ("stages: [1/s for 2s, 9/s for 3s], warm_up: 5s", [f"21: {ALL_WARM_UP}"]),
    ("users: 3, iterations: 3, arrivals: constant", [f"24: arrivals {OPEN}"]),
    ("users: 3, iterations: 3, seed: 0", [f"24: seed {OPEN}"]),
    ("users: 3, iterations: 3, max_users: 9", [f"24: max_users {OPEN}"]),
    ("max_users: 9, duration: 5s", [f"22: max_users {OPEN}"]),
    (
        "seed: 1, users: 3, max_users: 9, arrivals: poisson",
        [f"22: seed {OPEN}", f"24: max_users {OPEN}", f"25: arrivals {OPEN}"],
    ),
    ("rate: 20/s, duration: 5s, users: 3", [f"24: users {CLOSED}"]),
    ("rate: 20/s, duration: 5s, iterations: 3", [f"24: iterations {CLOSED}"]),
    ("stages: [20/s for 5s], think: 1s to 2s", [f"23: think {CLOSED}"]),
    ("rate: from 0/s to 9/s over 5s, max_duration: 9s", [f"23: max_duration {CLOSED}"]),
    ("rate: 20/s, users: 3, think: 1s", [f"23: users {CLOSED}", f"24: think {CLOSED}"]),
    ("rate: 20/s", [f"21: {TIMELESS}"]),
    ("rate: 20/s, warm_up: 1s", [f"21: {TIMELESS}"]),
    ("rate: 20/s, stages: [20/s for 5s]", ["21: give either rate or stages"]),
    ("rate: 20/s, duration: 5s, stages: [9/s for 5s]", ["21: give either rate or stages"]),
    ("rate: from 0/s to 9/s over 5s, duration: 5s", [f"21: {TIMED}"]),
    ("stages: [20/s for 5s], duration: 5s", [f"21: {TIMED}"]),
    ("rate: 0/s, duration: 5s", [f"21: {NOTHING}"]),
    ("rate: from 0/s to 0/s over 5s", [f"21: {NOTHING}"]),
    ("stages: [0/s for 5s, 0/m for 5s]", [f"21: {NOTHING}"]),
    ("rate: 20/s, duration: 5s, seed: 0", [f"21: {SEEDLESS}"]),
    ("rate: 20/s, duration: 5s, seed: 7, arrivals: constant", [f"21: {SEEDLESS}"]),
    ("rate: 20/s, seed: 7", [f"21: {TIMELESS}", f"21: {SEEDLESS}"]),
    (
        "users: 3, duration: 5s, max_duration: 9s, warm_up: 5s",
        ["21: max_duration bounds iterations; leave it out beside duration", f"21: {ALL_WARM_UP}"],
    ),
]

WRONG_VALUES = [
    ("users: 10001, iterations: 3", "22: {}.users: input should be less than or equal to 10000"),
    (
        "rate: 20/s, duration: 5s, max_users: 0",
        "24: {}.max_users: input should be greater than 0",
    ),
    (
        "rate: 20/s, duration: 5s, arrivals: even",
        "24: {}.arrivals: input should be 'constant' or 'poisson'",
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
        "write for example 99.5%",
    ),
]


def profiled(folder: Path, profile: str) -> Path:
    """Write the good scenario with another profile, each of its keys in a line of its own."""
    keys = re.split(r", (?=\w+: )(?![^{]*\})", profile)
    lines = "".join(f"\n    {key}" for key in keys)
    return changed(folder, "  once: {users: 1, iterations: 1}", f"  once:{lines}")


@pytest.mark.parametrize(("profile", "expected"), WRONG_PROFILES)
def test_a_profile_that_does_not_fit_together_is_reported_with_line_and_remedy(
    tmp_path: Path, profile: str, expected: list[str]
) -> None:
    assert said(profiled(tmp_path, profile)) == [f"s.yaml:{each}" for each in expected]


@pytest.mark.parametrize(("profile", "expected"), WRONG_VALUES)
def test_a_value_that_a_profile_cannot_have_is_reported_with_line_and_remedy(
    tmp_path: Path, profile: str, expected: str
) -> None:
    assert f"s.yaml:{expected.format('profiles.once')}" in said(profiled(tmp_path, profile))


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
    read = read_scenario(profiled(tmp_path, profile)).profiles["once"]
    keys = set(re.findall(r"(?:^|, )(\w+): ", re.sub(r"\{.*\}", "{}", profile)))
    assert read.model_fields_set == keys
    assert read.is_open == profile.startswith(("rate", "stages"))


def test_every_wrong_profile_is_reported_at_once(tmp_path: Path) -> None:
    three = (
        "  once: {users: 3}\n  twice: {rate: 20/s, users: 2, duration: 5s}\n  thrice: {rate: 20/s}"
    )
    assert said(changed(tmp_path, "  once: {users: 1, iterations: 1}", three)) == [
        "s.yaml:21: give either iterations or duration",
        f"s.yaml:22: users {CLOSED}",
        f"s.yaml:23: {TIMELESS}",
    ]


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
    assert [each.split(":")[1] for each in said(profiled(tmp_path, profile))] == [line]


def test_a_seed_below_zero_is_refused(tmp_path: Path) -> None:
    profile = "rate: 20/s, duration: 5s, arrivals: poisson, seed: -1"
    assert said(profiled(tmp_path, profile))[0].startswith("s.yaml:25: ")


def test_a_step_may_use_what_an_earlier_step_saved_in_every_place(tmp_path: Path) -> None:
    text = (
        "/orders/{{ order }}\n"
        '    headers: {X-Order: "{{ order }}"}\n'
        '    json: {ids: ["{{ order }}"]}\n'
        '    expect: {json: {id: "{{ order }}"}}'
    )
    assert read_scenario(changed(tmp_path, "/orders/{{ order }}", text)).flow[1].body == {
        "ids": ["{{ order }}"]
    }


def test_an_inequality_may_use_increase(tmp_path: Path) -> None:
    read_scenario(
        changed(
            tmp_path,
            'query: sum(errors_total{tenant="{{ tenant }}"})\n      expect: "== 0"',
            'query: increase(errors_total[{{ window }}])\n      expect: "< 1"',
        )
    )


def test_an_objective_may_name_the_whole_iteration(tmp_path: Path) -> None:
    scenario = read_scenario(changed(tmp_path, "{p95: 2s}", "{step: iteration, p50: 1s, p99: 3s}"))
    assert scenario.checks.latency[0].limits() == {50.0: 1.0, 99.0: 3.0}


def test_mistakes_of_every_sort_are_reported_at_once(tmp_path: Path) -> None:
    wrong = {
        "prometheus: calls_total": "prometheus: sum(calls_total)",  # a rule
        "save: {order": "sav: {order",  # an unknown key
        "{{ order }}": "{{ ordr }}",  # a rule that leans on the mended key
        "status: 201": "status: created",  # a type
        "p95: 2s": "p95: 2",  # a unit
        "usage: [made": "usage: [mad",  # a rule
    }
    text = (changed(tmp_path, "scenario: good", "scenario: bad")).read_text()
    for old, new in wrong.items():
        text = text.replace(old, new, 1)
    reported = said(written(tmp_path, text))
    assert [line.split(":")[1] for line in reported] == ["7", "12", "13", "18", "24", "25"]
    assert reported[3] == (
        "s.yaml:18: 'ordr' is used before any step saves it; did you mean order?"
    )


def test_a_wrong_count_does_not_hide_a_broken_rule_elsewhere(tmp_path: Path) -> None:
    text = changed(tmp_path, "counts: {calls: 1}", "counts: {calls: yes}").read_text()
    reported = said(written(tmp_path, text.replace("usage: [made", "usage: [mad")))
    assert {line.split(":")[1] for line in reported} == {"19", "25"}


def test_a_wrong_value_that_cannot_be_left_out_does_not_hide_a_broken_rule(tmp_path: Path) -> None:
    text = changed(tmp_path, "users: 1", "users: one").read_text()
    reported = said(written(tmp_path, text.replace("usage: [made", "usage: [mad")))
    assert {line.split(":")[1] for line in reported} == {"21", "25"}


def test_a_mended_key_gives_no_further_mistakes(tmp_path: Path) -> None:
    assert said(changed(tmp_path, "quantities:", "quantites:")) == [
        "s.yaml:2: unknown key 'quantites'; did you mean quantities?"
    ]


@pytest.mark.parametrize("name", ["usage_tracking", "usage-tracking"])
def test_a_scenario_is_found_by_its_name(name: str) -> None:
    assert find_scenario(name) == FOLDER / "usage_tracking.yaml"


def test_a_scenario_is_found_by_its_path(tmp_path: Path) -> None:
    assert find_scenario(str(written(tmp_path))) == tmp_path / "s.yaml"


@pytest.mark.parametrize("name", ["nothing", "nothing.yaml", ""])
def test_an_unknown_scenario_is_answered_with_the_known_ones(name: str) -> None:
    with pytest.raises(
        ConfigError,
        match=r"no such scenario; known: onboarding_load, usage_tracking, or a YAML file",
    ):
        find_scenario(name)


def test_a_profile_of_nothing_is_told_what_to_give(tmp_path: Path) -> None:
    assert said(changed(tmp_path, "once: {users: 1, iterations: 1}", "once: {}")) == [
        "s.yaml:21: give users, and iterations or duration; or a rate, as in 20/s, and duration"
    ]
