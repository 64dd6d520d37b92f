"""The columns are compared with plain Python over lists of exchanges."""

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from scenarios.evidence.exchange import Exchange, Mark, Outcome
from scenarios.evidence.exchanges import OUTCOMES, Exchanges
from tests.scenarios.exchange_columns import exchanges_of

STEPS = ("open", "use", "close")


@st.composite
def exchanges(draw: st.DrawFn) -> tuple[list[Exchange], Exchanges]:
    """Draw the exchanges of interleaved users: those of an iteration are in order, not adjacent."""
    each = []
    for sequence in range(1, draw(st.integers(0, 25)) + 1):
        outcome = draw(st.sampled_from(list(Outcome)))
        reasons = ["", "reset"] if outcome is Outcome.UNKNOWN else [""]
        due_s = draw(st.integers(0, 20)) / 4
        each.append(
            Exchange(
                "load", sequence, draw(st.integers(0, 6)), draw(st.sampled_from(STEPS)),
                due_s, due_s + 0.25, due_s + draw(st.integers(1, 9)) / 2, outcome,
                draw(st.sampled_from([None, 200, 404, 500])), draw(st.sampled_from(reasons)),
                outcome is Outcome.UNKNOWN and draw(st.booleans()), draw(st.integers(0, 3)),
            )
        )  # fmt: skip
    return each, exchanges_of("load", each)


def by_iteration(each: list[Exchange]) -> list[list[Exchange]]:
    """Group exchanges, in order of each iteration's first; those of number 0 are in none."""
    groups: dict[int, list[Exchange]] = {}
    for one in filter(lambda one: one.iteration, each):
        groups.setdefault(one.iteration, []).append(one)
    return list(groups.values())


@given(exchanges())
def test_iterating_gives_the_exchanges_back(drawn: tuple[list[Exchange], Exchanges]) -> None:
    each, columns = drawn
    assert list(columns) == each
    assert len(columns) == len(each)
    if each:
        assert columns.first() == each[0]


@given(exchanges())
def test_each_column_has_the_value_of_each_exchange(
    drawn: tuple[list[Exchange], Exchanges],
) -> None:
    each, columns = drawn
    assert columns.ok.tolist() == [one.outcome is Outcome.OK for one in each]
    assert columns.has_response.tolist() == [one.has_response for one in each]
    assert columns.cut_off.tolist() == [one.cut_off for one in each]
    assert columns.response_s.tolist() == [one.response_s for one in each]
    assert columns.column("sent_s").tolist() == [one.sent_s for one in each]


@given(exchanges())
def test_the_tally_counts_by_step_outcome_and_status(
    drawn: tuple[list[Exchange], Exchanges],
) -> None:
    each, columns = drawn
    tally = {(step, outcome, status): count for step, outcome, status, count in columns.tally()}
    assert tally == Counter((one.step, one.outcome, one.status) for one in each)
    for kind in tally:
        alike = [one for one in each if (one.step, one.outcome, one.status) == kind]
        assert list(columns[columns.is_of_kind(*kind)]) == alike


@given(exchanges(), st.sampled_from([*STEPS, "no such step"]))
def test_a_step_is_selected_by_its_name(drawn: tuple[list[Exchange], Exchanges], step: str) -> None:
    each, columns = drawn
    assert list(columns.of_step(step)) == [one for one in each if one.step == step]


@given(exchanges())
def test_iterations_are_grouped_by_number_however_they_interleave(
    drawn: tuple[list[Exchange], Exchanges],
) -> None:
    each, columns = drawn
    groups, iterations = by_iteration(each), columns.iterations
    assert len(iterations) == len(groups)
    assert [each[position] for position in iterations.first] == [group[0] for group in groups]
    assert iterations.exchanges.tolist() == [len(group) for group in groups]
    ok = [sum(one.outcome is Outcome.OK for one in group) for group in groups]
    assert iterations.ok.tolist() == ok
    wrong = [any(one.outcome is not Outcome.OK and not one.cut_off for one in group)
             for group in groups]  # fmt: skip
    assert iterations.is_wrong.tolist() == wrong
    complete = [any(one.marks & Mark.ITERATION for one in group) for group in groups]
    assert iterations.is_complete.tolist() == complete


@given(exchanges())
def test_an_iteration_lasts_from_its_first_due_time_to_its_latest_end(
    drawn: tuple[list[Exchange], Exchanges],
) -> None:
    each, columns = drawn
    groups, iterations = by_iteration(each), columns.iterations
    assert iterations.due_s.tolist() == [group[0].due_s for group in groups]
    assert iterations.done_s.tolist() == [max(one.done_s for one in group) for group in groups]


def test_the_outcome_of_an_iteration_is_that_of_the_exchange_that_ended_it() -> None:
    outcomes = [Outcome.OK, Outcome.REJECTED, Outcome.OK]  # the last two were sent at once
    each = [Exchange("load", number, 1, "use", 0.0, 0.0, 1.0, outcome)
            for number, outcome in enumerate(outcomes, start=1)]  # fmt: skip
    assert OUTCOMES[exchanges_of("load", each).iterations.outcome[0]] is Outcome.REJECTED


@given(exchanges(), st.integers(0, 20))
def test_iterations_begun_after_a_time_are_selected_whole(
    drawn: tuple[list[Exchange], Exchanges], quarters: int
) -> None:
    each, columns = drawn
    late = {group[0].iteration for group in by_iteration(each) if group[0].due_s >= quarters / 4}
    kept = [one for one in each if one.iteration in late]
    assert list(columns.begun_after(quarters / 4)) == kept


@given(exchanges())
def test_the_iteration_of_an_exchange_has_all_exchanges_of_its_number(
    drawn: tuple[list[Exchange], Exchanges],
) -> None:
    each, columns = drawn
    for position, one in enumerate(each):
        alike = [other for other in each if other.iteration == one.iteration]
        assert list(columns.of_iteration(position)) == alike


def test_a_mask_and_positions_select_the_same() -> None:
    one = Exchange("load", 1, 1, "open", 0.0, 0.5, 1.0, Outcome.OK, 200, "")
    columns = exchanges_of("load", [one, one, one])
    assert len(columns[np.array([True, False, True])]) == 2
    assert len(columns[np.array([0, 2])]) == 2
