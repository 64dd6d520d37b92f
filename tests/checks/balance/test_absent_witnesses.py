"""What a balance rests on where witnesses are declared absent, from written evidence."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from checks.balance.rests_on import rests_on
from checks.balance.usage import judge_usage
from checks.case import read_case
from checks.judgement import Judgement
from checks.result import Code
from checks.verdict import Verdict
from scenarios.evidence.run_folder import RunFolder
from tests.checks.balance.discovered_run import write_no_pages
from tests.evidence_factory import (
    SCENARIO,
    Load,
    exposition,
    settled,
    write_agreeing_witnesses,
    write_expositions,
    write_prometheus,
    write_run,
)
from witnesses.prometheus.collection import CollectionRecord
from witnesses.prometheus.samples import Sample

COUNTED = {"tea": 4, "coffee": 8}
NO_PROMETHEUS = CollectionRecord(error="none", is_declared_absent=True)


def _judged(folder: RunFolder) -> Judgement:
    return judge_usage(read_case(folder))


def _of_prometheus_alone(place: Path, counted: Mapping[str, float], visits: float = 4) -> RunFolder:
    """Write a run whose counters only Prometheus sees."""
    folder = write_run(place, Load())
    write_agreeing_witnesses(folder)
    write_no_pages(folder)
    series: dict[str, list[tuple[Mapping[str, str], list[Sample]]]] = {
        "uses": [({"kind": kind}, settled(0, number)) for kind, number in counted.items()],
        "visits": [({}, settled(0, visits))],
    }
    write_prometheus(folder, series)
    return folder


def test_a_pass_rests_on_prometheus_where_only_that_sees_the_metrics(tmp_path: Path) -> None:
    judged = _judged(_of_prometheus_alone(tmp_path, COUNTED))
    assert {each.verdict for each in judged.findings} == {Verdict.PASS}
    assert rests_on(judged.usage) == {
        "uses": ("client", "prometheus", "database:main"),
        "visits": ("client", "prometheus"),
    }
    assert [each.id for each in judged.findings] == [
        "usage/uses", "usage/visits", "precondition/other-traffic"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("counted", "visits", "quantity", "code"),
    [
        (COUNTED, 3, "visits", Code.LOST_COUNT),
        (COUNTED, 5, "visits", Code.DOUBLE_COUNT),
        ({"tea": 3, "coffee": 8}, 4, "uses", Code.LOST_COUNT),
        ({"tea": 3, "coffee": 9}, 4, "uses", Code.WRONG_LABEL),
        ({"tea": 3, "coffee": 8, "teas": 1}, 4, "uses", Code.WRONG_LABEL),
        ({"tea": 8, "coffee": 16}, 4, "uses", Code.DOUBLE_COUNT),
    ],
)
def test_what_only_prometheus_sees_fails_with_the_code_of_the_fault(
    tmp_path: Path, counted: Mapping[str, float], visits: float, quantity: str, code: Code
) -> None:
    folder = _of_prometheus_alone(tmp_path, counted, visits)
    findings = {each.id: each for each in _judged(folder).findings}
    assert findings[f"usage/{quantity}"].code is code
    assert findings[f"usage/{quantity}"].verdict is Verdict.FAIL


def test_without_a_prometheus_a_pass_rests_on_the_services_and_the_records(tmp_path: Path) -> None:
    folder = write_run(tmp_path, Load())
    write_agreeing_witnesses(folder)
    write_prometheus(folder, {}, collection=NO_PROMETHEUS)
    judged = _judged(folder)
    assert {each.verdict for each in judged.findings} == {Verdict.PASS}
    assert rests_on(judged.usage) == {
        "uses": ("client", "service", "database:main"), "visits": ("client", "service")
    }  # fmt: skip
    write_expositions(folder, "after", {"shop-0": exposition({**COUNTED, "tea": 3}, visits=4)})
    assert _judged(folder).findings[0].code is Code.LOST_COUNT


def test_a_counter_that_nobody_can_show_has_too_few_witnesses(tmp_path: Path) -> None:
    folder = write_run(tmp_path, Load())
    write_agreeing_witnesses(folder)
    write_no_pages(folder)
    write_prometheus(folder, {}, collection=NO_PROMETHEUS)
    findings = {each.id: each for each in _judged(folder).findings}
    assert findings["usage/visits"].code is Code.FEW_WITNESSES
    assert findings["usage/visits"].verdict is Verdict.INCONCLUSIVE
    assert findings["usage/uses"].verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("visits", "verdict", "code"),
    [(4, Verdict.PASS, None), (3, Verdict.INCONCLUSIVE, Code.WITNESS_DOWN),
     (5, Verdict.FAIL, Code.DOUBLE_COUNT)],
)  # fmt: skip
def test_a_counter_falls_short_of_nothing_while_another_service_cannot_be_read(
    tmp_path: Path, visits: int, verdict: Verdict, code: Code | None
) -> None:
    """The service that could not be read may have counted the rest; it cannot have less."""
    folder = write_run(tmp_path, Load())
    write_agreeing_witnesses(folder)
    write_prometheus(folder, {}, collection=NO_PROMETHEUS)
    write_expositions(folder, "before", {"shop-0": exposition({})})
    write_expositions(folder, "after", {"shop-0": exposition(COUNTED, visits=visits)})
    for moment in ("before", "after"):
        path = folder.witnesses / f"service/{moment}/index.json"
        index = json.loads(path.read_bytes())
        till = {**index["shop-0"], "service": "till", "url": "http://till.example", "error": "404"}
        index["till-0"] = till
        folder.write_witness_file(f"service/{moment}/index.json", json.dumps(index).encode())
    findings = {each.id: each for each in _judged(folder).findings}
    found = findings["usage/visits"]
    assert (found.verdict, found.code) == (verdict, code)
    unread = findings["precondition/metrics-readable/till"]
    assert unread.verdict is Verdict.INCONCLUSIVE
    assert "declare `metrics: none` on the service till" in unread.reason


def test_a_prometheus_that_cannot_be_read_names_the_declaration_that_there_is_none(
    tmp_path: Path,
) -> None:
    folder = write_run(tmp_path, Load())
    write_agreeing_witnesses(folder)
    write_prometheus(folder, {}, collection=CollectionRecord(error="connection refused"))
    found = _judged(folder).findings[0]
    assert (found.verdict, found.code) == (Verdict.INCONCLUSIVE, Code.WITNESS_DOWN)
    assert "leave prometheus: out of the environment's file" in found.reason


def test_more_witnesses_than_remain_are_no_pass(tmp_path: Path) -> None:
    text = SCENARIO.replace("  uses:\n", "  uses:\n    witnesses: at least 4\n", 1)
    folder = write_run(tmp_path, Load(), scenario=text)
    write_agreeing_witnesses(folder)
    assert _judged(folder).findings[0].verdict is Verdict.PASS
    write_prometheus(folder, {}, collection=NO_PROMETHEUS)
    found = _judged(folder).findings[0]
    assert (found.verdict, found.code) == (Verdict.INCONCLUSIVE, Code.FEW_WITNESSES)
    assert "rests on client, service and database:main alone" in found.detail
