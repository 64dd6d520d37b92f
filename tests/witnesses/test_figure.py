import pytest
from hypothesis import given
from hypothesis import strategies as st

from witnesses.figure import (
    ZERO,
    Amount,
    Direction,
    Figure,
    Figures,
    Reason,
    sum_by_labels,
    void_figures,
)

_TEA, _COFFEE = ("tea",), ("coffee",)

# Whole numbers, as counts are: their sums are exact, in whatever order.
_counts = st.integers(-1_000, 1_000).map(float)
_bounds = st.none() | _counts
_reasons = st.sampled_from(Reason)


@st.composite
def figures(draw: st.DrawFn) -> Figure:
    """Draw a figure of any direction."""
    late = draw(_counts)
    if draw(st.booleans()):
        return Figure.exact(draw(_counts), late)
    low, high = draw(_bounds), draw(_bounds)
    if low is not None and high is not None:
        low, high = min(low, high), max(low, high)
    return Figure(low, high, draw(_reasons), draw(st.sampled_from(["", "a", "b"])), late)


def _holds(figure: Figure, value: Amount) -> bool:
    above = figure.low is None or figure.low <= value
    return above and (figure.high is None or value <= figure.high)


def _within(figure: Figure, part: float) -> Amount:
    """Return a value that a figure allows for: one bound, or beyond the only one."""
    if figure.low is not None and figure.high is not None:
        return figure.low + round(part * (figure.high - figure.low))
    if figure.low is not None:
        return figure.low + round(part * 100)
    return (figure.high or 0.0) - round(part * 100)


@pytest.mark.parametrize(
    ("figure", "direction", "value"),
    [
        (Figure.exact(4.0), Direction.EXACT, 4.0),
        (Figure.at_least(4.0, Reason.COUNTER_FELL), Direction.AT_LEAST, 4.0),
        (Figure(None, 4.0, Reason.OTHER_TRAFFIC), Direction.AT_MOST, 4.0),
        (Figure(4.0, 5.0, Reason.OTHER_TRAFFIC), Direction.BETWEEN, 4.0),
        (Figure.void(Reason.NO_TARGET), Direction.VOID, None),
    ],
)
def test_a_figure_shows_its_direction_and_its_value_or_bound(
    figure: Figure, direction: Direction, value: float | None
) -> None:
    assert (figure.direction, figure.value) == (direction, value)
    assert figure.is_exact is (direction is Direction.EXACT)


@pytest.mark.parametrize("bounds", [(1.0, None), (None, 1.0), (None, None), (1.0, 2.0)])
def test_a_figure_that_is_not_exact_needs_a_reason(
    bounds: tuple[float | None, float | None],
) -> None:
    with pytest.raises(ValueError, match="needs a reason"):
        Figure(*bounds)


@given(figures(), figures(), st.floats(0, 1), st.floats(0, 1))
def test_a_sum_holds_whatever_its_parts_may_be(
    one: Figure, other: Figure, part: float, other_part: float
) -> None:
    assert _holds(one + other, _within(one, part) + _within(other, other_part))


@given(figures(), figures())
def test_a_sum_is_as_narrow_as_its_parts_and_exact_only_if_both_are(
    one: Figure, other: Figure
) -> None:
    total = one + other
    assert total.is_exact is (one.is_exact and other.is_exact)
    assert (total.low is None) is (one.low is None or other.low is None)
    assert (total.high is None) is (one.high is None or other.high is None)
    if one.low is not None and other.low is not None:
        assert total.low == one.low + other.low
    if one.high is not None and other.high is not None:
        assert total.high == one.high + other.high
    assert total.late == one.late + other.late


@given(figures(), figures(), figures())
def test_a_sum_does_not_depend_on_the_order_of_its_parts(
    one: Figure, other: Figure, third: Figure
) -> None:
    def facts(figure: Figure) -> tuple[object, ...]:
        return figure.low, figure.high, figure.reason, figure.late

    assert facts(one + other) == facts(other + one)
    assert facts((one + other) + third) == facts(one + (other + third))
    assert one + ZERO == one


@given(figures(), figures())
def test_a_sum_keeps_the_weightiest_reason_of_its_parts_with_its_own_detail(
    one: Figure, other: Figure
) -> None:
    reasons = [part.reason for part in (one, other) if part.reason]
    weightiest = min(reasons, key=list(Reason).index, default=None)
    total = one + other
    assert total.reason is weightiest
    if weightiest:
        assert total.detail in [p.detail for p in (one, other) if p.reason is weightiest]


@given(figures(), _reasons)
def test_a_doubted_figure_keeps_at_most_one_bound_and_never_gains_one(
    figure: Figure, reason: Reason
) -> None:
    doubted = figure.doubted(reason, "a fact")
    assert doubted.low in (None, figure.low)
    assert doubted.high in (None, figure.high)
    assert None in (doubted.low, doubted.high)
    assert (doubted.is_exact, doubted.late) == (False, figure.late)


@pytest.mark.parametrize(
    ("reason", "kept"),
    [
        (Reason.PROCESS_RESTARTED, Direction.AT_LEAST),
        (Reason.REPLICAS_NOT_NAMED, Direction.AT_LEAST),
        (Reason.OTHER_TRAFFIC, Direction.AT_MOST),
        (Reason.OTHER_TARGETS, Direction.AT_MOST),
        (Reason.SELF_COUNTING, Direction.AT_MOST),
        (Reason.MOVED_BEFORE, Direction.AT_MOST),
        (Reason.SEVERAL_PROCESSES, Direction.VOID),
        (Reason.SHARED_TARGET, Direction.VOID),
        (Reason.COUNTER_FELL, Direction.VOID),
        (Reason.STILL_MOVING, Direction.VOID),
    ],
)
def test_only_what_cannot_overstate_leaves_a_lower_bound(reason: Reason, kept: Direction) -> None:
    assert Figure.exact(4.0).doubted(reason).direction is kept


@given(figures(), _reasons)
def test_a_reason_that_only_overstates_and_one_that_only_understates_leave_no_bound(
    figure: Figure, reason: Reason
) -> None:
    doubted = figure.doubted(Reason.OTHER_TRAFFIC).doubted(Reason.NOT_SCRAPED_AFTER)
    assert doubted.direction is Direction.VOID
    assert doubted.doubted(reason).direction is Direction.VOID


@given(figures(), _reasons)
def test_a_further_doubt_replaces_a_reason_only_if_it_weighs_more(
    figure: Figure, reason: Reason
) -> None:
    order = list(Reason)
    doubted = figure.doubted(reason, "a fact")
    if figure.reason is None or order.index(reason) < order.index(figure.reason):
        assert (doubted.reason, doubted.detail) == (reason, "a fact")
    else:
        assert (doubted.reason, doubted.detail) == (figure.reason, figure.detail)


@given(figures(), _reasons, _reasons)
def test_doubts_do_not_depend_on_their_order(figure: Figure, one: Reason, other: Reason) -> None:
    assert figure.doubted(one).doubted(other).reason is figure.doubted(other).doubted(one).reason


@pytest.mark.parametrize("order", [1, -1])
def test_one_lower_bound_makes_a_sum_a_lower_bound(order: int) -> None:
    bound = Figure.at_least(3.0, Reason.PROCESS_RESTARTED)
    parts = [(_TEA, Figure.exact(2.0)), (_TEA, bound)][::order]
    assert sum_by_labels(parts) == {_TEA: Figure.at_least(5.0, Reason.PROCESS_RESTARTED)}


def test_only_figures_of_the_same_labels_are_added_up() -> None:
    parts = [(_TEA, Figure.exact(2.0)), (_COFFEE, Figure.exact(5.0)), (_TEA, Figure.exact(1.0))]
    assert sum_by_labels(parts) == {_TEA: Figure.exact(3.0), _COFFEE: Figure.exact(5.0)}


def test_labels_without_a_figure_have_the_one_of_all_others() -> None:
    figures_by_kind = Figures({_TEA: Figure.exact(2.0)}, Figure.exact(0.0))
    assert figures_by_kind.at(_TEA) == Figure.exact(2.0)
    assert figures_by_kind.at(_COFFEE) == Figure.exact(0.0)


def test_a_doubt_on_figures_is_cast_on_those_of_all_other_labels_too() -> None:
    doubted = Figures({_TEA: Figure.exact(2.0)}, ZERO).doubted(Reason.OTHER_TRAFFIC, "job shop")
    assert doubted.at(_TEA) == Figure.at_most(2.0, Reason.OTHER_TRAFFIC, "job shop")
    assert doubted.at(_COFFEE) == Figure.at_most(0.0, Reason.OTHER_TRAFFIC, "job shop")
    void = Figures({_TEA: Figure.exact(2.0)}, ZERO).doubted(Reason.NO_TARGET)
    assert void.at(_TEA) == void.at(_COFFEE) == Figure.void(Reason.NO_TARGET)


def test_void_figures_say_nothing_of_any_labels() -> None:
    figures_of_nothing = void_figures(Reason.DATABASE_DOWN, "refused")
    assert figures_of_nothing.at(_TEA) == Figure.void(Reason.DATABASE_DOWN, "refused")
    assert figures_of_nothing.by_labels == {}
