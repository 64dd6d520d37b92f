import json
from collections import Counter
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.evidence.exchange import Exchange, Outcome
from scenarios.evidence.ledger import (
    Key,
    Ledger,
    Weight,
    ledger_json,
    ledger_of,
    weight_of,
)
from scenarios.evidence.recording_reader import read_recording
from scenarios.http.messages import ResponseLost
from scenarios.language.amounts import constant_counts
from scenarios.language.model import Scenario
from tests.scenarios.evidence.metered import record, scenario_of, spent
from tests.scenarios.exchange_columns import exchanges_of

SCENARIO = Scenario.model_validate(
    {
        "scenario": "s",
        "flow": [
            {
                "step": "plain",
                "request": "POST shop /",
                "counts": {"made": {"a": {"x": 1, "y": 2}, "b": {"x": 0}}, "calls": 1},
            },
            {
                "step": "nothing",
                "request": "POST shop /",
                "counts": {"calls": 5},
                "when_rejected": "nothing",
            },
            {
                "step": "in doubt",
                "request": "POST shop /",
                "counts": {"calls": 7},
                "when_rejected": "in doubt",
            },
            {"step": "free", "request": "GET shop /"},
        ],
        "profiles": {"once": {"users": 1, "iterations": 1}},
    }
)
KEYS: list[Key] = [("made", ("a", "x")), ("made", ("a", "y")), ("made", ("b", "x")), ("calls", ())]
MOVES = {step.step: dict(constant_counts(SCENARIO, step)) for step in SCENARIO.steps}


def exchange(step: str, outcome: Outcome, status: int | None = None) -> Exchange:
    answered = outcome in (Outcome.OK, Outcome.REJECTED)
    return Exchange("g", 1, 1, step, 0.0, 0.0, 1.0, outcome, status if answered else None)


exchanges = st.builds(
    exchange,
    st.sampled_from([step.step for step in SCENARIO.steps]),
    st.sampled_from(list(Outcome)),
    st.sampled_from([200, 201, 204, 302, 400, 404, 409, 429, 499, 500, 502, 503, 599]),
)


def folded(some: list[Exchange]) -> Ledger:
    return ledger_of(SCENARIO, [exchanges_of("g", some)])


def calls(step: str, outcome: Outcome, status: int | None = None) -> tuple[int, int]:
    ledger = folded([exchange(step, outcome, status)])
    return ledger.confirmed[("calls", ())], ledger.in_doubt[("calls", ())]


def total(*ledgers: Ledger) -> tuple[Counter[Key], Counter[Key]]:
    confirmed, in_doubt = Counter[Key](), Counter[Key]()
    for ledger in ledgers:
        confirmed.update(ledger.confirmed)
        in_doubt.update(ledger.in_doubt)
    return confirmed, in_doubt


@pytest.mark.parametrize(
    ("outcome", "status", "left"),
    [
        (Outcome.OK, 200, (1, 0)),
        (Outcome.UNKNOWN, None, (0, 1)),
        (Outcome.NOT_SENT, None, (0, 0)),
        (Outcome.REJECTED, 400, (0, 0)),
        (Outcome.REJECTED, 404, (0, 0)),
        (Outcome.REJECTED, 499, (0, 0)),
        (Outcome.REJECTED, 500, (0, 1)),
        (Outcome.REJECTED, 503, (0, 1)),
        (Outcome.REJECTED, 200, (0, 1)),
        (Outcome.REJECTED, 302, (0, 1)),
        (Outcome.REJECTED, 399, (0, 1)),
    ],
)
def test_an_outcome_is_confirmed_in_doubt_or_nothing(
    outcome: Outcome, status: int | None, left: tuple[int, int]
) -> None:
    assert calls("plain", outcome, status) == left


@pytest.mark.parametrize("status", [200, 404, 500])
def test_when_rejected_decides_what_a_rejection_counts(status: int) -> None:
    assert calls("nothing", Outcome.REJECTED, status) == (0, 0)
    assert calls("in doubt", Outcome.REJECTED, status) == (0, 7)


def test_when_rejected_does_not_affect_other_outcomes() -> None:
    assert calls("nothing", Outcome.UNKNOWN) == (0, 5)
    assert calls("nothing", Outcome.OK, 200) == (5, 0)
    assert calls("in doubt", Outcome.NOT_SENT) == (0, 0)
    assert calls("in doubt", Outcome.OK, 200) == (7, 0)


@pytest.mark.parametrize(
    ("step", "outcome", "status", "weight"),
    [
        ("plain", Outcome.OK, 200, Weight.CONFIRMED),
        ("plain", Outcome.UNKNOWN, None, Weight.IN_DOUBT),
        ("plain", Outcome.REJECTED, 404, Weight.NOTHING),
        ("nothing", Outcome.REJECTED, 500, Weight.NOTHING),
        ("in doubt", Outcome.REJECTED, 404, Weight.IN_DOUBT),
    ],
)
def test_the_weight_of_an_exchange_is_how_the_ledger_takes_it(
    step: str, outcome: Outcome, status: int | None, weight: Weight
) -> None:
    of_step = next(each for each in SCENARIO.steps if each.step == step)
    assert weight_of(outcome, status, of_step) is weight


def test_every_label_is_counted_by_its_own_amount() -> None:
    ledger = folded([exchange("plain", Outcome.OK, 200)] * 3)
    assert [ledger.confirmed[key] for key in KEYS] == [3, 6, 0, 3]


def test_the_ledger_of_no_exchange_has_every_key_of_the_flow_with_zero() -> None:
    ledger = ledger_of(SCENARIO, [])
    assert list(ledger.counted()) == KEYS
    assert ledger.confirmed == ledger.in_doubt == dict.fromkeys(KEYS, 0)


def test_the_ledger_is_rendered_with_one_row_per_key() -> None:
    both = [exchange("plain", Outcome.OK, 200), exchange("plain", Outcome.UNKNOWN)]
    rows = json.loads(ledger_json(SCENARIO, folded(both)))
    assert rows[1] == {"quantity": "made", "labels": ["a", "y"], "confirmed": 2, "in_doubt": 2}
    assert len(rows) == len(KEYS)


@given(st.lists(st.lists(exchanges, max_size=8), max_size=5))
def test_the_ledgers_of_the_parts_add_up_to_the_ledger_of_the_whole(
    parts: list[list[Exchange]],
) -> None:
    whole = folded([each for part in parts for each in part])
    summed = total(ledger_of(SCENARIO, []), *(folded(part) for part in parts))
    assert summed == total(whole)


@given(st.lists(exchanges, max_size=12), st.randoms(use_true_random=False))
def test_the_order_of_the_exchanges_does_not_matter(some: list[Exchange], random: Random) -> None:
    mixed = random.sample(some, len(some))
    assert folded(mixed) == folded(some)


@given(st.lists(exchanges, max_size=12))
def test_nothing_is_counted_beyond_what_was_sent(some: list[Exchange]) -> None:
    ledger = folded(some)
    sent = [each for each in some if each.outcome is not Outcome.NOT_SENT]
    for key in KEYS:
        most = sum(MOVES[each.step].get(key, 0) for each in sent)
        confirmed = sum(MOVES[each.step].get(key, 0) for each in some if each.outcome is Outcome.OK)
        assert ledger.confirmed[key] == confirmed
        assert 0 <= ledger.in_doubt[key] <= most - confirmed


def test_an_amount_without_a_bound_is_in_doubt_of_its_known_key_and_of_no_other(
    tmp_path: Path,
) -> None:
    """The label is known before the request, the amount only from a response that never came."""
    scenario = scenario_of(save={"spent": "spent"}, counts={"tokens": {"acme": "{{ spent }}"}})
    lost = ResponseLost("the connection broke")
    recording = read_recording(record(tmp_path, scenario, [spent("acme", "0.5"), lost]))
    assert recording is not None
    ledger = ledger_of(scenario, [recording.exchanges])
    assert ledger.confirmed == {("tokens", ("acme",)): 500}
    assert ledger.doubt_of(("tokens", ("acme",))).is_unbounded
    assert not ledger.doubt_of(("tokens", ("globex",))).is_unbounded
