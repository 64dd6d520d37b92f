"""Tests of what follows from a wrong definition, and is not reported as a mistake of its own."""

from pathlib import Path

import pytest

from scenarios.language.consequences import wrong_places
from scenarios.language.violations import UnknownName
from tests.scenarios.language.wrong_scenarios import problems_in
from tests.scenarios.shop_scenario import written

PROFILES = "profiles: {e2e: {users: 1, iterations: 1}}\n"
SEND = "- {step: z, request: 'GET shop /{{ order }}/{{ o }}'}"


def lines_of(folder: Path, text: str) -> list[str]:
    problems = problems_in(written(folder, f"scenario: x\n{text}\n{PROFILES}"))
    return [problem.split(":")[1] for problem in problems]


@pytest.mark.parametrize(
    "save",
    [
        "{order: {regex: x}, o: [id]}",
        "[order, {o: id}]",
        "order o",
        "{order: $.id, o: 7}",
        "{order: {header: 'a b'}, o: {json: a, header: b}}",
        "{order: 12:30, o: 2026-01-01}",
    ],
)
def test_a_value_that_is_saved_wrongly_is_not_unknown_where_it_is_used(
    tmp_path: Path, save: str
) -> None:
    text = f"flow:\n  - {{step: a, request: GET shop /, save: {save}}}\n  {SEND}\n  {SEND}2"
    assert set(lines_of(tmp_path, text.replace(f"{SEND}2", SEND.replace("z", "y")))) == {"3"}


@pytest.mark.parametrize("name", ["order-id", "orderId", "Order_id"])
def test_a_wrong_name_is_not_unknown_in_any_spelling(tmp_path: Path, name: str) -> None:
    flow = f"flow:\n  - {{step: a, request: GET shop /, save: {{{name}: id}}}}\n"
    used = f"  - {{step: b, request: 'GET shop /{{{{ {name} }}}}/{{{{ order_id }}}}'}}"
    assert lines_of(tmp_path, flow + used) == ["3"]


@pytest.mark.parametrize(
    "data", ["{order: {file: a.txt}, o: 3}", "[order, o]", "{order: {rows: [1]}, o: {row: [a]}}"]
)
def test_a_wrong_data_source_is_not_unknown(tmp_path: Path, data: str) -> None:
    assert set(lines_of(tmp_path, f"data: {data}\nflow:\n  {SEND}")) == {"2"}


@pytest.mark.parametrize("key", ["setup", "user_setup"])
def test_what_a_wrong_part_saves_is_not_unknown(tmp_path: Path, key: str) -> None:
    part = f"{key}: {{step: a, request: GET shop /, save: {{order: a, o: b}}}}"
    assert lines_of(tmp_path, f"{part}\nflow:\n  {SEND}") == ["2"]


@pytest.mark.parametrize(
    "quantities",
    [
        "{calls: {by: kind, prometheus: calls_total}}",
        "{calls: calls_total}",
        "{calls: {metric: calls_total, by: [a]}}",
        "[calls]",
        "calls",
    ],
)
def test_a_wrong_quantity_gives_no_mistakes_where_it_is_counted_and_judged(
    tmp_path: Path, quantities: str
) -> None:
    text = (
        f"quantities: {quantities}\nflow:\n"
        "  - {step: a, request: GET shop /, counts: {calls: {x: 1}}, at_most: {calls: 3}}\n"
        "relations: [{name: r, equal: [calls, calls]}]\nchecks: {usage: [calls]}"
    )
    assert set(lines_of(tmp_path, text)) <= {"2", "5"}


@pytest.mark.parametrize("counts", ["[calls]", "calls", "{calls: yes}"])
def test_a_quantity_that_is_counted_wrongly_is_not_called_uncounted(
    tmp_path: Path, counts: str
) -> None:
    text = (
        "quantities: {calls: {prometheus: calls_total}}\n"
        f"flow:\n  - {{step: a, request: GET shop /, counts: {counts}}}"
    )
    assert lines_of(tmp_path, text) == ["4"]


@pytest.mark.parametrize("flow", ["{a: {request: GET shop /}}", "[{name: a, request: GET shop /}]"])
def test_a_step_whose_name_is_wrong_is_not_unknown_to_the_checks(tmp_path: Path, flow: str) -> None:
    assert lines_of(tmp_path, f"flow: {flow}\nchecks: {{latency: [{{step: a, p95: 1s}}]}}") == ["2"]


def test_another_mistake_beside_a_wrong_definition_is_reported(tmp_path: Path) -> None:
    text = f"flow:\n  - {{step: a, request: GET shop /, save: {{order: [1]}}}}\n  {SEND}"
    assert lines_of(tmp_path, text) == ["3", "4"]


def test_a_name_that_is_defined_nowhere_is_not_a_consequence() -> None:
    wrong = wrong_places({"data": {"rows": 3}}, [("data", "rows")])
    place = ("flow", 0, "request")
    assert wrong.cause((place, UnknownName("rows", "unknown")))
    assert not wrong.cause((place, UnknownName("row", "unknown")))
    assert not wrong.cause((place, "another sentence"))
