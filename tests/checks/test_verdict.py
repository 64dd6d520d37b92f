import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.verdict import Verdict, exit_code, worst

_VERDICTS = st.lists(st.sampled_from(Verdict))


@given(_VERDICTS.flatmap(lambda given: st.tuples(st.just(given), st.permutations(given))))
def test_the_order_of_findings_never_changes_the_worst(
    orders: tuple[list[Verdict], list[Verdict]],
) -> None:
    assert worst(orders[0]) is worst(orders[1])


@given(_VERDICTS, _VERDICTS)
def test_the_worst_of_parts_is_the_worst_of_the_whole(
    some: list[Verdict], more: list[Verdict]
) -> None:
    parts = [worst(part) for part in (some, more) if part]
    assert worst(parts) is worst(some + more)


@given(_VERDICTS)
def test_the_worst_is_a_pass_only_when_there_are_findings_and_all_pass(
    verdicts: list[Verdict],
) -> None:
    assert (worst(verdicts) is Verdict.PASS) == (set(verdicts) == {Verdict.PASS})


@given(_VERDICTS)
def test_one_failure_decides_whatever_else_there_is(verdicts: list[Verdict]) -> None:
    assert worst([*verdicts, Verdict.FAIL]) is Verdict.FAIL


def test_nothing_judged_is_inconclusive() -> None:
    assert worst([]) is Verdict.INCONCLUSIVE


def test_worst_takes_an_iterator() -> None:
    assert worst(iter([Verdict.PASS, Verdict.INCONCLUSIVE])) is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    ("verdict", "code"),
    [(Verdict.PASS, 0), (Verdict.FAIL, 1), (Verdict.INCONCLUSIVE, 3)],
)
def test_each_verdict_has_its_own_exit_code(verdict: Verdict, code: int) -> None:
    assert exit_code(verdict) == code
