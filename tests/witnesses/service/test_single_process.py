from collections.abc import Iterable
from itertools import cycle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from witnesses.service.single_process import RepeatedScrapes, scrape_repeatedly

_USES = frozenset({"uses_total"})


def _exposition(uses: float, start_time: float | None = 500.0, more: str = "") -> bytes:
    text = f'# TYPE uses_total counter\nuses_total{{kind="a b"}} {uses}\nprocess_resident_bytes 7\n'
    started = "" if start_time is None else f"process_start_time_seconds {start_time}\n"
    return f"{text}{started}{more}".encode()


def _scraped(expositions: Iterable[bytes]) -> RepeatedScrapes:
    """Scrape an address that shows these in turn."""
    shown = iter(expositions)
    return scrape_repeatedly(next(shown), lambda: next(shown), _USES)


def test_a_process_whose_counters_only_rise_is_a_single_one() -> None:
    scrapes = _scraped(_exposition(n // 3) for n in range(100))
    assert (scrapes.number, scrapes.fell, scrapes.shows_several_processes) == (20, "", False)
    assert set(scrapes.start_times) == {500.0}
    assert scrapes.self_counting == ()


def test_counters_whose_names_stand_in_quotes_are_watched_too() -> None:
    def page(uses: int) -> bytes:
        series = '{"shop.uses","order.kind"="tea"}'
        return f'# TYPE "shop.uses" counter\n{series} {uses}\n'.encode()

    pages = iter(page(each) for each in (7, 3, 8))
    scrapes = scrape_repeatedly(next(pages), lambda: next(pages), frozenset({"shop.uses"}))
    assert scrapes.fell == '{"shop.uses","order.kind"="tea"}'
    moving = iter(page(each) for each in (7, 7, 8, *[8] * 30))
    scrapes = scrape_repeatedly(next(moving), lambda: next(moving), frozenset({"shop.uses"}))
    assert scrapes.moved == ('{"shop.uses","order.kind"="tea"}',)


def test_two_processes_behind_one_address_show_different_start_times() -> None:
    scrapes = _scraped(cycle([_exposition(1), _exposition(1, start_time=501.5)]))
    assert scrapes.shows_several_processes
    assert scrapes == RepeatedScrapes(2, (500.0, 501.5), page_bytes=len(_exposition(1, 501.5)))


def test_a_start_time_that_wavers_by_a_clock_tick_is_one_process() -> None:
    ticks = cycle([500.0, 500.01, 499.99])
    scrapes = _scraped(_exposition(1, start_time=at) for at in ticks)
    assert not scrapes.shows_several_processes


@pytest.mark.parametrize(
    ("start_times", "several"),
    [((500.0, 500.3), True), ((500.0, 501.0), False), ((500.0, 502.0), True)],
    ids=["apart within a second", "whole seconds that waver by one", "whole seconds apart"],
)
def test_workers_that_started_within_a_second_are_told_apart(
    start_times: tuple[float, float], several: bool
) -> None:
    scrapes = _scraped(cycle([_exposition(1, start_time=at) for at in start_times]))
    assert scrapes.shows_several_processes is several


def test_a_page_may_show_a_start_time_per_worker() -> None:
    page = (
        b'process_start_time_seconds{worker="1"} 100\nprocess_start_time_seconds{worker="2"} 500\n'
    )
    scrapes = _scraped(cycle([page]))
    assert set(scrapes.start_times) == {500.0}
    assert not scrapes.shows_several_processes


def test_a_counter_that_rises_and_falls_is_named() -> None:
    scrapes = _scraped(cycle([_exposition(3), _exposition(2)]))
    assert scrapes.fell == 'uses_total{kind="a b"}'
    assert scrapes.shows_several_processes


@pytest.mark.parametrize("start_times", [(500.0, 500.05), (None, None)], ids=["wavers", "unknown"])
def test_workers_started_together_are_told_apart_by_any_counter(
    start_times: tuple[float | None, ...],
) -> None:
    cpu = "# TYPE cpu_seconds counter\ncpu_seconds {}\n"
    pages = [_exposition(1, at, cpu.format(n)) for n, at in enumerate(start_times)]
    scrapes = _scraped(cycle(pages))
    assert scrapes.fell == "cpu_seconds"


@pytest.mark.parametrize(
    "more",
    [
        "# TYPE handles_total gauge\nhandles_total {}\n",
        "# TYPE memory_bytes_total gauge\nmemory_bytes_total {}\n",
        "# TYPE other_total counter\nother_total {}\n",
        "untyped_total {}\n",
    ],
    ids=["a gauge", "another gauge", "a counter no quantity rests on", "a metric without a type"],
)
def test_what_no_quantity_rests_on_casts_no_doubt_beside_a_steady_start_time(more: str) -> None:
    scrapes = _scraped(cycle(_exposition(1, more=more.format(n)) for n in (9, 3)))
    assert not scrapes.shows_several_processes


def test_a_gauge_is_no_split_counter_though_a_quantity_rests_on_it() -> None:
    gauge = b"# TYPE uses_total gauge\nuses_total %d\n"
    scrapes = _scraped(cycle([gauge % 3, gauge % 2]))
    assert not scrapes.shows_several_processes
    assert scrapes.sank == ("uses_total",)


def test_a_counter_that_falls_is_no_gauge_and_a_gauge_that_rises_counts() -> None:
    assert _scraped(cycle([_exposition(2), _exposition(1)])).sank == ()
    gauge = b"# TYPE uses_total gauge\nuses_total %d\n"
    scrapes = _scraped(gauge % (n // 3) for n in range(100))
    assert (scrapes.sank, scrapes.moved) == ((), ("uses_total",))
    assert _scraped([gauge % 3, *[gauge % 2] * 20]).sank == ("uses_total",)


def test_a_gauge_that_falls_some_time_later_has_sunk() -> None:
    gauge = b"# TYPE uses_total gauge\nuses_total %d\n"
    scrapes = _scraped([gauge % 3] * 20)
    assert scrapes.extended(gauge % 3, gauge % 3, _USES).sank == ()
    sunk = scrapes.extended(gauge % 3, gauge % 2, _USES)
    assert sunk.sank == ("uses_total",)
    assert sunk.extended(gauge % 3, gauge % 3, _USES).sank == ("uses_total",)


def test_labels_in_another_order_in_each_scrape_are_the_same_series() -> None:
    """As an exporter shows them that keeps labels in a hash map."""
    pages = cycle(
        [
            b'# TYPE uses_total counter\nuses_total{kind="a,b=\\"c",at="x"} 5\n',
            b'# TYPE uses_total counter\nuses_total{ at = "x", kind="a,b=\\"c", } 5\n',
        ]
    )
    scrapes = _scraped(pages)
    assert (scrapes.fell, scrapes.moved, scrapes.number) == ("", (), 20)


def test_a_series_that_only_one_process_has_falls_where_it_is_missing() -> None:
    scrapes = _scraped(cycle([_exposition(3), b"process_start_time_seconds 500.0\n"]))
    assert "uses_total" in scrapes.fell
    assert scrapes.shows_several_processes


def test_a_second_process_is_found_though_it_responds_seldom() -> None:
    scrapes = _scraped([_exposition(3)] * 15 + [_exposition(3, start_time=502.0)])
    assert scrapes.shows_several_processes


def test_a_counter_of_the_scrapes_themselves_is_found() -> None:
    scrapes = _scraped(_exposition(n) for n in range(7, 100))
    assert scrapes.self_counting == ('uses_total{kind="a b"}',)


def test_a_scrape_that_fails_ends_the_repetition_and_shows_nothing() -> None:
    scrapes = scrape_repeatedly(_exposition(1), lambda: None)
    assert scrapes == RepeatedScrapes(1, (500.0,), page_bytes=len(_exposition(1)))
    assert not scrapes.shows_several_processes


@pytest.mark.parametrize(("page_s", "number"), [(0.01, 20), (0.5, 6), (1.5, 3), (6.0, 2)])
def test_a_slow_page_is_scraped_less_often(page_s: float, number: int) -> None:
    """The clock moves only while a page is scraped."""
    pages = [_exposition(1)]

    def scrape() -> bytes:
        pages.append(_exposition(1))
        return pages[-1]

    def clock() -> float:
        return page_s * (len(pages) - 1)

    assert scrape_repeatedly(pages[0], scrape, _USES, clock).number == number


def test_a_large_exposition_is_scraped_less_often() -> None:
    large = _exposition(1) + b"# comment\n" * 400_000
    assert scrape_repeatedly(large, lambda: large, clock=lambda: 0.0).number == 3


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"<html>", b"uses_total soon\n"])
def test_what_is_no_exposition_shows_nothing_and_does_not_crash(content: bytes) -> None:
    assert not scrape_repeatedly(content, lambda: content).shows_several_processes


@given(st.binary(max_size=200))
def test_any_bytes_are_scraped_repeatedly_without_a_crash(content: bytes) -> None:
    assert not scrape_repeatedly(content, lambda: content).shows_several_processes


def test_a_counter_that_stands_still_does_not_count_the_scrapes() -> None:
    scrapes = _scraped([_exposition(1)] * 20)
    assert (scrapes.number, scrapes.self_counting) == (20, ())


def test_four_megabytes_are_scraped_in_all() -> None:
    page = _exposition(1) + b"#" * (400_000 - len(_exposition(1)))
    assert scrape_repeatedly(page, lambda: page, clock=lambda: 0.0).number == 10


@pytest.mark.parametrize(
    ("values", "moved"),
    [
        ([5, 5, 5, 6], True),
        ([5, 6], True),
        ([5, 7, 8, 10], True),
        ([5, 5, 5, 5], False),
        ([5, 6, 7, 8], False),
    ],
    ids=["once", "of two scrapes", "unevenly", "at rest", "it counts the scrapes"],
)
def test_a_counter_that_rises_other_than_by_scrapes_has_moved(
    values: list[float], moved: bool
) -> None:
    pages = iter([*map(_exposition, values), None])
    scrapes = scrape_repeatedly(next(pages) or b"", lambda: next(pages), _USES)
    assert scrapes.moved == (('uses_total{kind="a b"}',) if moved else ())


def test_a_series_that_appears_between_two_scrapes_has_moved() -> None:
    other = 'uses_total{kind="new"} 2\n'
    scrapes = _scraped(_exposition(1, more=other if n else "") for n in range(100))
    assert scrapes.moved == ('uses_total{kind="new"}',)


def test_a_metric_of_no_quantity_does_not_count_as_moved() -> None:
    page = "# TYPE other gauge\nother {}\n# TYPE other_total counter\nother_total {}\n"
    scrapes = _scraped(page.format(-n * n, n * n).encode() for n in range(100))
    assert (scrapes.moved, scrapes.sank) == ((), ())


@pytest.mark.parametrize("number", ["NaN", "+Inf", "-Inf", "1e999"])
def test_a_start_time_that_is_not_finite_is_none(number: str) -> None:
    page = f"process_start_time_seconds {number}\n".encode() + _exposition(1.0, None)
    assert _scraped([page] * 20).start_times == ()


def test_a_scrape_some_time_later_extends_what_the_first_ones_showed() -> None:
    first = _exposition(5)
    scrapes = _scraped([first] * 20)
    assert scrapes.extended(first, first, _USES).moved == ()
    moved = scrapes.extended(first, _exposition(6), _USES)
    assert (moved.number, moved.moved) == (21, ('uses_total{kind="a b"}',))
    assert not moved.shows_several_processes
    assert scrapes.extended(first, _exposition(4), _USES).fell == 'uses_total{kind="a b"}'
    assert scrapes.extended(first, _exposition(5, 900.0), _USES).shows_several_processes


def test_a_counter_of_the_scrapes_has_not_moved_some_time_later() -> None:
    pages = [_exposition(number) for number in range(1, 21)]
    scrapes = _scraped(pages)
    assert scrapes.extended(pages[0], _exposition(21), _USES).moved == ()
