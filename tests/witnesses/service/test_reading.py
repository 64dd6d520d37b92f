import json
from pathlib import Path

import pytest

from config.environment import Environment
from config.services import Service
from scenarios.evidence.run_folder import RunFolder
from tests.evidence_factory import exposition, write_expositions
from tests.tiny_server import Canned, nobody_listens_at, serving
from tests.witnesses.counted_quantities import counted, uses_by_kind
from tests.witnesses.service.scraped_shop import responds, scrape, shop_at
from witnesses.figure import Figure, Figures, Reason
from witnesses.model import CountedQuantity, Moment, RecordKind
from witnesses.service.collector import ServiceCollector
from witnesses.service.reading import ServiceReading, latest_start_time, read_services
from witnesses.service.single_process import RepeatedScrapes

_TEA = ("tea",)
_USES = uses_by_kind()


def _read(place: Path, before: list[Canned], after: list[Canned]) -> ServiceReading:
    return read_services(scrape(place, before, after))


def _figures(place: Path, before: str, after: str) -> Figures:
    return _read(place, [responds(before)], [responds(after)]).figures(_USES)


def test_a_counter_that_grew_by_three_has_the_figure_three(tmp_path: Path) -> None:
    figures = _figures(tmp_path, exposition({"tea": 4}), exposition({"tea": 7}))
    assert figures.at(_TEA) == Figure.exact(3.0)


def test_a_series_that_appeared_grew_from_zero(tmp_path: Path) -> None:
    figures = _figures(tmp_path, exposition({}), exposition({"tea": 7}))
    assert figures.at(_TEA) == Figure.exact(7.0)


def test_a_declared_metric_without_the_series_is_zero(tmp_path: Path) -> None:
    figures = _figures(tmp_path, exposition({}), exposition({}))
    assert figures.at(_TEA) == Figure.exact(0.0)


def test_a_metric_that_no_service_shows_is_void_and_named(tmp_path: Path) -> None:
    undeclared = exposition({}, declared=False)
    figures = _figures(tmp_path, undeclared, undeclared)
    assert figures.at(_TEA) == Figure.void(Reason.METRIC_ABSENT, "uses_total")


def test_no_sample_has_the_name_of_a_histogram_itself(tmp_path: Path) -> None:
    """Prometheus has, of a native one: what it counts must not be held against zero."""
    timed = exposition({}, declared=False) + (
        '# TYPE uses_total histogram\nuses_total_count{tenant="acme",kind="tea"} 7\n'
    )
    figures = _figures(tmp_path, timed, timed)
    assert figures.at(_TEA) == Figure.void(Reason.METRIC_ABSENT, "uses_total")


def test_a_series_of_another_tenant_is_not_counted(tmp_path: Path) -> None:
    other = exposition({"tea": 9}).replace("acme", "globex")
    assert _figures(tmp_path, exposition({}), other).at(_TEA) == Figure.exact(0.0)


def test_a_counter_that_counts_its_own_scrapes_is_an_upper_bound(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    series = 'uses_total{tenant="acme",kind="tea"}'
    counting = RepeatedScrapes(20, (500.0,), self_counting=(series,))
    write_expositions(folder, "before", {"shop-0": exposition({"tea": 1})}, scrapes=counting)
    after = exposition({"tea": 41, "coffee": 3})
    write_expositions(folder, "after", {"shop-0": after}, scrapes=counting)
    figures = read_services(folder).figures(_USES)
    assert figures.at(_TEA) == Figure.at_most(40.0, Reason.SELF_COUNTING, "uses_total")
    assert figures.at(("coffee",)) == Figure.exact(3.0)


def test_two_services_at_one_metrics_address_are_read_once(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    for moment, number in ((Moment.BEFORE, 1), (Moment.AFTER, 4)):
        with serving({"/metrics": responds(exposition({"tea": number}))}) as server:
            page = [f"{server.url}/metrics"]
            services = {name: Service(url=server.url, metrics=page) for name in ("shop", "till")}
            environment = Environment(environment="test", services=services)
            ServiceCollector(environment).collect(moment, folder)
        index = folder.witnesses / "service" / moment / "index.json"
        index.write_text(index.read_text().replace(server.url, "http://shop.example"))
    assert read_services(folder).figures(_USES).at(_TEA) == Figure.exact(3.0)


def test_a_counter_that_is_no_number_is_void(tmp_path: Path) -> None:
    figures = _figures(tmp_path, exposition({"tea": 5}), exposition({"tea": float("nan")}))
    assert figures.at(_TEA) == Figure.void(Reason.QUERY_RESULT_INVALID, "NaN")


def test_a_series_lost_by_a_restart_is_not_an_exact_zero(tmp_path: Path) -> None:
    restarted = exposition({}, start_time=900.0)
    figure = _figures(tmp_path, exposition({"tea": 5}), restarted).at(_TEA)
    assert figure.reason is Reason.PROCESS_RESTARTED


def test_a_sum_without_the_series_of_a_restarted_replica_is_a_lower_bound(tmp_path: Path) -> None:
    before = [responds(exposition({"tea": 5})), responds(exposition({"tea": 5}))]
    after = [responds(exposition({"tea": 8})), responds(exposition({}, start_time=900.0))]
    figures = _read(tmp_path, before, after).figures(_USES)
    assert figures.at(_TEA) == Figure.at_least(3.0, Reason.PROCESS_RESTARTED)


def test_replicas_are_added_up(tmp_path: Path) -> None:
    before = [responds(exposition({"tea": 5})), responds(exposition({"tea": 50}))]
    after = [responds(exposition({"tea": 8})), responds(exposition({"tea": 51}))]
    assert _read(tmp_path, before, after).figures(_USES).at(_TEA) == Figure.exact(4.0)


@pytest.mark.parametrize(
    ("response", "reason", "detail"),
    [
        (
            Canned("<html><body>Sign in</body></html>", 200, "text/html"),
            Reason.SCRAPE_FAILED,
            "does not show metrics",
        ),
        (Canned("", 200, "text/plain"), Reason.EMPTY_EXPOSITION, "shows no metrics"),
        (Canned("oh no", 500, "text/plain"), Reason.SCRAPE_FAILED, "responded 500"),
        (Canned("not found", 404, "text/plain"), Reason.SCRAPE_FAILED, "responded 404"),
    ],
    ids=["HTML", "empty", "500", "404"],
)
def test_what_is_no_exposition_is_void_with_the_reason(
    tmp_path: Path, response: Canned, reason: Reason, detail: str
) -> None:
    figure = _read(tmp_path, [response], [response]).figures(_USES).at(_TEA)
    assert figure.value is None
    assert figure.reason is reason
    assert detail in figure.detail


def test_a_replica_that_failed_after_the_run_makes_the_others_a_lower_bound(
    tmp_path: Path,
) -> None:
    before = [responds(exposition({"tea": 5})), responds(exposition({"tea": 5}))]
    after = [responds(exposition({"tea": 8})), Canned("oh no", 500)]
    figures = _read(tmp_path, before, after).figures(_USES)
    assert (figures.at(_TEA).low, figures.at(_TEA).high) == (3.0, None)
    assert figures.at(_TEA).reason is Reason.SCRAPE_FAILED
    assert "responded 500" in figures.at(_TEA).detail
    assert figures.at(("coffee",)).value is None


def test_a_replica_without_a_baseline_never_counts_more_than_it_grew(tmp_path: Path) -> None:
    before, after = [Canned("oh no", 500)], [responds(exposition({"tea": 1_000}))]
    figure = _read(tmp_path, before, after).figures(_USES).at(_TEA)
    assert not figure.is_exact
    assert figure.value is None or figure.value == 0.0


def test_a_replica_that_cannot_be_reached_is_void_and_its_address_is_named(
    tmp_path: Path,
) -> None:
    url = nobody_listens_at()
    for moment in Moment:
        ServiceCollector(shop_at(url)).collect(moment, RunFolder(tmp_path))
    figure = read_services(RunFolder(tmp_path)).figures(uses_by_kind(by=[])).at(())
    assert figure.value is None
    assert figure.reason is Reason.SCRAPE_FAILED
    assert f"{url}/metrics cannot be reached" in figure.detail


@pytest.mark.parametrize("is_same_service", [False, True])
def test_what_cannot_be_read_at_all_matters_only_beside_a_replica_of_its_own_service(
    tmp_path: Path, is_same_service: bool
) -> None:
    folder, down = RunFolder(tmp_path), nobody_listens_at()
    for moment, count in ((Moment.BEFORE, 1), (Moment.AFTER, 3)):
        with serving({"/metrics": responds(exposition({"tea": count}))}) as server:
            urls = [f"{server.url}/metrics", *([f"{down}/metrics"] * is_same_service)]
            services = {"shop": Service(url=server.url, metrics=urls), "till": Service(url=down)}
            environment = Environment(environment="test", services=services)
            ServiceCollector(environment).collect(moment, folder)
    figure = read_services(folder).figures(_USES).at(_TEA)
    if is_same_service:
        assert (figure.low, figure.high, figure.reason) == (2.0, None, Reason.SCRAPE_FAILED)
    else:
        assert figure == Figure.exact(2.0)


def test_a_replica_that_shows_other_metrics_does_not_matter(tmp_path: Path) -> None:
    other = responds(exposition({}, declared=False))
    reading = _read(
        tmp_path,
        [responds(exposition({"tea": 1})), other],
        [responds(exposition({"tea": 3})), Canned("oh no", 500)],
    )
    assert reading.figures(_USES).at(_TEA) == Figure.exact(2.0)


def test_a_counter_is_found_by_the_full_name_of_its_samples(tmp_path: Path) -> None:
    reading = _read(
        tmp_path, [responds(exposition({"tea": 1}))], [responds(exposition({"tea": 3}))]
    )
    assert reading.figures(uses_by_kind(prometheus="uses_total")).at(_TEA) == Figure.exact(2.0)
    assert reading.figures(uses_by_kind(prometheus="uses")).at(_TEA).value in (None, 0.0)


def test_a_metric_whose_name_only_begins_like_a_family_is_void(tmp_path: Path) -> None:
    reading = _read(
        tmp_path, [responds(exposition({"tea": 1}))], [responds(exposition({"tea": 3}))]
    )
    figure = reading.figures(uses_by_kind(by=[], prometheus="uses_by_card_total")).at(())
    assert figure == Figure.void(Reason.METRIC_ABSENT, "uses_by_card_total")


def test_the_count_of_a_histogram_is_a_counter(tmp_path: Path) -> None:
    def histogram(count: int) -> Canned:
        return responds(
            "# TYPE took_seconds histogram\n"
            f'took_seconds_bucket{{le="+Inf"}} {count}\n'
            f"took_seconds_count {count}\ntook_seconds_sum 1.5\n"
        )

    reading = _read(tmp_path, [histogram(2)], [histogram(6)])
    figures = reading.figures(uses_by_kind(by=[], prometheus="took_seconds_count"))
    assert figures.at(()) == Figure.exact(4.0)


def test_a_run_cut_off_before_the_second_scrape_is_void(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    with serving({"/metrics": responds(exposition({"tea": 1}))}) as server:
        ServiceCollector(shop_at(server.url)).collect(Moment.BEFORE, folder)
        assert set(server.asked) == {"/metrics"}
    figure = read_services(folder).figures(uses_by_kind(by=[])).at(())
    expected = Figure.void(Reason.NOT_COLLECTED, "its metrics were not scraped after the run")
    assert figure == expected


def test_a_run_that_never_scraped_is_void(tmp_path: Path) -> None:
    figure = read_services(RunFolder(tmp_path)).figures(uses_by_kind(by=[])).at(())
    assert figure.value is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]"])
def test_a_damaged_index_is_void(tmp_path: Path, content: bytes) -> None:
    folder = RunFolder(tmp_path)
    write_expositions(folder, "before", {"shop-0": exposition({"tea": 1})})
    folder.write_witness_file("service/after/index.json", content)
    assert read_services(folder).figures(_USES).at(_TEA).reason is Reason.NOT_COLLECTED


def test_an_exposition_that_is_missing_on_disk_is_void(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    for moment in Moment:
        write_expositions(folder, moment, {"shop-0": exposition({"tea": 1})})
    (folder.witnesses / "service" / "after" / "shop-0.txt").unlink()
    figure = read_services(folder).figures(_USES).at(_TEA)
    assert figure.reason is Reason.NOT_COLLECTED
    assert "shop-0.example" in figure.detail


def test_only_a_quantity_with_a_selector_is_counted_here(tmp_path: Path) -> None:
    reading = read_services(RunFolder(tmp_path))
    assert reading.counts(_USES)
    assert not reading.counts(counted(database={"main": "SELECT 1"}))
    assert (reading.name, reading.keeps) == ("service", RecordKind.COUNTER)


def test_what_grew_beside_a_selection_is_found_by_the_one_label_that_differs(
    tmp_path: Path,
) -> None:
    globex = 'uses_total{tenant="globex",kind="tea"} 4\n'
    far = 'uses_total{tenant="globex",kind="tea",card="gold"} 9\n'
    reading = _read(
        tmp_path,
        [responds(exposition({"tea": 1}))],
        [responds(exposition({"tea": 3}) + globex + far)],
    )
    selector = 'uses_total{tenant="{{ tenant }}",card=""}'
    beside = reading.beside(uses_by_kind(prometheus=selector))
    assert beside == {_TEA: {("tenant", "globex"): 4.0}}


def test_what_counters_of_other_tenants_grew_by_is_found_by_job_and_metric(
    tmp_path: Path,
) -> None:
    def shown(globex: int) -> Canned:
        return responds(exposition({"tea": 1}) + f'uses_total{{tenant="globex"}} {globex}\n')

    reading = _read(tmp_path, [shown(2)], [shown(7)])
    assert reading.of_other_tenants("tenant", "acme") == {"shop": {"uses_total": 5.0}}
    assert reading.jobs(_USES) == {"shop"}


def test_scrapes_that_show_several_processes_are_found_whenever_they_were_made(
    tmp_path: Path,
) -> None:
    several = RepeatedScrapes(2, (500.0, 502.0))
    folder = RunFolder(tmp_path)
    write_expositions(folder, "before", {"shop-0": exposition({"tea": 1})})
    write_expositions(folder, "after", {"shop-0": exposition({"tea": 1})}, scrapes=several)
    assert read_services(folder).replicas["shop-0"].several_processes == several
    write_expositions(folder, "after", {"shop-0": exposition({"tea": 1})})
    assert read_services(folder).replicas["shop-0"].several_processes is None


def test_the_latest_start_time_is_that_of_the_youngest_process_scraped_before(
    tmp_path: Path,
) -> None:
    folder = RunFolder(tmp_path)
    assert latest_start_time(folder) == 0.0
    write_expositions(folder, "before", {"shop-0": ""}, scrapes=RepeatedScrapes(3, (500.0, 700.5)))
    write_expositions(folder, "after", {"shop-0": ""}, scrapes=RepeatedScrapes(3, (900.0,)))
    assert latest_start_time(folder) == 700.5


def test_the_index_is_by_replica_and_names_its_service_and_address(tmp_path: Path) -> None:
    folder = scrape(tmp_path, [responds(exposition({"tea": 1}))], [Canned("oh no", 500)])
    index = json.loads((folder.witnesses / "service" / "before" / "index.json").read_text())
    assert list(index) == ["shop-0"]
    assert index["shop-0"]["service"] == index["shop-0"]["job"] == "shop"
    assert index["shop-0"]["url"].endswith("/0/before")


@pytest.mark.parametrize(
    ("moment", "quantity", "tea"),
    [
        ("before", uses_by_kind(), Figure.at_most(40.0, Reason.MOVED_BEFORE)),
        ("before", uses_by_kind(shared=True), Figure.at_most(40.0, Reason.MOVED_BEFORE)),
        ("before", uses_by_kind(shared=True, is_exclusive=False), Figure.exact(40.0)),
        ("after", uses_by_kind(), Figure.exact(40.0)),
    ],
    ids=["exclusive", "shared in an exclusive environment", "others may count", "after"],
)
def test_a_series_that_moved_in_the_scrapes_before_the_run_is_an_upper_bound(
    tmp_path: Path, moment: str, quantity: CountedQuantity, tea: Figure
) -> None:
    folder, series = RunFolder(tmp_path), 'uses_total{tenant="acme",kind="tea"}'
    moving = RepeatedScrapes(20, (500.0,), moved=(series,))
    at_rest = RepeatedScrapes(20, (500.0,))
    for at, page in (("before", exposition({"tea": 1})), ("after", exposition({"tea": 41}))):
        write_expositions(folder, at, {"shop-0": page}, scrapes=moving if at == moment else at_rest)
    figures = read_services(folder).figures(quantity)
    assert figures.at(_TEA) == tea
    assert figures.at(("coffee",)) == Figure.exact(0.0)


@pytest.mark.parametrize(
    ("matcher", "reason"),
    [
        ('kind=~"te|cof"', Reason.MATCHES_IN_PART),
        ('kind=~"te"', Reason.MATCHES_IN_PART),
        ('kind=~"te|coffee"', None),
        ('kind=~"cake"', None),
        ('kind="te"', None),
        ('kind=~"te", tenant="globex"', None),
    ],
    ids=["each", "one", "one is selected", "another value", "no pattern", "another tenant"],
)
def test_a_pattern_that_was_meant_as_a_search_is_no_zero(
    tmp_path: Path, matcher: str, reason: Reason | None
) -> None:
    pages = [[responds(exposition(uses))] for uses in ({}, {"tea": 4, "coffee": 2})]
    reading = _read(tmp_path, *pages)
    figures = reading.figures(counted(prometheus=f"uses_total{{{matcher}}}"))
    assert figures.absent.reason is reason
