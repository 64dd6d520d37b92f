"""What is recorded of amounts before a request, and after its response."""

from fractions import Fraction
from pathlib import Path

import pytest

from scenarios.evidence.amounts import AmountKind
from scenarios.evidence.exchange import Outcome
from scenarios.evidence.ledger import Doubt, Ledger, ledger_of
from scenarios.evidence.recording import Recording
from scenarios.evidence.recording_reader import read_recording
from scenarios.http.messages import NotSent, Response, ResponseLost
from tests.scenarios.evidence.metered import record, scenario_of, spent

LOST = ResponseLost("reset")
KNOWN = {"tokens": {"{{ tenant }}": "{{ spent }}"}}


def driven(place: Path, *answers: Response | BaseException, **step: object) -> Recording:
    path = record(place, scenario_of(**step), answers)
    read = read_recording(path)
    assert read
    return read


def ledger_of_run(place: Path, *answers: Response | BaseException, **step: object) -> Ledger:
    return ledger_of(scenario_of(**step), [driven(place, *answers, **step).exchanges])


def kinds_of(recording: Recording) -> list[str]:
    return [AmountKind(kind).name for kind in recording.exchanges.amounts.rows["kind"].tolist()]


def test_labels_and_amounts_of_the_response_are_confirmed(tmp_path: Path) -> None:
    answers = spent("acme", 0.1), spent("acme", 0.2), spent("globex", 7.0)
    ledger = ledger_of_run(tmp_path, *answers)
    assert ledger.confirmed == {("tokens", ("acme",)): 300, ("tokens", ("globex",)): 7000}


def test_what_is_known_before_the_request_needs_no_second_row(tmp_path: Path) -> None:
    counts = {"tokens": {"{{ tenant }}": "{{ iteration * 2 }}"}}
    recording = driven(tmp_path, spent("x", 1.0), LOST, counts=counts)
    assert kinds_of(recording) == ["FIXED", "FIXED"]
    ledger = ledger_of(scenario_of(counts=counts), [recording.exchanges])
    key = "tokens", ("acme",)
    assert (ledger.confirmed, ledger.in_doubt) == ({key: 2000}, {key: 4000})


def test_a_request_without_a_response_is_in_doubt_up_to_its_bound(tmp_path: Path) -> None:
    ledger = ledger_of_run(
        tmp_path, spent("x", 1.5), LOST, counts=KNOWN, at_most={"tokens": "{{ 4096 }}"}
    )
    key = "tokens", ("acme",)
    assert (ledger.confirmed[key], ledger.doubt_of(key)) == (1500, Doubt(4_096_000))
    assert ledger.doubt_of(("tokens", ("globex",))) == Doubt()


def test_without_a_bound_it_may_have_counted_any_amount(tmp_path: Path) -> None:
    ledger = ledger_of_run(tmp_path, LOST, counts=KNOWN)
    assert ledger.doubt_of(("tokens", ("acme",))) == Doubt(0, is_unbounded=True)
    assert ledger.confirmed == {("tokens", ("acme",)): 0}


def test_a_label_that_only_the_response_has_puts_every_label_in_doubt(tmp_path: Path) -> None:
    ledger = ledger_of_run(tmp_path, spent("acme", 1.5), LOST, at_most={"tokens": 10})
    for customer in ("acme", "globex", "anybody"):
        assert ledger.doubt_of(("tokens", (customer,))) == Doubt(10_000)
    assert ledger.total("tokens") == (1500, Doubt(10_000))


@pytest.mark.parametrize("answer", [NotSent("refused"), spent("acme", 1.5, 404)])
def test_what_was_not_done_counts_nothing(tmp_path: Path, answer: Response | BaseException) -> None:
    ledger = ledger_of_run(tmp_path, answer)
    assert not any(ledger.confirmed.values())
    assert not ledger.open_doubts


@pytest.mark.parametrize(
    ("amount", "reason"),
    [
        ("0.0005", "is '0.0005', which is no multiple of the quantity's resolution 0.001; "
                   "set resolution: 0.0001"),
        ("-1", "is '-1', and a counter cannot decrease"),
        ("NaN", "is 'NaN', which is no number"),
        ("much", "is 'much', which is no number"),
        ("11", "is more than at_most; raise at_most"),
    ],
)  # fmt: skip
def test_a_response_without_a_usable_amount_is_rejected_and_in_doubt(
    tmp_path: Path, amount: str, reason: str
) -> None:
    step = {"at_most": {"tokens": 10}}
    recording = driven(tmp_path, spent("acme", amount), **step)
    exchange = recording.exchanges.first()
    assert (exchange.outcome, exchange.status) == (Outcome.REJECTED, 200)
    assert exchange.reason == f"the amount of tokens {reason}"
    ledger = ledger_of(scenario_of(**step), [recording.exchanges])
    assert ledger.doubt_of(("tokens", ("acme",))) == Doubt(10_000)


def test_a_bound_that_cannot_be_computed_sends_nothing(tmp_path: Path) -> None:
    recording = driven(tmp_path, spent("acme", 1.0), at_most={"tokens": "{{ -iteration }}"})
    exchange = recording.exchanges.first()
    assert exchange.outcome is Outcome.NOT_SENT
    assert exchange.reason == "the amount of tokens is -1, and a counter cannot decrease"


def test_several_label_sets_of_one_exchange_are_each_counted(tmp_path: Path) -> None:
    counts = {"tokens": {"{{ customer }}": "{{ spent }}", "all": "{{ spent }}", "fixed": 2}}
    ledger = ledger_of_run(tmp_path, spent("acme", 1.5), spent("acme", 2.5), counts=counts)
    assert {labels[0]: amount for (_, labels), amount in ledger.confirmed.items()} == {
        "fixed": 4000, "acme": 4000, "all": 4000
    }  # fmt: skip


def test_the_keys_are_noted_once_with_their_resolution(tmp_path: Path) -> None:
    recording = driven(tmp_path, *[spent("acme", 1.0)] * 3)
    keys = recording.exchanges.amounts.keys
    assert [key.labels for key in keys] == [(None,), ("acme",)]
    assert {key.resolution for key in keys} == {Fraction(1, 1000)}


BY_STATUS = {
    "counts": {"tokens": {"200": 1}},
    "counts_by_status": {"409": {"tokens": {"409": 2}}, "4xx": {"tokens": {"{{ tenant }}": 3}}},
}


@pytest.mark.parametrize(
    ("answer", "confirmed"),
    [
        (spent("x", 1.0), {"200": 1000}),
        (spent("x", 1.0, 409), {"409": 2000}),
        (spent("x", 1.0, 404), {"acme": 3000}),
        (NotSent("refused"), {}),
    ],
)
def test_a_rejected_request_counts_what_its_status_counts(
    tmp_path: Path, answer: Response | BaseException, confirmed: dict[str, int]
) -> None:
    ledger = ledger_of_run(tmp_path, answer, **BY_STATUS)
    counted = {labels[0]: amount for (_, labels), amount in ledger.confirmed.items() if amount}
    assert counted == confirmed
    assert not any(ledger.in_doubt.values())


def test_a_status_takes_precedence_over_when_rejected(tmp_path: Path) -> None:
    ledger = ledger_of_run(tmp_path, spent("x", 1.0, 409), **BY_STATUS, when_rejected="in doubt")
    assert ledger.confirmed["tokens", ("409",)] == 2000
    assert not any(ledger.in_doubt.values())


def test_a_request_without_a_response_may_have_had_any_status(tmp_path: Path) -> None:
    ledger = ledger_of_run(tmp_path, LOST, **BY_STATUS)
    doubts = {labels[0]: amount for (_, labels), amount in ledger.in_doubt.items()}
    assert doubts == {"200": 1000, "409": 2000, "acme": 3000}


def test_of_one_key_under_several_statuses_the_largest_amount_is_in_doubt(tmp_path: Path) -> None:
    counts = {"tokens": {"all": 1}}
    by_status = {"409": {"tokens": {"all": 2}}}
    ledger = ledger_of_run(tmp_path, LOST, counts=counts, counts_by_status=by_status)
    assert ledger.in_doubt == {("tokens", ("all",)): 2000}


def test_another_rejected_request_is_taken_as_before(tmp_path: Path) -> None:
    ledger = ledger_of_run(tmp_path, spent("x", 1.0, 503), **BY_STATUS)
    assert ledger.in_doubt["tokens", ("200",)] == 1000
    assert ledger.in_doubt["tokens", ("409",)] == 0
