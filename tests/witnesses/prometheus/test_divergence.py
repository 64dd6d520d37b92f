from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from witnesses.prometheus.divergence import DatedCount, differs_since
from witnesses.prometheus.growth import Growth

_SCRAPES = range(10, 70, 10)


def _growth(*grown: float, duration_s: float = 0.0) -> list[Growth]:
    """Return the growth at scrapes at 10, 20, 30, … s."""
    return [Growth(at, at + duration_s, by) for at, by in zip(_SCRAPES, grown, strict=False)]


def _one_a_second(until: int, amount: int = 1) -> list[DatedCount]:
    return [DatedCount(at + 0.2, at + 0.4, amount) for at in range(until)]


def test_a_counter_that_has_all_that_was_confirmed_never_differs() -> None:
    assert differs_since([_growth(10, 20, 30, 30)], _one_a_second(30)) is None


def test_a_lost_count_shows_at_the_first_scrape_after_it() -> None:
    assert differs_since([_growth(10, 19, 29, 29)], _one_a_second(30)) == 20.0


def test_a_double_count_shows_at_the_first_scrape_after_it() -> None:
    assert differs_since([_growth(10, 20, 31, 31)], _one_a_second(30)) == 30.0


def test_a_lost_count_that_requests_in_flight_make_up_for_shows_once_they_cannot() -> None:
    long = [DatedCount(9.0, 25.0, 3)]
    grown = _growth(10 + 3 - 1, 20 + 3 - 1, 33 - 1, 33 - 1)
    assert differs_since([grown], [*_one_a_second(30), *long]) == 30.0


def test_a_count_in_flight_is_neither_missing_nor_too_much() -> None:
    moves = [DatedCount(9.0, 15.0, 3)]
    assert differs_since([_growth(3, 3)], moves) is None
    assert differs_since([_growth(0, 3)], moves) is None


def test_a_count_in_doubt_may_be_there_or_not() -> None:
    moves = [*_one_a_second(10), DatedCount(5.0, 35.0, 2, is_confirmed=False)]
    assert differs_since([_growth(10, 10, 10, 10)], moves) is None
    assert differs_since([_growth(12, 12, 12, 12)], moves) is None
    assert differs_since([_growth(12, 12, 13, 13)], moves) == 30.0


def test_a_count_that_came_late_but_came_is_no_difference() -> None:
    assert differs_since([_growth(8, 20, 30, 30)], _one_a_second(30)) is None


def test_a_count_that_came_late_is_not_taken_for_the_one_that_was_lost() -> None:
    assert differs_since([_growth(8, 20, 29, 29)], _one_a_second(30)) == 30.0


def test_replicas_are_added_up_each_as_of_its_own_scrape() -> None:
    """The second is scraped 5 s after the first, and each answers every other request."""
    first = [Growth(10, 10, 5), Growth(20, 20, 10), Growth(30, 30, 10)]
    second = [Growth(15, 15, 7), Growth(25, 25, 10), Growth(35, 35, 10)]
    assert differs_since([first, second], _one_a_second(20)) is None
    lost = [Growth(15, 15, 7), Growth(25, 25, 9), Growth(35, 35, 9)]
    assert differs_since([first, lost], _one_a_second(20)) == 25.0


def test_a_target_that_was_not_scraped_again_explains_what_is_missing() -> None:
    assert differs_since([_growth(5, 10, 15), [Growth(12, 12, 6)]], _one_a_second(30)) is None


def test_a_slow_scrape_may_show_what_was_sent_during_it() -> None:
    moves = [DatedCount(10.3, 10.4, 1)]
    assert differs_since([_growth(1, duration_s=0.5)], moves) is None
    assert differs_since([_growth(1, 1, duration_s=0.1)], moves) is None
    assert differs_since([_growth(2, 2, duration_s=0.5)], moves) == 10.0


def test_clocks_that_are_slightly_apart_make_no_difference() -> None:
    moves = [DatedCount(9.0, 9.98, 1), DatedCount(10.02, 10.5, 1)]
    assert differs_since([_growth(0, 2)], moves) is None
    assert differs_since([_growth(2, 2)], moves) is None
    assert differs_since([_growth(0, 1)], moves, slack_s=0.01) == 10.0


def test_without_scrapes_nothing_shows() -> None:
    assert differs_since([], _one_a_second(3)) is None
    assert differs_since([[]], _one_a_second(3)) is None


_requests = st.lists(
    st.tuples(st.floats(0, 40), st.floats(0.01, 15), st.floats(0, 1)), min_size=1, max_size=30
)


def _scraped(counted_at: Sequence[float]) -> list[Growth]:
    return [Growth(at, at, float(sum(each <= at for each in counted_at))) for at in _SCRAPES]


@given(_requests, st.integers(0, 29), st.booleans())
def test_a_difference_never_shows_before_it_arose(
    requests: list[tuple[float, float, float]], nth: int, is_lost: bool
) -> None:
    """Requests overlap at will, and one of them is counted not at all, or twice."""
    moves = [DatedCount(sent_at, sent_at + duration_s, 1) for sent_at, duration_s, _ in requests]
    counted_at = [sent_at + duration_s * part for sent_at, duration_s, part in requests]
    assert differs_since([_scraped(counted_at)], moves) is None
    wrong_at = counted_at[nth % len(requests)]
    counted_wrong = list(counted_at)
    counted_wrong.remove(wrong_at) if is_lost else counted_wrong.append(wrong_at)
    since = differs_since([_scraped(counted_wrong)], moves)
    assert since is not None
    assert since >= wrong_at


@given(st.integers(1, 39), st.integers(0, 38))
def test_a_count_lost_with_nothing_in_flight_shows_at_the_next_scrape(many: int, nth: int) -> None:
    moves = [DatedCount(n + 0.2, n + 0.4, 1) for n in range(many)]
    lost_at = moves[nth % many].done_at
    counted_at = [each.done_at for each in moves if each.done_at != lost_at]
    next_at = next(at for at in _SCRAPES if at > lost_at)
    assert differs_since([_scraped(counted_at)], moves) == next_at
