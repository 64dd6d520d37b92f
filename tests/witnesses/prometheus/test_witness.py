import json
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from config.prometheus import Prometheus
from scenarios.evidence.run_folder import RunFolder
from tests.evidence_factory import BEGIN, END, SHOP, settled, write_prometheus
from tests.tiny_server import Says, nobody_listens_at, serving
from witnesses.figure import Figure, summed
from witnesses.prometheus.client import PrometheusDown, PrometheusQueries
from witnesses.prometheus.samples import Sample
from witnesses.prometheus.witness import PrometheusWitness, Reading, read_prometheus

OTHER = ("shop", "shop:81")
_TEA = ("tea",)


def _figure(folder: RunFolder, labels: tuple[str, ...] = _TEA) -> Figure:
    return read_prometheus(folder).figures("uses", ["kind"]).at(labels)


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path)


def test_the_increase_between_the_barriers_is_the_figure(folder: RunFolder) -> None:
    write_prometheus(folder, {"uses": [({"kind": "tea"}, settled(3, 7))]})
    assert _figure(folder) == Figure(4.0)


def test_a_label_value_without_a_series_is_zero_where_its_target_was_watched(
    folder: RunFolder,
) -> None:
    write_prometheus(folder, {"uses": [({"kind": "tea"}, settled(3, 7))]})
    assert _figure(folder, ("coffee",)) == Figure(0.0)


def test_a_quantity_without_any_series_is_zero_where_the_targets_were_watched(
    folder: RunFolder,
) -> None:
    write_prometheus(folder, {"uses": []})
    assert _figure(folder) == Figure(0.0)


def test_a_quantity_without_series_or_targets_is_no_data(folder: RunFolder) -> None:
    write_prometheus(folder, {"uses": []}, ups={}, births={})
    assert _figure(folder) == Figure(None, "Prometheus scrapes no target that could have it")


def test_replicas_are_added_up_as_their_own_targets(folder: RunFolder) -> None:
    ups = {SHOP: settled(1.0, 1.0), OTHER: settled(1.0, 1.0)}
    births = {SHOP: settled(500.0, 500.0), OTHER: settled(600.0, 600.0)}
    series = [
        ({"kind": "tea"}, settled(3, 7)),
        ({"kind": "tea", "instance": OTHER[1]}, settled(30, 31)),
    ]
    write_prometheus(folder, {"uses": series}, ups=ups, births=births)
    assert _figure(folder) == Figure(5.0)


def test_a_restarted_target_makes_its_figure_a_lower_bound(folder: RunFolder) -> None:
    births: list[Sample] = settled(500.0, BEGIN + 20)
    write_prometheus(folder, {"uses": [({"kind": "tea"}, settled(3, 7))]}, births={SHOP: births})
    assert _figure(folder).value == 4.0
    assert "restarted" in _figure(folder).remark
    assert _figure(folder, ("coffee",)).value is None


@pytest.mark.parametrize(
    "ups",
    [settled(1.0, 0.0), settled(1.0, 1.0)[:2]],
    ids=["down", "not scraped"],
)
def test_a_replica_that_was_not_watched_makes_the_others_a_lower_bound(
    folder: RunFolder, ups: Sequence[Sample]
) -> None:
    series = [({"kind": "tea"}, settled(3, 7))]
    watched = {SHOP: settled(1.0, 1.0), OTHER: ups}
    write_prometheus(folder, {"uses": series}, ups=watched)
    assert _figure(folder).remark


def test_how_it_grew_is_told_for_every_series_and_for_the_targets_without_it(
    folder: RunFolder,
) -> None:
    ups = {SHOP: settled(1.0, 1.0), OTHER: settled(1.0, 1.0)}
    series = [({"kind": "tea", "status": status}, settled(3, total)) for status, total in
              (("200", 7), ("201", 4))]  # fmt: skip
    write_prometheus(folder, {"uses": series}, ups=ups)
    growths = read_prometheus(folder).growths("uses", ["kind"])
    assert list(growths) == [_TEA]
    assert [[each.grown for each in growth] for growth in growths[_TEA]] == [
        [4.0] * 3,
        [1.0] * 3,
        [0.0] * 3,
    ]
    assert {growth[0].at for growth in growths[_TEA]} == {END + 5}


def test_what_was_not_read_did_not_grow(folder: RunFolder) -> None:
    assert read_prometheus(folder).growths("uses", ["kind"]) == {}


def test_a_scrape_that_saw_the_first_requests_is_no_baseline(folder: RunFolder) -> None:
    during: list[Sample] = [(BEGIN - 1, 5.0)]
    still, after = settled(3, 7)[:2], settled(3, 7)[2:]
    ups = {SHOP: [*settled(1.0, 1.0)[:2], (BEGIN - 1, 1.0), *settled(1.0, 1.0)[2:]]}
    series = [({"kind": "tea"}, [*still, *during, *after])]
    write_prometheus(folder, {"uses": series}, ups=ups)
    assert "moving" in _figure(folder).remark
    metric = {"job": SHOP[0], "instance": SHOP[1]}
    answer = {"data": {"result": [{"metric": metric, "values": [[BEGIN - 1, "1.5"]]}]}}
    folder.write_answer("prometheus/durations.json", json.dumps(answer).encode())
    assert _figure(folder) == Figure(4.0)


def test_a_target_of_another_job_does_not_matter(folder: RunFolder) -> None:
    ups = {SHOP: settled(1.0, 1.0), ("till", "till:80"): settled(1.0, 0.0)}
    write_prometheus(folder, {"uses": [({"kind": "tea"}, settled(3, 7))]}, ups=ups)
    assert _figure(folder, ("coffee",)) == Figure(0.0)


def test_a_fresh_stack_needs_no_baseline(folder: RunFolder) -> None:
    samples = [(at, 4.0) for at, _ in settled(0, 4)[2:]]
    ups = {SHOP: [(at, 1.0) for at, _ in samples]}
    births = {SHOP: [(at, BEGIN - 5) for at, _ in samples]}
    reading = Reading(fresh=True, begin=BEGIN, end=END, at=END + 20)
    write_prometheus(
        folder, {"uses": [({"kind": "tea"}, samples)]}, ups=ups, births=births, reading=reading
    )
    assert _figure(folder) == Figure(4.0)
    write_prometheus(
        folder,
        {"uses": [({"kind": "tea"}, samples)]},
        ups=ups,
        births=births,
        reading=replace(reading, fresh=False),
    )
    assert _figure(folder) == Figure(0.0, "its target was not scraped before the first request")


def test_a_prometheus_that_was_down_gives_no_data_and_its_own_reason(folder: RunFolder) -> None:
    reading = Reading(down="Prometheus cannot be reached")
    write_prometheus(folder, {"uses": []}, reading=reading)
    assert _figure(folder) == Figure(None, "Prometheus cannot be reached")


def test_a_folder_without_a_reading_gives_no_data(folder: RunFolder) -> None:
    assert _figure(folder) == Figure(None, "Prometheus was not read")


@pytest.mark.parametrize(
    "content", [None, b"", b'{"data": {', b'{"data": {"result": [{"metric": {}}]}}', b"[]"]
)
def test_a_quantity_that_was_not_read_whole_is_no_data(
    folder: RunFolder, content: bytes | None
) -> None:
    write_prometheus(folder, {})
    if content is not None:
        folder.write_answer("prometheus/quantity-uses.json", content)
    assert _figure(folder) == Figure(None, "Prometheus was not read after the run")


def test_a_damaged_record_of_the_targets_never_makes_a_series_exact_zero(
    folder: RunFolder,
) -> None:
    write_prometheus(folder, {"uses": []})
    folder.write_answer("prometheus/up.json", b"{")
    assert _figure(folder).value is None


@pytest.mark.parametrize("order", [1, -1])
def test_one_lower_bound_makes_a_sum_a_lower_bound(order: int) -> None:
    figures = [(_TEA, Figure(2.0)), (_TEA, Figure(3.0, "restarted"))][::order]
    assert summed(figures) == {_TEA: Figure(5.0, "restarted")}


def test_the_window_reaches_from_the_first_request_to_the_reading() -> None:
    assert Reading(begin=100.0, at=160.2).window == "61s"


def test_a_witness_that_cannot_be_reached_says_so_on_disk_and_to_every_query(
    folder: RunFolder,
) -> None:
    with closing(PrometheusQueries(Prometheus(url=nobody_listens_at()))) as queries:
        witness = PrometheusWitness(queries, ["shop"], folder)
        witness.open(fresh=True)
        with pytest.raises(PrometheusDown, match="cannot be reached"):
            witness.ask("up")
    assert "cannot be reached" in _figure(folder).remark


def test_a_fresh_stack_is_opened_with_one_look_at_the_clock(folder: RunFolder) -> None:
    told = {"status": "success", "data": {"resultType": "scalar", "result": [0, "5"]}}
    answers = {"/api/v1/query": Says(json.dumps(told))}
    with (
        serving(answers) as server,
        closing(PrometheusQueries(Prometheus(url=server.url))) as queries,
    ):
        PrometheusWitness(queries, ["shop"], folder).open(fresh=True)
        assert server.asked.count("/api/v1/query") == 1
    reading = read_prometheus(folder).reading
    assert reading.fresh
    assert reading.down == ""
    assert reading.begin == pytest.approx(5.0, abs=2.0)
