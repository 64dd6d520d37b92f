"""Do the columns say what a look at each exchange would? Against plain Python."""

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from scenarios.evidence.exchange import CUT_OFF, Exchange, Outcome
from scenarios.evidence.exchanges import Exchanges
from tests.scenarios.exchange_columns import exchanges_of

STEPS = ("open", "use", "close")


@st.composite
def exchanges(draw: st.DrawFn) -> tuple[list[Exchange], Exchanges]:
    """Draw the exchanges of users that take turns: an iteration's are in order, not together."""
    each = []
    for sequence in range(1, draw(st.integers(0, 25)) + 1):
        outcome = draw(st.sampled_from(list(Outcome)))
        reasons = [CUT_OFF, "reset"] if outcome is Outcome.UNKNOWN else [""]
        due_s = draw(st.integers(0, 20)) / 4
        each.append(
            Exchange(
                "load", sequence, draw(st.integers(1, 6)), draw(st.sampled_from(STEPS)),
                due_s, due_s + 0.25, due_s + draw(st.integers(1, 9)) / 2, outcome,
                draw(st.sampled_from([None, 200, 404, 500])), draw(st.sampled_from(reasons)),
            )
        )  # fmt: skip
    return each, exchanges_of("load", each)


def by_iteration(each: list[Exchange]) -> list[list[Exchange]]:
    """Group exchanges, in order of each iteration's first."""
    groups: dict[int, list[Exchange]] = {}
    for one in each:
        groups.setdefault(one.iteration, []).append(one)
    return list(groups.values())


@given(exchanges())
def test_columns_give_the_exchanges_back(drawn: tuple[list[Exchange], Exchanges]) -> None:
    each, columns = drawn
    assert list(columns) == each
    assert len(columns) == len(each)
    if each:
        assert columns.first() == each[0]


@given(exchanges())
def test_each_column_is_of_each_exchange(drawn: tuple[list[Exchange], Exchanges]) -> None:
    each, columns = drawn
    assert columns.ok.tolist() == [one.outcome is Outcome.OK for one in each]
    assert columns.answered.tolist() == [one.answered for one in each]
    assert columns.cut_off.tolist() == [one.cut_off for one in each]
    assert columns.response_s.tolist() == [one.response_s for one in each]
    assert columns.column("sent_s").tolist() == [one.sent_s for one in each]


@given(exchanges())
def test_they_are_counted_by_step_outcome_and_status(
    drawn: tuple[list[Exchange], Exchanges],
) -> None:
    each, columns = drawn
    tally = {(step, outcome, status): count for step, outcome, status, count in columns.tally()}
    assert tally == Counter((one.step, one.outcome, one.status) for one in each)
    for kind in tally:
        alike = [one for one in each if (one.step, one.outcome, one.status) == kind]
        assert list(columns.of_kind(*kind)) == alike


@given(exchanges(), st.sampled_from([*STEPS, "no such step"]))
def test_those_of_a_step_are_those_of_its_name(
    drawn: tuple[list[Exchange], Exchanges], step: str
) -> None:
    each, columns = drawn
    assert list(columns.of_step(step)) == [one for one in each if one.step == step]


@given(exchanges(), st.integers(1, 3))
def test_an_iteration_is_what_has_its_number_however_they_are_mixed(
    drawn: tuple[list[Exchange], Exchanges], steps: int
) -> None:
    each, columns = drawn
    groups, told = by_iteration(each), columns.iterations
    assert len(told) == len(groups)
    assert [each[position] for position in told.first] == [group[0] for group in groups]
    assert [each[position] for position in told.last] == [group[-1] for group in groups]
    assert told.exchanges.tolist() == [len(group) for group in groups]
    wrong = [sum(one.outcome is not Outcome.OK and not one.cut_off for one in group)
             for group in groups]  # fmt: skip
    assert told.wrong.tolist() == wrong
    complete = [len(group) == steps and all(one.outcome is Outcome.OK for one in group)
                for group in groups]  # fmt: skip
    assert told.complete(steps).tolist() == complete
    whole = [len(group) == steps and all(one.answered for one in group) for group in groups]
    assert told.whole(steps).tolist() == whole


@given(exchanges(), st.integers(0, 20))
def test_what_begun_after_a_moment_is_whole_iterations(
    drawn: tuple[list[Exchange], Exchanges], quarters: int
) -> None:
    each, columns = drawn
    late = {group[0].iteration for group in by_iteration(each) if group[0].due_s >= quarters / 4}
    kept = [one for one in each if one.iteration in late]
    assert list(columns.begun_after(quarters / 4)) == kept


@given(exchanges())
def test_one_exchange_leads_to_all_of_its_iteration(
    drawn: tuple[list[Exchange], Exchanges],
) -> None:
    each, columns = drawn
    for position, one in enumerate(each):
        alike = [other for other in each if other.iteration == one.iteration]
        assert list(columns.of_iteration(position)) == alike


def test_a_mask_and_positions_choose_alike() -> None:
    one = Exchange("load", 1, 1, "open", 0.0, 0.5, 1.0, Outcome.OK, 200, "")
    columns = exchanges_of("load", [one, one, one])
    assert len(columns[np.array([True, False, True])]) == 2
    assert len(columns[np.array([0, 2])]) == 2
