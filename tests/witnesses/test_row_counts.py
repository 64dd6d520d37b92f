from fractions import Fraction

import pytest

from witnesses.figure import Figure, Reason
from witnesses.precision import WHOLE, Precision
from witnesses.row_counts import counts_by_labels, increases

ROWS_REMOVED = Reason.ROWS_REMOVED


def test_counts_without_labels_are_those_of_one_empty_label_set() -> None:
    assert counts_by_labels([[3], [4]], 0) == {(): 7.0}
    with pytest.raises(ValueError, match="tea"):
        counts_by_labels([["tea", 3]], 0)


def test_what_only_one_of_the_results_has_is_nothing_in_the_other() -> None:
    before, after = counts_by_labels([["tea", 3]], 1), counts_by_labels([["cocoa", 2]], 1)
    figures = increases(before, after, None, WHOLE, ROWS_REMOVED)
    assert figures.at(("tea",)) == Figure.void(ROWS_REMOVED, "3 to 0")
    assert figures.at(("cocoa",)) == Figure.exact(2.0)
    assert figures.at(("coffee",)) == Figure.exact(0.0)


@pytest.mark.parametrize(("first", "late"), [([[3]], 2.0), ([], 5.0), ([[9]], 0.0)])
def test_what_the_first_result_after_the_run_lacks_is_late(
    first: list[list[int]], late: float
) -> None:
    before, after = counts_by_labels([[1]], 0), counts_by_labels([[5]], 0)
    figures = increases(before, after, counts_by_labels(first, 0), WHOLE, ROWS_REMOVED)
    assert figures.at(()) == Figure.exact(4.0, late)


def test_an_increase_of_floats_is_a_multiple_of_the_resolution() -> None:
    before, after = counts_by_labels([[0.1]], 0), counts_by_labels([[0.1 + 0.2]], 0)
    figures = increases(before, after, None, Precision(Fraction(1, 10)), ROWS_REMOVED)
    assert figures.at(()) == Figure.exact(Fraction(1, 5))
