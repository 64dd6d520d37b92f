"""Wrong requests to usage APIs: one sentence each, with its line and a remedy.

`golden/wrong_apis.txt` has the keys of a request, from line 7 on, and after `>` what is wrong. With
UPDATE_GOLDEN=1 it is written anew.
"""

import os
from pathlib import Path
from typing import Any

import pytest

from scenarios.language.api_validation import RUN_MEMBERS, uses_tenant
from scenarios.language.apis import ApiRequest
from scenarios.language.reader import read_scenario
from tests.scenarios.language.wrong_scenarios import problems_in
from tests.scenarios.shop_scenario import changed
from witnesses.api.request import run_members

GOLDEN = Path(__file__).parent / "golden" / "wrong_apis.txt"
PLACE = '    prometheus: made_total{tenant="{{ tenant }}"}\n'
CASES = GOLDEN.read_text().strip().split("\n\n")


def _written(case: str) -> list[str]:
    return [line for line in case.splitlines() if not line.startswith("> ")]


def _scenario(case: str, folder: Path) -> Path:
    keys = "".join(f"        {line}\n" for line in _written(case)[1:])
    return changed(folder, PLACE, f"{PLACE}    api:\n      usage:\n{keys}")


def _with_problems(case: str, folder: Path) -> str:
    problems = problems_in(_scenario(case, folder))
    return "\n".join([*_written(case), *(f"> {problem}" for problem in problems)])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.splitlines()[0])
def test_a_wrong_request_is_one_sentence_with_line_and_remedy(tmp_path: Path, case: str) -> None:
    assert _with_problems(case, tmp_path) == case


@pytest.mark.skipif("UPDATE_GOLDEN" not in os.environ, reason="it updates the golden file")
def test_the_golden_file_is_updated(tmp_path: Path) -> None:
    updated = [_with_problems(case, tmp_path) for case in CASES]
    GOLDEN.write_text("\n\n".join(updated) + "\n", encoding="utf-8")


@pytest.mark.parametrize(
    "keys",
    [
        'get: /a\npick: "data[].{kind: k, value: v}"',
        'get: "/{{ tenant }}?from={{ run.begun_ms }}"\npick: "{kind: k, value: v}"\nabsolute: true',
        'post: /a\njson: {size: 0, q: ["{{ run.length_s }}"]}\npick: "sort(items)"',
        'post: /a\nform: {q: "{{ tenant }}"}\npick: "a | [].{kind: k, value: v}"\nsettle: 30s',
        'get: "/a/{{ kind }}"\neach: {kind: [a, b]}\npick: "data[].{value: v}"',
        'get: "/a/{{ kind }}"\neach: {kind: [a, b]}\npick: usage.units\nsince: usage.from',
        'get: /a\npick: items\npaging: {cursor: "data[-1].id", parameter: after, more: has_more}',
        "get: /a\npick: items\npaging: {page: page, first: 0, total: meta.total}\nalign: 1m",
        "post: /a\njson: {}\npick: items\npaging: {cursor: n, parameter: p, in: query}",
        "get: /a\npick: items\npaging: {url: next, total: count}",
        "get: /a\npick: items\npaging: {page: offset, first: 0, step: 100}",
        "get: /a\npick: items\npaging: {link: next}\nexpect: {timed_out: false}",
    ],
)
def test_a_request_without_a_mistake_is_read(tmp_path: Path, keys: str) -> None:
    scenario = read_scenario(_scenario(f"# good\n{keys}", tmp_path))
    assert scenario.quantities["made"].api


def test_a_quantity_needs_no_other_witness_than_an_api(tmp_path: Path) -> None:
    api = '    api: {usage: {get: /a, pick: "{kind: k, value: v}"}}\n'
    assert read_scenario(changed(tmp_path, PLACE, api)).quantities["made"].prometheus is None


@pytest.mark.parametrize(
    ("keys", "uses"),
    [
        ({"get": "/a/{{ tenant }}"}, True),
        ({"get": "/a", "query": {"q": ["{{ tenant | upper }}"]}}, True),
        ({"get": "/a", "headers": {"X-Tenant": "{{ tenant }}"}}, True),
        ({"post": "/a", "json": {"q": {"term": {"tenant": "{{ tenant }}"}}}}, True),
        ({"get": "/a/tenant", "query": {"tenant": "acme"}}, False),
    ],
)
def test_a_request_is_of_one_tenant_where_it_has_the_variable(
    keys: dict[str, Any], uses: bool
) -> None:
    assert uses_tenant(ApiRequest.model_validate({**keys, "pick": "v"})) is uses


def test_the_members_of_run_are_those_that_a_request_is_rendered_with() -> None:
    assert set(RUN_MEMBERS) == run_members(0.0, 1.0, 1.0).keys()
