"""What two scrapes of one replica show: growth, a restart, a counter that fell, or nothing."""

from pathlib import Path

import pytest

from scenarios.evidence.run_folder import RunFolder
from tests.evidence_factory import ONE_PROCESS, exposition, write_expositions
from tests.tiny_server import Canned
from tests.witnesses.counted_quantities import uses_by_kind
from tests.witnesses.service.scraped_shop import responds, scrape
from witnesses.figure import Figure, Figures, Reason
from witnesses.service.reading import ServiceReading, read_services
from witnesses.service.single_process import RepeatedScrapes

_TEA = ("tea",)
_USES = uses_by_kind()


def _read(place: Path, before: list[Canned], after: list[Canned]) -> ServiceReading:
    return read_services(scrape(place, before, after))


def _figures(place: Path, before: str, after: str) -> Figures:
    return _read(place, [responds(before)], [responds(after)]).figures(_USES)


@pytest.mark.parametrize(
    ("after", "least"), [(2.0, 2.0), (9.0, 4.0)], ids=["it fell", "it went on"]
)
def test_a_start_time_that_moved_leaves_a_lower_bound_that_does_not_overstate(
    tmp_path: Path, after: float, least: float
) -> None:
    """A counter that went on may have been kept on disk: it did not count from zero."""
    restarted = exposition({"tea": after}, start_time=900.0)
    figure = _figures(tmp_path, exposition({"tea": 5}), restarted).at(_TEA)
    assert figure == Figure.at_least(least, Reason.PROCESS_RESTARTED)


@pytest.mark.parametrize("start_time", [500.01, 499.2, 501.0])
def test_a_start_time_that_wavers_is_no_restart(tmp_path: Path, start_time: float) -> None:
    after = exposition({"tea": 1_020}, start_time=start_time)
    figures = _figures(tmp_path, exposition({"tea": 1_000}), after)
    assert figures.at(_TEA) == Figure.exact(20.0)


def test_a_start_time_with_labels_shows_a_restart(tmp_path: Path) -> None:
    def shown(start_time: float) -> str:
        text = exposition({"tea": 5}, start_time=None)
        return text + f'process_start_time_seconds{{application="shop"}} {start_time}\n'

    assert _figures(tmp_path, shown(500.0), shown(500.2)).at(_TEA) == Figure.exact(0.0)
    figure = _figures(tmp_path, shown(500.0), shown(700.0)).at(_TEA)
    assert figure.reason is Reason.PROCESS_RESTARTED


def test_a_start_time_that_only_one_scrape_shows_is_no_restart(tmp_path: Path) -> None:
    after = exposition({"tea": 7}, start_time=None)
    assert _figures(tmp_path, exposition({"tea": 5}), after).at(_TEA) == Figure.exact(2.0)


def test_a_counter_that_was_created_anew_shows_a_restart(tmp_path: Path) -> None:
    def shown(created: float) -> str:
        return exposition({"tea": 9}, start_time=None) + f"uses_created {created}\n"

    figure = _figures(tmp_path, shown(500.0), shown(900.0)).at(_TEA)
    assert figure == Figure.at_least(0.0, Reason.PROCESS_RESTARTED)


def _created(uses: float, others: float, tea: float) -> str:
    uses_at = f'uses_created{{tenant="acme",kind="tea"}} {uses}\n'
    return exposition({"tea": tea}) + f"{uses_at}jobs_created {others}\n"


def test_beside_a_steady_start_time_another_series_may_be_created_anew(tmp_path: Path) -> None:
    """As Python's client does after `remove` or `clear`."""
    before, after = _created(500.0, 500.0, 5), _created(500.0, 900.0, 7)
    assert _figures(tmp_path, before, after).at(_TEA) == Figure.exact(2.0)


@pytest.mark.parametrize(("tea", "least"), [(3.0, 3.0), (7.0, 2.0)], ids=["it fell", "it went on"])
def test_a_series_that_was_created_anew_is_a_lower_bound_beside_a_steady_start_time(
    tmp_path: Path, tea: float, least: float
) -> None:
    figure = _figures(tmp_path, _created(500.0, 500.0, 5), _created(900.0, 500.0, tea)).at(_TEA)
    assert (figure.low, figure.high) == (least, None)
    assert figure.reason is Reason.PROCESS_RESTARTED


def test_a_counter_that_fell_by_itself_bounds_nothing(tmp_path: Path) -> None:
    figures = _figures(tmp_path, exposition({"tea": 5}), exposition({"tea": 2}))
    assert figures.at(_TEA) == Figure.void(Reason.COUNTER_FELL, "5 to 2")


def test_without_a_start_time_another_counter_that_fell_casts_doubt(tmp_path: Path) -> None:
    def shown(uses: int, visits: int) -> str:
        return exposition({"tea": uses}, visits=visits, start_time=None)

    figures = _figures(tmp_path, shown(5, 9), shown(12, 2))
    assert figures.at(_TEA) == Figure.void(Reason.COUNTER_FELL, "visits_total")


def test_beside_a_steady_start_time_other_counters_cast_no_doubt(tmp_path: Path) -> None:
    before, after = (exposition({"tea": n}, visits=9 - n) for n in (5, 7))
    assert _figures(tmp_path, before, after).at(_TEA) == Figure.exact(2.0)


def test_a_gauge_that_is_called_total_and_falls_casts_no_doubt(tmp_path: Path) -> None:
    def shown(uses: int, handles: int) -> str:
        gauge = f"# TYPE active_handles_total gauge\nactive_handles_total {handles}\n"
        return exposition({"tea": uses}, start_time=None) + gauge

    assert _figures(tmp_path, shown(5, 9), shown(7, 2)).at(_TEA) == Figure.exact(2.0)


def test_a_gauge_that_a_quantity_rests_on_and_that_sank_in_between_bounds_nothing(
    tmp_path: Path,
) -> None:
    """It rose by 2 in the end, as a level does by chance."""
    folder, name = RunFolder(tmp_path), 'uses_total{tenant="acme",kind="tea"}'
    sunk = RepeatedScrapes(20, (500.0,), sank=(name,))
    for moment, tea, scrapes in (("before", 5, ONE_PROCESS), ("after", 7, sunk)):
        page = exposition({"tea": tea}).replace("uses_total counter", "uses_total gauge")
        write_expositions(folder, moment, {"shop-0": page}, scrapes=scrapes)
    figures = read_services(folder).figures(_USES)
    assert figures.at(_TEA) == Figure.void(Reason.COUNTER_FELL, "uses_total is a gauge")


def test_a_counter_without_total_in_its_name_is_found_under_its_name(tmp_path: Path) -> None:
    def shown(number: int) -> Canned:
        return responds(f"# TYPE requests counter\nrequests {number}\n")

    reading = _read(tmp_path, [shown(2)], [shown(6)])
    named = reading.figures(uses_by_kind(by=[], prometheus="requests"))
    assert named.at(()) == Figure.exact(4.0)
    renamed = reading.figures(uses_by_kind(by=[], prometheus="requests_total"))
    assert renamed.at(()).value in (None, 0.0)


def test_a_page_that_was_empty_before_the_first_count_began_at_zero(tmp_path: Path) -> None:
    assert _figures(tmp_path, "", exposition({"tea": 3})).at(_TEA) == Figure.exact(3.0)


def test_a_counter_beyond_2_to_the_53_is_void(tmp_path: Path) -> None:
    before, after = (exposition({"tea": 2**53 + n}) for n in (2, 4))
    assert _figures(tmp_path, before, after).at(_TEA).reason is Reason.BEYOND_PRECISION


def test_a_series_that_is_gone_has_fallen(tmp_path: Path) -> None:
    """A counter may expire on the page of an exporter: what it counted since is not known."""
    figures = _figures(tmp_path, exposition({"tea": 5}), exposition({"coffee": 1}))
    assert figures.at(_TEA) == Figure.void(Reason.COUNTER_FELL, "5 to 0")
    assert figures.at(("coffee",)) == Figure.exact(1.0)


def test_a_series_at_zero_that_is_gone_is_still_at_zero(tmp_path: Path) -> None:
    figures = _figures(tmp_path, exposition({"tea": 0}), exposition({"coffee": 1}))
    assert figures.at(_TEA) == Figure.exact(0.0)


_AT = 1_700_000_000.0


def _stamped(tea: float, at: float | None) -> str:
    stamp = "" if at is None else f" {at * 1000:.0f}"
    return f'uses_total{{tenant="acme",kind="tea"}} {tea}{stamp}\n'


@pytest.mark.parametrize(
    ("before_lag_s", "after_lag_s", "figure"),
    [
        (0.5, 0.5, Figure.exact(7.0)),
        (None, None, Figure.exact(7.0)),
        (-30.0, -30.0, Figure.exact(7.0)),
        (0.0, 60.0, Figure.at_least(7.0, Reason.STALE_AFTER)),
        (60.0, 0.0, Figure.at_most(7.0, Reason.STALE_BEFORE)),
        (60.0, 60.0, Figure.void(Reason.STALE_BEFORE)),
    ],
)
def test_a_value_with_an_old_timestamp_can_lack_what_came_after_it(
    tmp_path: Path, before_lag_s: float | None, after_lag_s: float | None, figure: Figure
) -> None:
    folder = RunFolder(tmp_path)
    pages = {
        moment: _stamped(tea, None if lag_s is None else _AT - lag_s)
        for moment, tea, lag_s in (("before", 1, before_lag_s), ("after", 8, after_lag_s))
    }
    for moment, page in pages.items():
        write_expositions(folder, moment, {"shop-0": page}, asked_at=_AT)
    figures = read_services(folder).figures(_USES)
    assert figures.at(_TEA) == figure
    unseen = figures.at(("coffee",))
    assert (unseen.reason, unseen.low is None) == (figure.reason, figure.low is None)


def test_what_only_a_later_scrape_shows_is_late(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    for moment, tea in (("before", 1), ("after", 7), ("later", 8)):
        write_expositions(folder, moment, {"shop-0": exposition({"tea": tea})})
    assert read_services(folder).figures(_USES).at(_TEA) == Figure.exact(7.0, late=1.0)


def test_what_a_stale_page_shows_later_was_not_counted_late(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    for moment, tea, at in (("before", 1, _AT), ("after", 1, _AT - 30), ("later", 8, _AT)):
        write_expositions(folder, moment, {"shop-0": _stamped(tea, at)}, asked_at=_AT)
    assert read_services(folder).figures(_USES).at(_TEA) == Figure.exact(7.0)


def test_an_old_timestamp_of_another_metric_casts_no_doubt(tmp_path: Path) -> None:
    folder, other = RunFolder(tmp_path), f"other_total 1 {_AT - 90:.0f}000\n"
    pages = {"before": other, "after": other + _stamped(8, None)}
    for moment, page in pages.items():
        write_expositions(folder, moment, {"shop-0": page}, asked_at=_AT)
    assert read_services(folder).figures(_USES).at(_TEA) == Figure.exact(8.0)


def test_the_absence_of_a_series_from_one_of_two_stale_pages_is_no_zero(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    for moment, tea in (("before", 1), ("after", 8)):
        stale = "uses_total{} 1 {}000\n".format('{tenant="acme",kind="cake"}', int(_AT) - 90)
        pages = {"shop-0": _stamped(tea, _AT), "shop-1": stale}
        write_expositions(folder, moment, pages, asked_at=_AT)
    assert not read_services(folder).figures(_USES).at(_TEA).is_exact


@pytest.mark.parametrize("is_before", [True, False])
def test_a_series_that_a_page_shows_twice_with_two_values_is_void(
    tmp_path: Path, is_before: bool
) -> None:
    once = exposition({"tea": 5})
    line = next(each for each in once.splitlines() if "tea" in each)
    twice = f"{once}{line.rpartition(' ')[0]} 9\n"
    pages = (twice, once) if is_before else (once, twice)
    expected = Figure.void(Reason.QUERY_RESULT_INVALID, "one series with two values")
    assert _figures(tmp_path, *pages).at(_TEA) == expected


@pytest.mark.parametrize(("before", "after"), [(-7, -7), (-7, 5), (5, -7), (0, -1)])
def test_a_counter_below_zero_is_void_and_no_loss(tmp_path: Path, before: int, after: int) -> None:
    figures = _figures(tmp_path, exposition({"tea": before}), exposition({"tea": after}))
    expected = Figure.void(Reason.QUERY_RESULT_INVALID, "a counter below zero")
    assert figures.at(_TEA) == expected


def _printed(tea: str, more: str = "") -> str:
    return f'# TYPE uses_total counter\nuses_total{{tenant="acme",kind="tea"}} {tea}\n{more}'


@pytest.mark.parametrize(
    ("before", "after", "low", "high"),
    [
        ("1.00002e+06", "1.00005e+06", 20, 40),
        ("999990", "1.00001e+06", 15, 25),
        ("1.00002e+06", "1.00002e+06", 0, 10),
        ("9.99999e+06", "1e+07", 0, 65),
    ],
)
def test_a_page_with_few_digits_leaves_half_of_the_last_one_open_in_both_directions(
    tmp_path: Path, before: str, after: str, low: float, high: float
) -> None:
    figure = _figures(tmp_path, _printed(before), _printed(after)).at(_TEA)
    assert (figure.low, figure.high, figure.reason) == (low, high, Reason.FEW_DIGITS)
    printed = float(after)
    assert figure.detail == f"{printed:,.0f} ± {50 if printed == 1e7 else 5}"


@pytest.mark.parametrize(
    ("before", "after", "more"),
    [
        ("51", "71", ""),
        ("999970", "999990", ""),
        ("1e+06", "1.00002e+06", "process_start_time_seconds 1.76426309712e+09\n"),
        ("1.000004e+06", "1.000024e+06", ""),
        ("1.000000e+06", "1.000020e+06", ""),
        ("1000000", "1000020", ""),
    ],
)
def test_a_page_with_all_digits_is_exact(
    tmp_path: Path, before: str, after: str, more: str
) -> None:
    figure = _figures(tmp_path, _printed(before, more), _printed(after, more)).at(_TEA)
    assert figure == Figure.exact(20.0)


def test_of_several_replicas_the_open_digits_add_up(tmp_path: Path) -> None:
    reading = _read(
        tmp_path, [responds(_printed("1e+06"))] * 2, [responds(_printed("1.00012e+06"))] * 2
    )
    figure = reading.figures(_USES).at(_TEA)
    assert (figure.low, figure.high) == (220, 260)
    assert reading.printing_errors(_USES) == {_TEA: 20}
