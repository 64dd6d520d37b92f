from pathlib import Path

import pytest

from scenarios.language.reader import read_scenario
from tests.scenarios.language.wrong_scenarios import problems_in, with_profile
from tests.scenarios.shop_scenario import changed

MUTATIONS = [
    pytest.param(
        "    - {p95: 2s}",
        '    - {p95: 2s}\n    - {step: "read: first event", p95: 500ms}',
        [
            "s.yaml:25: unknown step 'read: first event'; the step 'read' has no stream; "
            "add stream: sse, or stream: json_lines"
        ],
        id="an objective on the first event of no stream",
    ),
    pytest.param(
        "    - {p95: 2s}",
        '    - {step: "read: longest gap", max: 1s}',
        [
            "s.yaml:24: unknown step 'read: longest gap'; the step 'read' has no stream; "
            "add stream: sse, or stream: json_lines"
        ],
        id="an objective on the gaps of no stream",
    ),
    pytest.param(
        "    - {p95: 2s}",
        '    - {step: "read: until done", p95: 2s}',
        ["s.yaml:24: unknown step 'read: until done'; the step 'read' has no until"],
        id="an objective on a wait that there is not",
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
        ["s.yaml:18: the variable 'ordr' is not defined here; did you mean order?"],
        id="name never saved",
    ),
    pytest.param(
        "GET shop /orders/{{ order }}",
        "GET shop {{ nxt }}",
        [
            "s.yaml:18: the variable 'nxt' is not defined here; known here: "
            "tenant, run, iteration, unique, order, trace_id"
        ],
        id="link never saved",
    ),
    pytest.param(
        'owner: "{{ unique }}"',
        'owner: "{{ order }}"',
        [
            "s.yaml:11: the variable 'order' is not defined here; "
            "known here: tenant, run, iteration, unique, trace_id"
        ],
        id="name used by the step that saves it",
    ),
    pytest.param(
        "state: done",
        'state: "{{ order }}"',
        [
            "s.yaml:12: the variable 'order' is not defined here; "
            "known here: tenant, run, iteration, unique, trace_id"
        ],
        id="name expected before it is saved",
    ),
    pytest.param(
        "    counts: {calls: 1}",
        '    headers: {X-Order: "{{ oder }}"}\n    counts: {calls: 1}',
        ["s.yaml:19: the variable 'oder' is not defined here; did you mean order?"],
        id="name never saved in a header",
    ),
    pytest.param(
        'query: sum(errors_total{tenant="{{ tenant }}"})',
        'query: errors_total{run="{{ run }}"}',
        ["s.yaml:28: the variable 'run' is not defined here; known here: tenant, window"],
        id="name that a query does not have",
    ),
    pytest.param(
        "prometheus: calls_total",
        'prometheus: calls_total{run="{{ run }}"}',
        ["s.yaml:7: the variable 'run' is not defined here; known here: tenant"],
        id="name that a selector does not have",
    ),
    pytest.param(
        "flow:",
        "  lost: {prometheus: lost_total}\nflow:",
        ["s.yaml:8: no step counts 'lost'; add it to the counts of a step, or remove it"],
        id="quantity that no step counts",
    ),
    pytest.param(
        "flow:",
        "  call: {prometheus: call_total}\nflow:",
        ["s.yaml:8: no step counts 'call'; add it to the counts of a step, or remove it"],
        id="quantity that no step counts, near to one that is moved",
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
        id="misspelt quantity, reported once",
    ),
    pytest.param(
        "made: {a: 1, b: 2}",
        "made: 3",
        ["s.yaml:15: the quantity has the label kind; write a number per kind"],
        id="number where labels are needed",
    ),
    pytest.param(
        "made: {a: 1, b: 2}",
        "made: {a: {x: 1}}",
        ["s.yaml:15: the quantity has no further label; write one number"],
        id="more labels than the quantity has",
    ),
    pytest.param(
        "counts: {calls: 1}",
        "counts: {calls: {a: 1}}",
        ["s.yaml:19: the quantity has no further label; write one number"],
        id="labels where a number is needed",
    ),
    pytest.param(
        "by: [kind]",
        "by: [kind, size]",
        [
            "s.yaml:15: the quantity has the label size; write a number per size",
        ],
        id="fewer labels than the quantity has",
    ),
    pytest.param(
        "counts: {calls: 1}",
        "counts: {calls: -1}",
        ["s.yaml:19: a counter cannot decrease; write a number of at least 0"],
        id="negative count",
    ),
    pytest.param(
        "prometheus: calls_total",
        "prometheus: calls_total\n    resolution: 0",
        [
            "s.yaml:8: quantities.calls.resolution: 0 is not between 0.000000000001 and "
            "1000000000; write a decimal such as 0.001"
        ],
        id="no resolution",
    ),
    pytest.param(
        "counts: {calls: 1}",
        "counts: {calls: 0.0000001}",
        [
            "s.yaml:19: the amount is 1e-07, which is no multiple of the quantity's resolution "
            "0.000001; set resolution: 0.0000001"
        ],
        id="amount finer than the resolution",
    ),
    pytest.param(
        "prometheus: calls_total",
        "prometheus: sum(calls_total)",
        [
            "s.yaml:7: 'sum(calls_total)' is not a plain selector; write "
            'name{label="value"} without functions, ranges or operators'
        ],
        id="a sum for a selector",
    ),
    pytest.param(
        "prometheus: calls_total",
        "prometheus: calls_total[5m]",
        [
            "s.yaml:7: 'calls_total[5m]' is not a plain selector; write "
            'name{label="value"} without functions, ranges or operators'
        ],
        id="a range for a selector",
    ),
    pytest.param(
        "prometheus: calls_total",
        "prometheus: calls_total{a=b}",
        ["s.yaml:7: 'calls_total{a=b}': cannot parse the matchers at 'a=b'"],
        id="label value without quotes",
    ),
    pytest.param(
        "prometheus: calls_total",
        "shared: true",
        ["s.yaml:6: 'calls' has no witness; add prometheus:, database: or api:"],
        id="quantity without witness",
    ),
    pytest.param(
        "prometheus: calls_total",
        "prometheus: calls_total\n    witnesses: at least 4",
        [
            "s.yaml:8: 'calls' needs at least 4 witnesses and has 3 at most (client, service, "
            "prometheus); add another one, such as database:, or lower the number"
        ],
        id="more witnesses than a quantity names",
    ),
    pytest.param(
        "profiles:",
        "witnesses: at least 4\nprofiles:",
        [
            f"s.yaml:20: '{name}' needs at least 4 witnesses and has 3 at most (client, service, "
            "prometheus); add another one, such as database:, or lower the number"
            for name in ("made", "calls")
        ],
        id="more witnesses than the quantities name",
    ),
    pytest.param(
        "profiles:",
        "witnesses: 3\nprofiles:",
        ["s.yaml:20: witnesses: write at least 3: more witnesses do no harm"],
        id="a number of witnesses without at least",
    ),
    pytest.param(
        "profiles:",
        "witnesses: at least 1\nprofiles:",
        [
            "s.yaml:20: witnesses: the client is one of them, and alone it proves nothing; write "
            "at least 2 or more"
        ],
        id="the client alone",
    ),
    pytest.param(
        "profiles:",
        "witnesses: [service, prometheus]\nprofiles:",
        [
            "s.yaml:20: witnesses: ['service', 'prometheus'] is no number of witnesses; write at "
            "least 3, for example"
        ],
        id="witnesses by name",
    ),
    pytest.param(
        "prometheus: calls_total",
        "database: {main: DELETE FROM calls}",
        ["s.yaml:7: this is not a query; begin it with SELECT or WITH"],
        id="a query that writes",
    ),
    pytest.param(
        "prometheus: calls_total",
        "database: {main: 'SELECT 1; DELETE FROM calls'}",
        ["s.yaml:7: these are several statements; write one, without a ; inside"],
        id="two statements in a query",
    ),
    pytest.param(
        "prometheus: calls_total",
        "traces: {main: 'UPDATE calls SET n = 1'}\n    prometheus: calls_total",
        ["s.yaml:7: this is not a query; begin it with SELECT or WITH"],
        id="traces that write",
    ),
    pytest.param(
        "prometheus: calls_total",
        "database: {main: 'SELECT count(*) FROM calls WHERE run = :run'}",
        ["s.yaml:7: unknown variable :run; only :tenant is known, and \\: is a literal colon"],
        id="a query with an unknown variable",
    ),
    pytest.param(
        "query: sum(errors_total",
        "query: increase(errors_total",
        [
            "s.yaml:29: increase() extrapolates, so no equality holds for it reliably; "
            "declare a quantity, which is computed from raw samples"
        ],
        id="increase in an equality",
    ),
    pytest.param(
        'query: sum(errors_total{tenant="{{ tenant }}"})\n      expect: "== 0"',
        'query: rate (errors_total[5m])\n      expect: "!= 0"',
        [
            "s.yaml:29: rate() extrapolates, so no equality holds for it reliably; "
            "declare a quantity, which is computed from raw samples"
        ],
        id="rate in an inequality",
    ),
    pytest.param(
        "iterations: 1}",
        "iterations: 1, duration: 5s}",
        ["s.yaml:21: write either iterations or duration"],
        id="both iterations and duration",
    ),
    pytest.param(
        ", iterations: 1}",
        "}",
        ["s.yaml:21: write either iterations or duration"],
        id="neither iterations nor duration",
    ),
    pytest.param(
        "step: read",
        "step: create",
        ["s.yaml:17: two steps are named 'create'; rename one"],
        id="duplicate step",
    ),
    pytest.param(
        "step: read",
        "step: iteration",
        ["s.yaml:17: the name 'iteration' is reserved for the whole iteration; change it"],
        id="step named as the whole",
    ),
    pytest.param(
        "order: id",
        'order: "id["',
        ["s.yaml:13: 'id[' is not JMESPath: its [ is not closed; add ]"],
        id="bad JMESPath to save",
    ),
    pytest.param(
        "state: done",
        '"state[": done',
        ["s.yaml:12: 'state[' is not JMESPath: its [ is not closed; add ]"],
        id="bad JMESPath to expect",
    ),
    pytest.param(
        "{{ unique }}",
        "{{ unique",
        ["s.yaml:11: the template '{{ unique' is wrong: {{ is not closed; add }}"],
        id="template that does not end",
    ),
    pytest.param(
        "{{ unique }}",
        "{{ unique | nosuch }}",
        [
            "s.yaml:11: the template '{{ unique | nosuch }}' is wrong: there is no filter "
            "'nosuch'; they are Jinja's, such as upper, default and length"
        ],
        id="template with an unknown filter",
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
        ["s.yaml:24: the objective has no limit; add a percentile such as p95, or max"],
        id="objective without a limit",
    ),
    pytest.param(
        "usage: [made",
        "usage: [mad",
        ["s.yaml:25: unknown quantity 'mad'; did you mean made?"],
        id="usage of an unknown quantity",
    ),
    pytest.param(
        "step: read",
        "step: CREATE",
        ["s.yaml:17: steps 'create' and 'CREATE' have the same id; rename one"],
        id="steps that differ by case only",
    ),
    pytest.param(
        "step: read",
        "step: Iteration!",
        ["s.yaml:17: the name 'Iteration!' is reserved for the whole iteration; change it"],
        id="step with the id of the whole",
    ),
    pytest.param(
        "made: {a: 1, b: 2}",
        'made: {"{{ kind }}": 1, b: 2}',
        [
            "s.yaml:15: the variable 'kind' is not defined here; "
            "known here: tenant, run, iteration, unique, trace_id, order"
        ],
        id="label value of a name never saved",
    ),
    pytest.param(
        "made: {a: 1, b: 2}",
        'made: {a: "{{ ordr }}", "{{ order }}": 2}',
        ["s.yaml:15: the variable 'ordr' is not defined here; did you mean order?"],
        id="amount of a name never saved",
    ),
    pytest.param(
        "made: {a: 1, b: 2}",
        'made: {a: "{{ order", b: 2}',
        ["s.yaml:15: the template '{{ order' is wrong: {{ is not closed; add }}"],
        id="amount that is no whole template",
    ),
    pytest.param(
        "    counts: {calls: 1}",
        "    counts: {calls: 1}\n    counts_by_status: {409: {cals: 1}, many: {calls: 1}}",
        [
            "s.yaml:20: unknown quantity 'cals'; did you mean calls?",
            "s.yaml:20: 'many' is not a status; write 409, or a class such as 4xx",
        ],
        id="counts by what is no status, and of what is no quantity",
    ),
    pytest.param(
        "    counts: {calls: 1}",
        "    counts: {calls: 1}\n    counts_by_status: {200: {calls: 1}}",
        ["s.yaml:20: the step expects 200; write what it counts in counts"],
        id="counts by the expected status",
    ),
    pytest.param(
        "    counts: {calls: 1}",
        "    save: {size: size}\n    counts: {calls: 1}\n"
        '    counts_by_status: {4xx: {made: {"{{ size }}": 1}}}',
        [
            "s.yaml:21: the variable 'size' is not defined here; "
            "known here: tenant, run, iteration, unique, order, trace_id"
        ],
        id="counts by status under a name that only the expected response has",
    ),
    pytest.param(
        "flow:",
        "relations:\n  - {name: same, equal: [made, cals]}\n"
        "  - {name: Same, equal: [made, made]}\nflow:",
        [
            "s.yaml:9: unknown quantity 'cals'; did you mean calls?",
            "s.yaml:10: the relation 'same' is named twice; remove one",
            "s.yaml:10: the quantity 'made' is named twice; remove one",
        ],
        id="relations of unknown names, and of one quantity with itself",
    ),
    pytest.param(
        "    prometheus: calls_total\n",
        '    database: {main: "SELECT 1"}\nrelations: [{name: same, equal: [made, calls]}]\n',
        ["s.yaml:8: no witness keeps all of these quantities; give them a common one"],
        id="relation that no witness can show",
    ),
    pytest.param(
        "prometheus: calls_total",
        "prometheus: calls_total\n    expect: more",
        ["s.yaml:8: quantities.calls.expect: must be 'exactly' or 'at least'"],
        id="an expectation of a quantity that there is not",
    ),
    pytest.param(
        "    counts: {calls: 1}",
        "    counts: {calls: 1}\n    at_most: {cals: 5}",
        ["s.yaml:20: the step does not count 'cals'; did you mean calls?"],
        id="bound of what the step does not count",
    ),
    pytest.param(
        "    counts: {calls: 1}",
        "    counts: {cals: 1}\n    at_most: {calls: 5}",
        ["s.yaml:19: unknown quantity 'cals'; did you mean calls?"],
        id="bound of a quantity that is misspelt where it is counted",
    ),
    pytest.param(
        "    counts: {calls: 1}",
        "    counts: {calls: 1}\n    at_most: {calls: many}",
        ['s.yaml:20: "many" is no amount; write a number, or a template'],
        id="bound that is no amount",
    ),
    pytest.param(
        "    counts: {calls: 1}",
        '    counts: {calls: "{{ order }}"}\n    at_most: {calls: "{{ oder }}"}',
        ["s.yaml:20: the variable 'oder' is not defined here; did you mean order?"],
        id="bound of a name never saved",
    ),
    pytest.param(
        "made: {a: 1, b: 2}",
        "made: {{{}}}".format(", ".join(f'k{n}: "{{{{ order }}}}"' for n in range(51))),
        ["s.yaml:14: these are more than 50 amounts with templates; split the step"],
        id="more recorded amounts than a step may have",
    ),
    pytest.param(
        'json: {owner: "{{ unique }}"}',
        'json: {owners: [{"{{ uniqe }}": 1}]}',
        ["s.yaml:11: the variable 'uniqe' is not defined here; did you mean unique?"],
        id="unknown name in a key of the body",
    ),
    pytest.param(
        "json: {state: done}",
        'json: {state: {"a{{ uniqe }}": done}}',
        ["s.yaml:12: the variable 'uniqe' is not defined here; did you mean unique?"],
        id="unknown name in a key of an expected value",
    ),
    pytest.param(
        "state: done",
        '"owners.{{ unique }}": done',
        [
            "s.yaml:12: 'owners.{{ unique }}': templates are not evaluated in a JMESPath "
            "expression; write the template as an expected value"
        ],
        id="template in an expected expression",
    ),
    pytest.param(
        "order: id",
        "order: \"items[?owner=='{{ unique }}'].id\"",
        [
            "s.yaml:13: \"items[?owner=='{{ unique }}'].id\": templates are not evaluated in a "
            "JMESPath expression; write the template as an expected value"
        ],
        id="template in a saved expression",
    ),
    pytest.param(
        "prometheus: calls_total",
        "database: {main: \"SELECT count(*) FROM calls WHERE tenant = '{{ tenant }}'\"}",
        ["s.yaml:7: templates are not evaluated in a query; write :tenant, without quotes"],
        id="template in a query",
    ),
    pytest.param(
        "step: read",
        'step: "read {{ order }}"',
        ["s.yaml:17: templates are not evaluated in a step's name; write a fixed name"],
        id="template in a step's name",
    ),
    pytest.param(
        "order: id",
        'order: "lenght(ids)"',
        ["s.yaml:13: 'lenght(ids)': there is no function lenght(); did you mean length?"],
        id="unknown function of JMESPath",
    ),
    pytest.param(
        "state: done",
        '"length(a, b)": 2',
        ["s.yaml:12: 'length(a, b)': length() takes 1 argument, not 2"],
        id="wrong number of arguments",
    ),
    pytest.param(
        'owner: "{{ unique }}"',
        'owner: "\\ud800"',
        [
            "s.yaml:11: cannot be encoded as JSON: 'utf-8' codec can't encode character "
            "'\\ud800' in position 0: surrogates not allowed"
        ],
        id="body that JSON cannot express",
    ),
    pytest.param(
        "prometheus: calls_total",
        'prometheus: calls_total{path=~"(?!/health).*"}',
        [
            "s.yaml:7: 'calls_total{path=~\"(?!/health).*\"}': '(?!/health).*' has a lookaround, "
            "which Prometheus' RE2 and Python do not share; write a further matcher on the label "
            "instead"
        ],
        id="regular expression that Prometheus refuses",
    ),
    pytest.param(
        "usage: [made, calls]",
        "usage: [made, calls, made]",
        ["s.yaml:25: the quantity 'made' is named twice; remove one"],
        id="usage that names a quantity twice",
    ),
    pytest.param(
        "  usage:",
        "  regression: {p95: 20%, steps: [read, iteration, read]}\n  usage:",
        ["s.yaml:25: the step 'read' is named twice; remove one"],
        id="regression that names a step twice",
    ),
    pytest.param(
        "    by: [kind]",
        "    by: [kind, kind]",
        [
            "s.yaml:4: the label 'kind' is named twice; remove one",
            "s.yaml:15: the quantity has the label kind; write a number per kind",
        ],
        id="label that is named twice",
    ),
    pytest.param(
        "{p95: 2s}",
        "{p95: 2s}\n    - {p95: 3s, p99: 4s}",
        ["s.yaml:25: the p95 of every step has a limit already; remove one"],
        id="two limits on one percentile",
    ),
    pytest.param(
        'query: sum(errors_total{tenant="{{ tenant }}"})',
        'query: sum(errors_total{tenant=~"{{ tenant }}(?!x)"}',
        ["s.yaml:28: the ( is not closed, from '(errors_total{tenant' on"],
        id="query of a check with a bracket that is not closed",
    ),
    pytest.param(
        "    - name: few",
        '    - {name: Few!, query: up, expect: "> 0"}\n    - name: few',
        ["s.yaml:28: checks 'Few!' and 'few' have the same id; rename one"],
        id="two checks with the same id",
    ),
]

CLOSED = "belongs to the closed model; remove it, or remove the rate or stages"
OPEN = "belongs to the open model; remove it, or write a rate instead of users"
NEITHER = "no load is given; write users and iterations or duration, or a rate and duration"
TIMELESS = "the rate has no duration; add one, as in duration: 10m"
TIMED = "ramps and stages have their own durations; remove duration"
SEEDLESS = "evenly spaced arrivals have no seed; remove it, or write arrivals: poisson"
ALL_WARM_UP = "warm_up covers the whole load; make it shorter, or the load longer"
NOTHING = "no iteration arrives at a rate of 0; write for example 20/s"

# line 21 has the profile's name; its keys follow, one per line
WRONG_PROFILES = [
    ("max_duration: 5s", [f"21: {NEITHER}"]),
    ("duration: 5s", [f"21: {NEITHER}"]),
    ("iterations: 5, think: 1s", [f"21: {NEITHER}"]),
    ("users: 3", ["21: write either iterations or duration"]),
    ("users: 3, max_duration: 5s", ["21: write either iterations or duration"]),
    ("users: 3, iterations: 3, duration: 5s", ["21: write either iterations or duration"]),
    (
        "users: 3, duration: 5s, max_duration: 9s",
        ["21: max_duration limits iterations; remove it, or remove duration"],
    ),
    (
        "users: 3, iterations: 3, warm_up: 1s",
        ["21: warm_up is a part of the duration; write duration instead of iterations"],
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
    ("rate: 20/s, stages: [20/s for 5s]", ["21: write either rate or stages"]),
    ("rate: 20/s, duration: 5s, stages: [9/s for 5s]", ["21: write either rate or stages"]),
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
        ["21: max_duration limits iterations; remove it, or remove duration", f"21: {ALL_WARM_UP}"],
    ),
]


@pytest.mark.parametrize(("old", "new", "expected"), MUTATIONS)
def test_a_violation_is_reported_with_line_and_remedy(
    tmp_path: Path, old: str, new: str, expected: list[str]
) -> None:
    assert problems_in(changed(tmp_path, old, new)) == expected


def test_two_steps_with_the_same_id_are_refused(tmp_path: Path) -> None:
    text = changed(tmp_path, "step: create", "step: a b").read_text()
    (tmp_path / "s.yaml").write_text(text.replace("step: read", "step: a-b"))
    assert problems_in(tmp_path / "s.yaml") == [
        "s.yaml:17: steps 'a b' and 'a-b' have the same id; rename one"
    ]


def test_steps_whose_ids_differ_are_accepted(tmp_path: Path) -> None:
    text = changed(tmp_path, "step: create", "step: a b").read_text()
    (tmp_path / "s.yaml").write_text(text.replace("step: read", "step: a_b"))
    assert [step.step for step in read_scenario(tmp_path / "s.yaml").steps] == ["a b", "a_b"]


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
def test_a_query_is_accepted_however_it_is_written(tmp_path: Path, query: str) -> None:
    folded = "\n".join(f"        {line}" for line in query.splitlines())
    asking = f"database:\n      main: |\n{folded}"
    path = changed(tmp_path, "prometheus: calls_total", asking)
    assert read_scenario(path).quantities["calls"].database


@pytest.mark.parametrize(("profile", "expected"), WRONG_PROFILES)
def test_a_profile_that_does_not_fit_together_is_reported_with_line_and_remedy(
    tmp_path: Path, profile: str, expected: list[str]
) -> None:
    assert problems_in(with_profile(tmp_path, profile)) == [f"s.yaml:{each}" for each in expected]


def test_every_wrong_profile_is_reported_at_once(tmp_path: Path) -> None:
    three = (
        "  once: {users: 3}\n  twice: {rate: 20/s, users: 2, duration: 5s}\n  thrice: {rate: 20/s}"
    )
    assert problems_in(changed(tmp_path, "  once: {users: 1, iterations: 1}", three)) == [
        "s.yaml:21: write either iterations or duration",
        f"s.yaml:22: users {CLOSED}",
        f"s.yaml:23: {TIMELESS}",
    ]


def test_a_step_may_use_what_an_earlier_step_saved_in_every_place(tmp_path: Path) -> None:
    text = (
        "/orders/{{ order }}\n"
        '    headers: {X-Order: "{{ order }}"}\n'
        '    json: {ids: ["{{ order }}"]}\n'
        '    expect: {json: {id: "{{ order }}"}}'
    )
    assert read_scenario(changed(tmp_path, "/orders/{{ order }}", text)).steps[1].json_body == {
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


def test_an_empty_profile_is_refused_with_what_to_write(tmp_path: Path) -> None:
    assert problems_in(changed(tmp_path, "once: {users: 1, iterations: 1}", "once: {}")) == [
        f"s.yaml:21: {NEITHER}"
    ]


@pytest.mark.parametrize(
    ("matchers", "left_out"),
    [
        ('kind="a"', {"b"}),
        ('kind=~"a|c"', {"b"}),
        ('kind!="b"', {"b"}),
        ('kind=~"."', set()),
        ('kind=~""', {"a", "b"}),
        ('tenant="{{ tenant }}"', set()),
        ('kind="{{ tenant }}"', set()),
        ('size="big"', set()),
    ],
)
def test_what_a_step_counts_must_be_what_the_selector_selects(
    tmp_path: Path, matchers: str, left_out: set[str]
) -> None:
    path = changed(tmp_path, 'made_total{tenant="{{ tenant }}"}', f"'made_total{{{matchers}}}'")
    problems = problems_in(path) if left_out else []
    assert {each.split("leaves out '")[1][0] for each in problems} == left_out
    if not left_out:
        read_scenario(path)


def test_a_count_of_zero_may_be_left_out_by_the_selector(tmp_path: Path) -> None:
    path = changed(tmp_path, 'made_total{tenant="{{ tenant }}"}', """'made_total{kind="a"}'""")
    path.write_text(path.read_text().replace("made: {a: 1, b: 2}", "made: {a: 1, b: 0}"))
    read_scenario(path)
