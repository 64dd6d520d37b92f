"""Mistakes in the blocks of a flow: each is one sentence, at its line, with the remedy.

The golden file has flows, each followed by its problems; the first line of a flow is line 3.
"""

import os
from pathlib import Path

import pytest

from scenarios.language.blocks import Condition, Together
from scenarios.language.reader import read_scenario
from tests.scenarios.language.wrong_scenarios import problems_in
from tests.scenarios.shop_scenario import written

GOLDEN = Path(__file__).parent / "golden" / "wrong_blocks.txt"
PROFILES = "profiles:\n  once: {users: 1, iterations: 1}\n"


@pytest.mark.parametrize(
    ("parts", "problem"),
    [
        ("setup: [{step: a, request: 'GET shop /{{ iteration }}'}]",
         "s.yaml:2: the variable 'iteration' is not defined here; "
         "known here: tenant, run, unique, trace_id"),
        ("user_setup: [{step: a, request: GET shop /, save: {x: x}}]\n"
         "teardown: [{step: b, request: 'GET shop /{{ x }}'}]",
         "s.yaml:3: the variable 'x' is not defined here; "
         "known here: tenant, run, unique, trace_id"),
        ("data: {a: {rows: [{id: 1}], per: user}, o: {rows: [{id: 1}]}}\n"
         "user_setup: [{step: a, request: 'GET shop /{{ a.id }}/{{ o.id }}'}]",
         "s.yaml:3: the variable 'o' is not defined here; "
         "known here: tenant, run, unique, a, trace_id"),
        ("setup: [{step: a, request: GET shop /}]\nteardown: [{step: a, request: GET shop /}]",
         "s.yaml:3: two steps are named 'a'; rename one"),
        ("setup: [{stpe: a, request: GET shop /}]",
         "s.yaml:2: unknown key 'stpe'; did you mean step?"),
        ("setup: {step: a, request: GET shop /}",
         "s.yaml:2: setup: must be a list; begin each of its entries with a dash"),
        ("flows: {buy: {share: 3, steps: [{step: a, request: GET shop /}]}}",
         "s.yaml:2: write either flow, or flows, each with its share and its steps"),
        ("flows: {buy: {shaer: 3, steps: [{step: a, request: GET shop /}]}}",
         "s.yaml:2: unknown key 'shaer'; did you mean share?"),
        ("flows: {buy: {steps: [{step: a, request: GET shop /}]}}",
         "s.yaml:2: the key 'flows.buy.share' is missing; add it, as in share: 1"),
        ("flows: {buy: {share: 3, steps: []}}",
         "s.yaml:2: flows.buy.steps: a list without a step does nothing; add a step"),
        ("flows: {buy: {share: 1, steps: [{step: a, request: 'GET shop /{{ b }}'}]}}",
         "s.yaml:2: the variable 'b' is not defined here; known here: tenant, run, iteration, "
         "unique, trace_id"),
        ("teardwon: [{step: a, request: GET shop /}]",
         "s.yaml:2: unknown key 'teardwon'; did you mean teardown?"),
        ("setup: [{step: a, request: GET shpo /, counts: {made: 1}}]",
         "s.yaml:2: unknown quantity 'made'; none is known here"),
    ],
)  # fmt: skip
def test_a_mistake_before_or_after_the_flow_has_its_line_and_remedy(
    tmp_path: Path, parts: str, problem: str
) -> None:
    flow = "flow: [{step: last, request: GET shop /}]"
    path = written(tmp_path, f"scenario: good\n{parts}\n{flow}\n{PROFILES}")
    assert problem in problems_in(path)


def test_the_steps_of_several_flows_have_names_of_their_own(tmp_path: Path) -> None:
    flows = "flows:\n" + "".join(
        f"  {name}: {{share: 1, steps: [{{step: a, request: GET shop /}}]}}\n"
        for name in ("buy", "browse")
    )
    assert problems_in(written(tmp_path, f"scenario: good\n{flows}{PROFILES}")) == [
        "s.yaml:4: two steps are named 'a'; rename one"
    ]


def test_a_scenario_without_a_flow_is_a_mistake(tmp_path: Path) -> None:
    (problem,) = problems_in(written(tmp_path, f"scenario: good\n{PROFILES}"))
    assert problem.endswith("write either flow, or flows, each with its share and its steps")


def test_a_profile_is_not_named_like_what_is_in_no_profile(tmp_path: Path) -> None:
    flow = "flow: [{step: last, request: GET shop /}]"
    profiles = "profiles:\n  setup: {users: 1, iterations: 1}\n"
    assert problems_in(written(tmp_path, f"scenario: good\n{flow}\n{profiles}")) == [
        "s.yaml:4: setup names the requests before a run; rename it"
    ]


def flow_file(folder: Path, flow: str) -> Path:
    lines = "".join(f"  {line}\n" for line in flow.splitlines())
    return written(folder, f"scenario: good\nflow:\n{lines}{PROFILES}")


def test_every_mistake_in_a_block_is_reported_with_its_line_and_remedy(tmp_path: Path) -> None:
    golden = GOLDEN.read_text(encoding="utf-8")
    entries = []
    for entry in golden.split("\n\n"):
        flow = "\n".join(line for line in entry.splitlines() if not line.startswith("    # "))
        problems = problems_in(flow_file(tmp_path, flow))
        entries.append("\n".join([flow, *(f"    # {problem}" for problem in problems)]))
    found = "\n\n".join(entries) + "\n"
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(found, encoding="utf-8")
    assert found == golden


def test_the_steps_of_every_block_are_the_steps_of_the_scenario_in_order(tmp_path: Path) -> None:
    flow = """\
- {step: a, request: GET shop /}
- repeat: 2
  steps:
    - if: "{{ iteration > 1 }}"
      steps: [{step: b, request: GET shop /}]
      else: [{think: 1s}, {step: c, request: GET shop /}]
    - together: [{step: d, request: GET shop /}, {step: e, request: GET shop /}]
- {for_each: [1], as: x, steps: [{step: f, request: "GET shop /{{ x }}"}]}
"""
    scenario = read_scenario(flow_file(tmp_path, flow))
    assert [step.step for step in scenario.steps] == list("abcdef")
    places = [place for place, _ in scenario.placed_steps()]
    assert places[2:4] == [
        ("flow", 1, "steps", 0, "else", 1),
        ("flow", 1, "steps", 1, "together", 0),
    ]


@pytest.mark.parametrize(
    "flow",
    [
        "- {if: '{{ iteration > 1 }}', steps: [{step: a, request: GET shop /, save: {x: x}}], "
        "else: [{step: b, request: GET shop /, save: {x: y}}]}\n"
        "- {step: c, request: 'GET shop /{{ x }}'}",
        "- {repeat: 2, as: n, steps: [{step: a, request: 'GET shop /{{ n }}', save: {x: x}}]}\n"
        "- {step: c, request: 'GET shop /{{ x }}'}",
        "- together:\n    - {step: a, request: GET shop /, save: {x: x}}\n"
        "    - {step: b, request: GET shop /}\n"
        "- {step: c, request: 'GET shop /{{ x }}'}",
    ],
)
def test_what_is_saved_in_any_case_is_known_below(tmp_path: Path, flow: str) -> None:
    assert read_scenario(flow_file(tmp_path, flow)).steps[-1].step == "c"


@pytest.mark.parametrize(
    "line",
    [
        "- {repeat: 2, steps: [{step: sNUMBER, request: GET shop /, counts: {made: 1}}]}",
        "- {step: sNUMBER, request: GET shop /, counts: {made: '{{ x }}'}, at_most: {made: 1}, "
        "reported_by: last}",
    ],
)
def test_each_block_is_validated_once_however_many_follow(tmp_path: Path, line: str) -> None:
    """With twice as much work for each further block, this would take days."""
    lines = [line.replace("NUMBER", str(number)) for number in range(40)]
    last = "- {step: last, request: GET shop /, save: {x: x}}"
    path = flow_file(tmp_path, "\n".join([*lines, last]))
    with path.open("a", encoding="utf-8") as file:
        file.write("quantities: {made: {prometheus: made_total}}\n")
    assert len(read_scenario(path).steps) == 41


def test_a_block_is_read_as_what_its_key_says(tmp_path: Path) -> None:
    step = "{step: NAME, request: GET shop /}"
    flow = (
        f"- {{together: [{step.replace('NAME', 'a')}, {step.replace('NAME', 'b')}]}}\n"
        f"- {{if: '{{{{ tenant }}}}', steps: [{step.replace('NAME', 'c')}]}}"
    )
    together, condition = read_scenario(flow_file(tmp_path, flow)).shared_flows[""].steps
    assert isinstance(together, Together)
    assert isinstance(condition, Condition)
    assert condition.otherwise is None


def test_a_flow_with_blocks_can_be_written_as_a_document_again(tmp_path: Path) -> None:
    flow = "- {repeat: 2, steps: [{step: a, request: GET shop /}, {think: 1s}]}"
    content = read_scenario(flow_file(tmp_path, flow)).model_dump(by_alias=True, exclude_unset=True)
    assert content["flow"] == [
        {"repeat": 2, "steps": [{"step": "a", "request": "GET shop /"}, {"think": (1.0, 1.0)}]}
    ]
