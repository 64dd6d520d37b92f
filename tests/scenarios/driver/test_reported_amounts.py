"""What a step counts and a later step reports: in doubt until that one is ok, whatever happens."""

from pathlib import Path
from typing import Any

import pytest

from scenarios.evidence.exchange import Mark, Outcome
from scenarios.evidence.exchanges import Exchanges
from scenarios.evidence.ledger import Doubt, Ledger, ledger_of
from scenarios.http.messages import Response, ResponseLost
from scenarios.language.model import Scenario
from tests.scenarios.driver.recorded_iteration import record_iteration
from tests.scenarios.driver.test_stream_expectations import streamed
from tests.scenarios.shop_scenario import Script, answered

ACME = "tokens", ("acme",)
REQUESTS = "requests", ("acme",)
STARTED = answered(202, "application/json", b'{"id": 7}')
RUNNING = answered(200, "application/json", b'{"state": "running"}')
DONE = answered(200, "application/json", b'{"state": "done", "spent": 12.5}')
FAILED = answered(500, "application/json", b"{}")
GONE = answered(404, "application/json", b"{}")
LOST = ResponseLost("reset")
START: dict[str, Any] = {
    "step": "start", "request": "POST shop /jobs", "expect": {"status": 202},
    "counts": {"requests": {"{{ customer }}": 1}, "tokens": {"{{ customer }}": "{{ spent }}"}},
    "at_most": {"tokens": 40}, "save": {"job": "id"}, "reported_by": "wait",
}  # fmt: skip
WAIT: dict[str, Any] = {
    "step": "wait", "request": "GET shop /jobs/{{ job }}", "save": {"spent": "spent"},
    "until": {"json": {"state": "done"}, "every": "10ms", "within": "5s"},
}  # fmt: skip
BETWEEN = {"step": "between", "request": "GET shop /"}
FLOW = [START, WAIT]


def drive(
    folder: Path, flow: list[dict[str, Any]], *answers: Response | BaseException
) -> tuple[Exchanges, Ledger]:
    scenario = Scenario.model_validate(
        {
            "scenario": "s",
            "quantities": {
                "tokens": {"by": ["customer"], "prometheus": "t_total", "resolution": 0.5},
                "requests": {"by": ["customer"], "prometheus": "r_total"},
            },
            "flow": flow,
            "profiles": {"once": {"users": 1, "iterations": 1}},
        }
    )
    recording = record_iteration(folder, scenario, Script(*answers), {"customer": "acme"})
    return recording.exchanges, ledger_of(scenario, [recording.exchanges])


@pytest.mark.parametrize("polls", [[DONE], [RUNNING, DONE], [RUNNING, RUNNING, DONE]])
def test_an_amount_that_is_reported_is_exact(tmp_path: Path, polls: list[Response]) -> None:
    exchanges, ledger = drive(tmp_path, FLOW, STARTED, *polls)
    assert [each.outcome for each in exchanges] == [Outcome.OK] * (1 + len(polls))
    assert list(exchanges)[-1].marks == Mark.ITERATION | Mark.WAIT
    assert ledger.confirmed == {ACME: 25, REQUESTS: 1}
    assert not any(ledger.in_doubt.values())


@pytest.mark.parametrize(
    ("flow", "answers"),
    [
        (FLOW, [FAILED]),
        (FLOW, [RUNNING, GONE]),
        (FLOW, [LOST]),
        (FLOW, [answered(200, "application/json", b'{"state": "done"}')]),
        (FLOW, [answered(200, "application/json", b'{"state": "done", "spent": 41}')]),
        (FLOW, [answered(200, "application/json", b'{"state": "done", "spent": -1}')]),
        (FLOW, [answered(200, "application/json", b'{"state": "done", "spent": 0.1}')]),
        ([START, {**WAIT, "until": {"json": {"state": "done"}, "within": "1ms"}}], [RUNNING]),
        ([START, BETWEEN, WAIT], [GONE]),
        ([START, BETWEEN, WAIT], [LOST]),
        ([START, {**WAIT, "request": "GET shop /{{ job.missing }}"}], []),
    ],
    ids=["failed", "gone", "lost", "no amount", "too much", "negative", "no multiple", "too late",
         "not sent after a failure", "not sent after a loss", "not rendered"],
)  # fmt: skip
def test_an_amount_that_nobody_reported_is_in_doubt_up_to_its_bound(
    tmp_path: Path, flow: list[dict[str, Any]], answers: list[Any]
) -> None:
    _, ledger = drive(tmp_path, flow, STARTED, *answers)
    assert ledger.confirmed == {ACME: 0, REQUESTS: 1}
    assert ledger.in_doubt == {ACME: 80, REQUESTS: 0}


def test_without_a_bound_the_doubt_has_none(tmp_path: Path) -> None:
    start = {**START, "at_most": {}}
    _, ledger = drive(tmp_path, [start, WAIT], STARTED, LOST)
    assert ledger.doubt_of(ACME) == Doubt(0, is_unbounded=True)
    assert ledger.confirmed[REQUESTS] == 1


@pytest.mark.parametrize(("answer", "doubts"), [(GONE, (0, 0)), (FAILED, (80, 1)), (LOST, (80, 1))])
def test_a_start_that_is_not_ok_counts_as_ever(
    tmp_path: Path, answer: Any, doubts: tuple[int, int]
) -> None:
    _, ledger = drive(tmp_path, FLOW, answer)
    assert not any(ledger.confirmed.values())
    assert (ledger.in_doubt.get(ACME, 0), ledger.in_doubt.get(REQUESTS, 0)) == doubts


def test_each_start_in_a_loop_is_reported_by_its_own_wait(tmp_path: Path) -> None:
    flow = [{"repeat": 3, "steps": FLOW}]
    _, ledger = drive(tmp_path, flow, STARTED, DONE, STARTED, RUNNING, DONE, STARTED, FAILED)
    assert ledger.confirmed == {ACME: 50, REQUESTS: 3}
    assert ledger.in_doubt[ACME] == 80


def test_a_stream_and_a_single_request_report_likewise(tmp_path: Path) -> None:
    wait: dict[str, Any] = {"step": "wait", "request": "GET shop /events", "stream": "sse",
                            "save": {"spent": "events[-1].data.spent"}}  # fmt: skip
    _, ledger = drive(tmp_path, [START, wait], STARTED, streamed({}, {"spent": 3}))
    assert ledger.confirmed[ACME] == 6
    (tmp_path / "b").mkdir()
    wait = {"step": "wait", "request": "GET shop /", "save": {"spent": "spent"}}
    _, ledger = drive(tmp_path / "b", [START, wait], STARTED, DONE)
    assert ledger.confirmed[ACME] == 25


def test_two_starts_may_be_reported_by_one_step(tmp_path: Path) -> None:
    second = {**START, "step": "start again", "counts": {"tokens": {"acme": "{{ spent * 2 }}"}}}
    _, ledger = drive(tmp_path, [START, second, WAIT], STARTED, STARTED, DONE)
    assert ledger.confirmed == {ACME: 25 + 50, REQUESTS: 1}


def test_a_label_that_only_the_report_has_is_unknown_until_then(tmp_path: Path) -> None:
    start = {**START, "counts": {"tokens": {"{{ payer }}": "{{ spent }}"}}}
    wait = {**WAIT, "save": {"spent": "spent", "payer": "payer"}}
    named = answered(200, "application/json", b'{"state": "done", "spent": 1, "payer": "acme"}')
    _, ledger = drive(tmp_path, [start, wait], STARTED, named)
    assert ledger.confirmed == {ACME: 2}
    (tmp_path / "b").mkdir()
    _, ledger = drive(tmp_path / "b", [start, wait], STARTED, LOST)
    assert ledger.doubt_of(ACME) == Doubt(80)
