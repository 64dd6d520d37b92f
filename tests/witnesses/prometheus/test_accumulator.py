import json
import math
from typing import Any

import pytest

from witnesses.figure import Figure
from witnesses.prometheus.accumulator import Accumulator
from witnesses.prometheus.samples import RawSeries, Sample, ScrapeLogBuilder, Target

BEGIN, END = 100.0, 200.0
_SHOP: Target = ("shop", "shop:80")
_STAMPS = (80.0, 90.0, 210.0, 220.0, 230.0)


def _raw(*values: float, stamps: tuple[float, ...] = _STAMPS, **labels: str) -> RawSeries:
    metric = {"job": _SHOP[0], "instance": _SHOP[1], **labels}
    return RawSeries(json.dumps(metric).encode(), list(zip(stamps, values, strict=True)))


def _targets(
    stamps: tuple[float, ...] = _STAMPS, builder: ScrapeLogBuilder | None = None
) -> dict[Target, ScrapeLogBuilder]:
    """Return one target that was scraped at some instants."""
    scraped = builder or ScrapeLogBuilder(BEGIN, END, fresh=False)
    ups: list[Sample] = [(at, 1.0) for at in stamps]
    scraped.add(ups, (), [(at, 0.1) for at in stamps], ())
    return {_SHOP: scraped}


def _figures(accumulator: Accumulator, target: ScrapeLogBuilder) -> dict[tuple[str, ...], Figure]:
    return {
        state.labels: accumulator.figure(state, target.scrape_log) for state in accumulator.states
    }


def test_a_series_is_named_by_the_labels_that_a_quantity_is_counted_by() -> None:
    accumulator, targets = Accumulator(("kind",), BEGIN, END), _targets()
    accumulator.add([_raw(3, 3, 7, 7, 7, kind="tea", status="200")], targets)
    assert _figures(accumulator, targets[_SHOP]) == {("tea",): Figure.exact(4.0)}
    assert accumulator.targets == {_SHOP}


def test_series_that_differ_in_another_label_are_kept_apart() -> None:
    accumulator, targets = Accumulator(("kind",), BEGIN, END), _targets()
    raw = [_raw(3, 3, 7, 7, 7, kind="tea", status=status) for status in ("200", "201")]
    accumulator.add(raw, targets)
    assert [state.labels for state in accumulator.states] == [("tea",), ("tea",)]


def test_labels_in_another_order_go_on_with_the_same_series() -> None:
    accumulator = Accumulator(("kind",), BEGIN, END)
    builder = ScrapeLogBuilder(BEGIN, END, fresh=False)
    accumulator.add([_raw(3, 3, stamps=_STAMPS[:2], kind="tea")], _targets(_STAMPS[:2], builder))
    turned = json.dumps({"kind": "tea", "instance": _SHOP[1], "job": _SHOP[0]}).encode()
    later = RawSeries(turned, [(at, 7.0) for at in _STAMPS[2:]])
    accumulator.add([later], _targets(_STAMPS[2:], builder))
    assert _figures(accumulator, builder) == {("tea",): Figure.exact(4.0)}


def test_a_series_that_appears_in_a_later_window_was_at_zero_before() -> None:
    accumulator = Accumulator(("kind",), BEGIN, END)
    builder = ScrapeLogBuilder(BEGIN, END, fresh=False)
    accumulator.add([], _targets(_STAMPS[:2], builder))
    late = _raw(7, 7, 7, stamps=_STAMPS[2:], kind="tea")
    accumulator.add([late], _targets(_STAMPS[2:], builder))
    assert _figures(accumulator, builder) == {("tea",): Figure.exact(7.0)}


def test_a_series_that_vanishes_fell_to_zero() -> None:
    accumulator = Accumulator(("kind",), BEGIN, END)
    builder = ScrapeLogBuilder(BEGIN, END, fresh=False)
    accumulator.add([_raw(3, 3, 7, stamps=_STAMPS[:3], kind="tea")], _targets(_STAMPS[:3], builder))
    accumulator.add([], _targets(_STAMPS[3:], builder))
    (figure,) = _figures(accumulator, builder).values()
    assert not figure.is_exact


def test_a_target_without_a_series_stayed_at_zero() -> None:
    accumulator, targets = Accumulator(("kind",), BEGIN, END), _targets()
    accumulator.add([], targets)
    state = accumulator.absent_state(_SHOP)
    assert accumulator.figure(state, targets[_SHOP].scrape_log) == Figure.exact(0.0)
    assert accumulator.states == []


def test_only_the_label_values_that_are_asked_for_are_followed() -> None:
    accumulator = Accumulator(("kind",), BEGIN, kept=[("tea",)], keeps=True)
    targets = _targets()
    raw = [_raw(3, 3, 7, 7, 7, kind=kind) for kind in ("tea", "coffee")]
    accumulator.add(raw, targets)
    (state,) = accumulator.states
    growth = accumulator.growth(state, targets[_SHOP].scrape_log)
    assert state.labels == ("tea",)
    assert [(each.at, each.grown) for each in growth] == [(at, 4.0) for at in _STAMPS[2:]]
    assert [round(each.answered_at - each.at, 3) for each in growth] == [0.1] * 3


def test_values_at_scrapes_are_kept_only_if_they_are_wanted() -> None:
    accumulator, targets = Accumulator(("kind",), BEGIN, END), _targets()
    accumulator.add([_raw(3, 3, 7, 7, 7, kind="tea")], targets)
    (state,) = accumulator.states
    assert accumulator.growth(state, targets[_SHOP].scrape_log) == []


@pytest.mark.parametrize("settle_s", [0.0, 25.0])
def test_what_is_counted_after_the_time_to_settle_is_late(settle_s: float) -> None:
    accumulator, stamps = Accumulator(("kind",), BEGIN, END, settle_s), (*_STAMPS, 240.0, 250.0)
    targets = _targets(stamps)
    accumulator.add([_raw(3, 3, 6, 6, 7, 7, 7, stamps=stamps, kind="tea")], targets)
    late = 0.0 if settle_s else 1.0
    assert _figures(accumulator, targets[_SHOP]) == {("tea",): Figure.exact(4.0, late=late)}


def test_a_window_that_is_not_whole_is_refused() -> None:
    accumulator = Accumulator(("kind",), BEGIN, math.inf)
    broken = RawSeries(b"[1]", [(80.0, 1.0)])
    with pytest.raises(ValueError, match="no mapping of text"):
        accumulator.add([broken], _targets())


@pytest.mark.parametrize("is_shared", [False, True])
def test_a_scrape_of_two_targets_with_one_name_shows_no_absence(is_shared: bool) -> None:
    accumulator = Accumulator(("kind",), BEGIN, keeps=True)
    builder = ScrapeLogBuilder(BEGIN, END, fresh=False, is_shared=is_shared)
    targets = _targets((*_STAMPS[:2], 150.0, *_STAMPS[2:]), builder)
    accumulator.add([_raw(3, 3, 7, 7, 7, kind="tea")], targets)
    (state,) = accumulator.states
    zero = [] if is_shared else [(150.0, 0.0)]
    assert state.seen == [*zero, *((at, 7.0) for at in _STAMPS[2:])]
    assert _figures(accumulator, builder)[("tea",)].is_exact is False


_BATCH: dict[str, Any] = {"job": "batch", "instance": "nightly"}


def test_a_series_with_a_job_of_the_page_is_of_the_target_that_is_scraped_when_it_shows() -> None:
    """As with `honor_labels`, and as a Pushgateway needs it."""
    accumulator, targets = Accumulator((), BEGIN, END), _targets()
    accumulator.add([_raw(3, 3, 7, 7, 7, **_BATCH)], targets)
    assert accumulator.targets == {_SHOP}
    assert _figures(accumulator, targets[_SHOP]) == {(): Figure.exact(4.0)}


def test_a_series_with_a_job_of_the_page_that_shows_later_was_at_zero_before() -> None:
    accumulator, targets = Accumulator((), BEGIN, END), _targets()
    accumulator.add([_raw(7, 7, 7, stamps=_STAMPS[2:], **_BATCH)], targets)
    assert _figures(accumulator, targets[_SHOP]) == {(): Figure.exact(7.0)}


def test_a_series_with_stamps_of_its_own_or_of_two_targets_is_of_none_that_is_known() -> None:
    accumulator, targets = Accumulator((), BEGIN, END), _targets()
    accumulator.add([_raw(3, 7, stamps=(90.0, 215.0), **_BATCH)], targets)
    accumulator.add([_raw(3, 7, stamps=(90.0, 210.0), kind="a", **_BATCH)],
                    {**targets, ("shop", "other:80"): _targets()[_SHOP]})  # fmt: skip
    assert accumulator.targets == {("batch", "nightly")}
