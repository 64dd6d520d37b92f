from pathlib import Path

import pytest

from config.environment import Environment, Service
from scenarios.evidence.run_folder import RunFolder
from scenarios.language.selector import parse_selector
from tests.evidence_factory import exposition
from tests.tiny_server import Says, nobody_listens_at, serving
from witnesses.figure import Figure, Figures
from witnesses.service.scrapes import ServiceEvidence, read_services, take_expositions

_USES = 'uses_total{tenant="acme"}'
_TEA = ("tea",)


def _says(text: str) -> Says:
    return Says(text, content_type="text/plain; version=0.0.4")


def _taken(place: Path, before: list[Says], after: list[Says]) -> ServiceEvidence:
    """Scrape as many replicas as there are answers, before and after, over HTTP."""
    folder = RunFolder(place)
    answers = {f"/{n}/before": says for n, says in enumerate(before)}
    answers |= {f"/{n}/after": says for n, says in enumerate(after)}
    with serving(answers) as server:
        for moment in ("before", "after"):
            urls = [f"{server.url}/{n}/{moment}" for n in range(len(before))]
            shop = Service(url=server.url, metrics=urls)
            environment = Environment(environment="test", services={"shop": shop})
            take_expositions(environment, moment, folder)
    return read_services(folder)


def _figures(place: Path, before: str, after: str) -> Figures:
    evidence = _taken(place, [_says(before)], [_says(after)])
    return evidence.figures(parse_selector(_USES), ["kind"])


def test_a_counter_that_grew_by_three_reads_three(tmp_path: Path) -> None:
    figures = _figures(tmp_path, exposition({"tea": 4}), exposition({"tea": 7}))
    assert figures.at(_TEA) == Figure(3.0)


def test_a_series_that_appeared_grew_from_zero(tmp_path: Path) -> None:
    figures = _figures(tmp_path, exposition({}), exposition({"tea": 7}))
    assert figures.at(_TEA) == Figure(7.0)


def test_a_declared_metric_without_the_series_reads_zero(tmp_path: Path) -> None:
    figures = _figures(tmp_path, exposition({}), exposition({}))
    assert figures.at(_TEA) == Figure(0.0)


def test_a_metric_that_no_service_shows_is_no_data(tmp_path: Path) -> None:
    undeclared = exposition({}, declared=False)
    figures = _figures(tmp_path, undeclared, undeclared)
    assert figures.at(_TEA) == Figure(None, "no service shows uses_total")


def test_a_series_of_another_tenant_is_not_counted(tmp_path: Path) -> None:
    other = exposition({"tea": 9}).replace("acme", "globex")
    assert _figures(tmp_path, exposition({}), other).at(_TEA) == Figure(0.0)


@pytest.mark.parametrize("after", [2.0, 9.0])
def test_a_restarted_process_gives_a_lower_bound_also_where_it_ends_higher(
    tmp_path: Path, after: float
) -> None:
    restarted = exposition({"tea": after}, birth=900.0)
    figure = _figures(tmp_path, exposition({"tea": 5}), restarted).at(_TEA)
    assert figure.value == after
    assert "restarted" in figure.remark


def test_a_counter_that_went_down_is_a_lower_bound(tmp_path: Path) -> None:
    figures = _figures(tmp_path, exposition({"tea": 5}), exposition({"tea": 2}))
    assert figures.at(_TEA) == Figure(2.0, "its counter went down")


def test_a_series_lost_by_a_restart_is_not_an_exact_zero(tmp_path: Path) -> None:
    restarted = exposition({}, birth=900.0)
    assert _figures(tmp_path, exposition({"tea": 5}), restarted).at(_TEA).remark


def test_a_sum_without_the_series_of_a_restarted_replica_is_a_lower_bound(tmp_path: Path) -> None:
    before = [_says(exposition({"tea": 5})), _says(exposition({"tea": 5}))]
    after = [_says(exposition({"tea": 8})), _says(exposition({}, birth=900.0))]
    figures = _taken(tmp_path, before, after).figures(parse_selector(_USES), ["kind"])
    assert figures.at(_TEA).remark


def test_replicas_are_added_up(tmp_path: Path) -> None:
    before = [_says(exposition({"tea": 5})), _says(exposition({"tea": 50}))]
    after = [_says(exposition({"tea": 8})), _says(exposition({"tea": 51}))]
    figures = _taken(tmp_path, before, after).figures(parse_selector(_USES), ["kind"])
    assert figures.at(_TEA) == Figure(4.0)


@pytest.mark.parametrize(
    ("answer", "remark"),
    [
        (Says("<html><body>Sign in</body></html>", 200, "text/html"), "does not show metrics"),
        (Says("", 200, "text/plain"), "shows no metrics"),
        (Says("oh no", 500, "text/plain"), "answered 500"),
        (Says("not found", 404, "text/plain"), "answered 404"),
    ],
    ids=["HTML", "empty", "500", "404"],
)
def test_what_is_not_metrics_is_no_data_with_the_reason(
    tmp_path: Path, answer: Says, remark: str
) -> None:
    evidence = _taken(tmp_path, [answer], [answer])
    figure = evidence.figures(parse_selector(_USES), ["kind"]).at(_TEA)
    assert figure.value is None
    assert remark in figure.remark


def test_a_replica_that_failed_after_the_run_makes_the_others_a_lower_bound(
    tmp_path: Path,
) -> None:
    good = [_says(exposition({"tea": 5})), _says(exposition({"tea": 5}))]
    after = [_says(exposition({"tea": 8})), Says("oh no", 500)]
    figures = _taken(tmp_path, good, after).figures(parse_selector(_USES), ["kind"])
    assert figures.at(_TEA).value == 3.0
    assert "answered 500" in figures.at(_TEA).remark
    assert figures.at(("coffee",)).value is None


def test_a_replica_without_a_baseline_never_counts_more_than_it_grew(tmp_path: Path) -> None:
    before, after = [Says("oh no", 500)], [_says(exposition({"tea": 1_000}))]
    figure = _taken(tmp_path, before, after).figures(parse_selector(_USES), ["kind"]).at(_TEA)
    assert figure.value is None or figure.value == 0.0


def test_a_replica_that_cannot_be_reached_is_no_data_and_names_its_address(
    tmp_path: Path,
) -> None:
    url = nobody_listens_at()
    environment = Environment(environment="test", services={"shop": Service(url=url)})
    for moment in ("before", "after"):
        take_expositions(environment, moment, RunFolder(tmp_path))
    figure = read_services(RunFolder(tmp_path)).figures(parse_selector(_USES), []).at(())
    assert figure.value is None
    assert f"{url}/metrics cannot be reached" in figure.remark


def test_a_service_that_shows_other_metrics_does_not_matter(tmp_path: Path) -> None:
    other = _says(exposition({}, declared=False))
    evidence = _taken(
        tmp_path,
        [_says(exposition({"tea": 1})), other],
        [_says(exposition({"tea": 3})), Says("oh no", 500)],
    )
    assert evidence.figures(parse_selector(_USES), ["kind"]).at(_TEA) == Figure(2.0)


def test_a_counter_is_found_by_the_full_name_of_its_samples(tmp_path: Path) -> None:
    evidence = _taken(tmp_path, [_says(exposition({"tea": 1}))], [_says(exposition({"tea": 3}))])
    assert evidence.figures(parse_selector("uses_total"), ["kind"]).at(_TEA) == Figure(2.0)
    assert evidence.figures(parse_selector("uses"), ["kind"]).at(_TEA).value in (None, 0.0)


def test_a_metric_whose_name_only_begins_like_a_family_is_no_data(tmp_path: Path) -> None:
    evidence = _taken(tmp_path, [_says(exposition({"tea": 1}))], [_says(exposition({"tea": 3}))])
    assert evidence.figures(parse_selector("uses_by_card_total"), []).at(()).value is None


def test_the_count_of_a_histogram_is_a_counter(tmp_path: Path) -> None:
    def histogram(count: int) -> Says:
        return _says(
            "# TYPE took_seconds histogram\n"
            f'took_seconds_bucket{{le="+Inf"}} {count}\n'
            f"took_seconds_count {count}\ntook_seconds_sum 1.5\n"
        )

    evidence = _taken(tmp_path, [histogram(2)], [histogram(6)])
    assert evidence.figures(parse_selector("took_seconds_count"), []).at(()) == Figure(4.0)


def test_a_run_cut_off_before_the_second_look_is_no_data(tmp_path: Path) -> None:
    with serving({"/metrics": _says(exposition({"tea": 1}))}) as server:
        shop = Service(url=server.url)
        environment = Environment(environment="test", services={"shop": shop})
        take_expositions(environment, "before", RunFolder(tmp_path))
        assert set(server.asked) == {"/metrics"}
    figure = read_services(RunFolder(tmp_path)).figures(parse_selector(_USES), []).at(())
    assert figure == Figure(None, "the service's metrics were not read after the run")


def test_a_run_that_never_looked_is_no_data(tmp_path: Path) -> None:
    figure = read_services(RunFolder(tmp_path)).figures(parse_selector(_USES), []).at(())
    assert figure.value is None
