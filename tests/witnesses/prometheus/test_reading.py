import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from scenarios.evidence.run_folder import RunFolder
from tests.evidence_factory import BEGIN, END, SHOP, settled, write_prometheus
from tests.witnesses.counted_quantities import counted, uses_by_kind
from tests.witnesses.prometheus.collected import SHOP_LABELS, write_matrix, write_record
from witnesses.figure import Figure, Reason
from witnesses.model import RecordKind
from witnesses.prometheus.collection import CollectionRecord
from witnesses.prometheus.reading import read_prometheus
from witnesses.prometheus.samples import Sample

OTHER = ("shop", "shop:81")
_TEA = ("tea",)
_USES = uses_by_kind()


def _figure(folder: RunFolder, labels: tuple[str, ...] = _TEA, **settings: Any) -> Figure:
    return read_prometheus(folder).figures(uses_by_kind(**settings)).at(labels)


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path)


def test_the_increase_between_the_barriers_is_the_figure(folder: RunFolder) -> None:
    write_prometheus(folder, {"uses": [({"kind": "tea"}, settled(3, 7))]})
    assert _figure(folder) == Figure.exact(4.0)


def test_a_label_value_without_a_series_is_zero_where_its_target_was_watched(
    folder: RunFolder,
) -> None:
    write_prometheus(folder, {"uses": [({"kind": "tea"}, settled(3, 7))]})
    assert _figure(folder, ("coffee",)) == Figure.exact(0.0)


def test_a_quantity_without_any_series_is_zero_where_the_targets_were_watched(
    folder: RunFolder,
) -> None:
    write_prometheus(folder, {"uses": []})
    assert _figure(folder) == Figure.exact(0.0)


def test_a_quantity_without_series_or_targets_is_void(folder: RunFolder) -> None:
    write_prometheus(folder, {"uses": []}, ups={}, start_times={})
    assert _figure(folder) == Figure.void(Reason.NO_TARGET)


def test_replicas_are_added_up_as_their_own_targets(folder: RunFolder) -> None:
    ups = {SHOP: settled(1.0, 1.0), OTHER: settled(1.0, 1.0)}
    start_times = {SHOP: settled(500.0, 500.0), OTHER: settled(600.0, 600.0)}
    series = [
        ({"kind": "tea"}, settled(3, 7)),
        ({"kind": "tea", "instance": OTHER[1]}, settled(30, 31)),
    ]
    write_prometheus(folder, {"uses": series}, ups=ups, start_times=start_times)
    assert _figure(folder) == Figure.exact(5.0)


def test_a_restarted_target_makes_its_figure_a_lower_bound(folder: RunFolder) -> None:
    start_times: list[Sample] = settled(500.0, BEGIN + 20)
    write_prometheus(
        folder, {"uses": [({"kind": "tea"}, settled(3, 7))]}, start_times={SHOP: start_times}
    )
    assert _figure(folder) == Figure.at_least(4.0, Reason.PROCESS_RESTARTED)
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
    assert not _figure(folder).is_exact
    assert _figure(folder).low == 4.0


def test_growth_is_known_of_every_series_and_of_the_targets_without_it(
    folder: RunFolder,
) -> None:
    ups = {SHOP: settled(1.0, 1.0), OTHER: settled(1.0, 1.0)}
    series = [({"kind": "tea", "status": status}, settled(3, total)) for status, total in
              (("200", 7), ("201", 4))]  # fmt: skip
    write_prometheus(folder, {"uses": series}, ups=ups)
    growths = read_prometheus(folder).growths(_USES, ["kind"])
    assert list(growths) == [_TEA]
    assert [[each.grown for each in growth] for growth in growths[_TEA]] == [
        [4.0] * 3,
        [1.0] * 3,
        [0.0] * 3,
    ]
    assert {growth[0].at for growth in growths[_TEA]} == {END + 5}


def test_what_was_not_read_did_not_grow(folder: RunFolder) -> None:
    assert read_prometheus(folder).growths(_USES, ["kind"]) == {}


def test_a_scrape_that_saw_the_first_requests_is_no_baseline(folder: RunFolder) -> None:
    during: list[Sample] = [(BEGIN - 1, 5.0)]
    still, after = settled(3, 7)[:2], settled(3, 7)[2:]
    ups = {SHOP: [*settled(1.0, 1.0)[:2], (BEGIN - 1, 1.0), *settled(1.0, 1.0)[2:]]}
    series = [({"kind": "tea"}, [*still, *during, *after])]
    write_prometheus(folder, {"uses": series}, ups=ups)
    assert _figure(folder).reason is Reason.MOVED_BEFORE
    metric = {"job": SHOP[0], "instance": SHOP[1]}
    answer = {"data": {"result": [{"metric": metric, "values": [[BEGIN - 1, "1.5"]]}]}}
    folder.write_witness_file("prometheus/durations.json", json.dumps(answer).encode())
    assert _figure(folder) == Figure.exact(4.0)


def test_a_target_of_another_job_does_not_matter(folder: RunFolder) -> None:
    ups = {SHOP: settled(1.0, 1.0), ("till", "till:80"): settled(1.0, 0.0)}
    write_prometheus(folder, {"uses": [({"kind": "tea"}, settled(3, 7))]}, ups=ups)
    assert _figure(folder, ("coffee",)) == Figure.exact(0.0)


def test_a_fresh_stack_needs_no_baseline(folder: RunFolder) -> None:
    samples = [(at, 4.0) for at, _ in settled(0, 4)[2:]]
    ups = {SHOP: [(at, 1.0) for at, _ in samples]}
    start_times = {SHOP: [(at, BEGIN - 5) for at, _ in samples]}
    collection = CollectionRecord(fresh=True, begin=BEGIN, end=END, at=END + 20)
    write_prometheus(
        folder,
        {"uses": [({"kind": "tea"}, samples)]},
        ups=ups,
        start_times=start_times,
        collection=collection,
    )
    assert _figure(folder) == Figure.exact(4.0)
    write_prometheus(
        folder,
        {"uses": [({"kind": "tea"}, samples)]},
        ups=ups,
        start_times=start_times,
        collection=replace(collection, fresh=False),
    )
    assert _figure(folder) == Figure.at_least(0.0, Reason.NOT_SCRAPED_BEFORE)


def test_a_prometheus_that_was_down_is_void_with_its_own_error(folder: RunFolder) -> None:
    collection = CollectionRecord(error="Prometheus cannot be reached")
    write_prometheus(folder, {"uses": []}, collection=collection)
    assert _figure(folder) == Figure.void(Reason.PROMETHEUS_DOWN, "Prometheus cannot be reached")


def test_a_folder_without_a_collection_is_void(folder: RunFolder) -> None:
    assert _figure(folder) == Figure.void(Reason.PROMETHEUS_DOWN, "Prometheus was not read")


@pytest.mark.parametrize(
    "content", [None, b"", b'{"data": {', b'{"data": {"result": [{"metric": {}}]}}', b"[]"]
)
def test_a_quantity_that_was_not_read_whole_is_void(
    folder: RunFolder, content: bytes | None
) -> None:
    write_prometheus(folder, {})
    if content is not None:
        folder.write_witness_file("prometheus/quantity-uses.json", content)
    assert _figure(folder) == Figure.void(Reason.NOT_COLLECTED)


def test_damaged_scrapes_never_make_an_absent_series_an_exact_zero(
    folder: RunFolder,
) -> None:
    write_prometheus(folder, {"uses": []})
    folder.write_witness_file("prometheus/up.json", b"{")
    assert _figure(folder).value is None


def test_a_scrape_log_keeps_only_the_edges_and_counts_all_scrapes(
    folder: RunFolder,
) -> None:
    during = [(BEGIN + n / 10, float(n % 100 != 50)) for n in range(1, 500)]
    ups = [*settled(1.0, 1.0)[:2], *during, *settled(1.0, 1.0)[2:]]
    start_times = [(at, 500.0) for at, up in ups if up]
    write_prometheus(folder, {"uses": []}, ups={SHOP: ups}, start_times={SHOP: start_times})
    scrape_log = read_prometheus(folder).scrape_logs[SHOP]
    assert (scrape_log.tried, scrape_log.failed) == (499 + 3, 5)
    assert list(scrape_log.ups) == [*ups[:2], (BEGIN + 5, 0.0), *settled(1.0, 1.0)[2:]]
    assert list(scrape_log.start_times) == [*start_times[:2], *start_times[2:4]]


def test_a_counter_that_moves_after_the_grace_is_late(folder: RunFolder) -> None:
    samples = [*settled(3, 7)[:2], *((END + at, 6.0 if at < 6 else 7.0) for at in range(1, 12))]
    ups = [(at, 1.0) for at, _ in samples]
    write_prometheus(folder, {"uses": [({"kind": "tea"}, samples)]}, ups={SHOP: ups})
    assert _figure(folder) == Figure.exact(4.0, late=1.0)
    assert _figure(folder, settle="7s") == Figure.exact(4.0)


def test_a_series_that_appears_after_the_grace_is_late_altogether(folder: RunFolder) -> None:
    ups = [*settled(1.0, 1.0)[:2], *((END + at, 1.0) for at in range(1, 12))]
    samples = [(at, 2.0) for at, _ in ups[-4:]]
    write_prometheus(folder, {"uses": [({"kind": "tea"}, samples)]}, ups={SHOP: ups})
    assert _figure(folder) == Figure.exact(2.0, late=2.0)


def test_lateness_is_added_up_over_series(folder: RunFolder) -> None:
    samples = [*settled(3, 7)[:2], *((END + at, 6.0 if at < 6 else 7.0) for at in range(1, 12))]
    ups = [(at, 1.0) for at, _ in samples]
    series = [({"kind": "tea", "status": status}, samples) for status in ("200", "201")]
    write_prometheus(folder, {"uses": series}, ups={SHOP: ups})
    assert _figure(folder) == Figure.exact(8.0, late=2.0)


@pytest.mark.parametrize("fresh", [False, True])
def test_targets_that_share_job_and_instance_give_no_bound(folder: RunFolder, fresh: bool) -> None:
    """Each shows its own series only: at the other's scrapes these are not at zero."""
    stamps = [BEGIN - 20, BEGIN - 10, *(END + at for at in (5, 10, 15))]
    shards = [{**SHOP_LABELS, "shard": shard} for shard in "ab"]
    write_record(folder, (), fresh)
    write_matrix(folder, "up", [(each, [(at + n, 1.0) for at in stamps])
                          for n, each in enumerate(shards)])  # fmt: skip
    write_matrix(folder, "start_times", [])
    counts = (3.0, 3.0, 7.0, 7.0, 7.0)
    write_matrix(folder, "quantity-uses", [
        ({**each, "kind": "tea"}, [(at + n, v) for at, v in zip(stamps, counts, strict=True)])
        for n, each in enumerate(shards)
    ])  # fmt: skip
    assert _figure(folder) == Figure.void(Reason.SHARED_TARGET)
    assert _figure(folder, ("coffee",)).value is None


def test_a_target_whose_last_scrape_failed_showed_what_the_last_good_one_did(
    folder: RunFolder,
) -> None:
    ups = [*settled(1.0, 1.0), (END + 20, 0.0)]
    write_prometheus(folder, {"uses": []}, ups={SHOP: ups})
    write_matrix(folder, "sample_counts", [(SHOP_LABELS, [*settled(9.0, 9.0), (END + 20, 0.0)])])
    assert _figure(folder) == Figure.exact(0.0)


def test_a_backend_without_sample_counts_is_believed(folder: RunFolder) -> None:
    write_prometheus(folder, {"uses": []})
    write_matrix(folder, "sample_counts", [])
    assert _figure(folder) == Figure.exact(0.0)
    assert not read_prometheus(folder).scrape_logs[SHOP].is_bare


def test_only_a_quantity_with_a_selector_is_counted_here(folder: RunFolder) -> None:
    reading = read_prometheus(folder)
    assert reading.counts(uses_by_kind())
    assert not reading.counts(counted(database={"main": "SELECT 1"}))
    assert (reading.name, reading.keeps) == ("prometheus", RecordKind.COUNTER)


def test_a_counter_that_others_move_too_has_an_exact_increase_of_all(folder: RunFolder) -> None:
    samples = [(at, float(number)) for number, (at, _) in enumerate(settled(0, 0))]
    write_prometheus(folder, {"uses": [({"kind": "tea"}, samples)]})
    assert _figure(folder).reason is Reason.MOVED_BEFORE
    assert _figure(folder, shared=True, is_exclusive=True).reason is Reason.MOVED_BEFORE
    assert _figure(folder, shared=True, is_exclusive=False) == Figure.exact(3.0, late=2.0)


def test_growth_is_that_of_the_label_values_that_are_asked_for(folder: RunFolder) -> None:
    series = [({"kind": kind}, settled(3, total)) for kind, total in (("tea", 7), ("coffee", 4))]
    write_prometheus(folder, {"uses": series})
    growths = read_prometheus(folder).growths(_USES, ["kind"], [_TEA])
    assert list(growths) == [_TEA]
    assert [each.grown for each in growths[_TEA][0]] == [4.0] * 3


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"[]", b'{"unknown": 1}', b'{"interval_s": []}', b'{"begin": "1"}',
        b'{"at": true}', b'{"version": {}}', b'{"windows": 3}', b'{"jobs": {"a": 1}}',
        b'{"fresh": null}', b'{"end": 1' + b"0" * 400 + b"}",
    ],
)  # fmt: skip
def test_a_damaged_record_of_the_collection_is_void(folder: RunFolder, content: bytes) -> None:
    write_prometheus(folder, {"uses": [({"kind": "tea"}, settled(3, 7))]})
    folder.write_witness_file("prometheus/collection.json", content)
    assert _figure(folder) == Figure.void(Reason.PROMETHEUS_DOWN, "Prometheus was not read")


_COLLECTED = CollectionRecord(
    False, BEGIN, END, END + 30, 0.0, 5.0, jobs={"shop": "shop"}, discovered=["shop"]
)
_AT = [BEGIN - 10, BEGIN - 5, *(BEGIN + n for n in range(5, 80, 5))]


def _scraped(since: float, until: float, value: float = 1.0) -> list[Sample]:
    return [(at, value) for at in _AT if since <= at <= until]


def _discovered(
    folder: RunFolder, other_ups: Sequence[Sample], uses: Sequence[Sample], start: float = 500.0,
    record: CollectionRecord = _COLLECTED,
) -> Figure:  # fmt: skip
    """Return the figure of a replica that stayed, at 4, and another one."""
    whole = _scraped(0, END + 30)
    mine = [(at, 7.0 if at > BEGIN else 3.0) for at, _ in whole]
    write_prometheus(
        folder,
        {"uses": [({"kind": "tea"}, mine), ({"kind": "tea", "instance": OTHER[1]}, uses)]},
        ups={SHOP: whole, OTHER: other_ups},
        start_times={
            SHOP: [(at, 500.0) for at, _ in whole],
            OTHER: [(at, start) for at, _ in other_ups],
        },
        collection=record,
    )
    return _figure(folder)


def test_a_discovered_replica_that_came_counts_from_zero_what_its_first_scrape_has(
    folder: RunFolder,
) -> None:
    ups = _scraped(BEGIN + 20, END + 30)
    uses = [(at, 6.0 if at < END else 9.0) for at, _ in ups]
    assert _discovered(folder, ups, uses, start=BEGIN + 12) == Figure.exact(13.0)


def test_a_discovered_replica_that_came_and_is_older_than_the_run_is_a_lower_bound(
    folder: RunFolder,
) -> None:
    ups = _scraped(BEGIN + 20, END + 30)
    uses = [(at, 6.0 if at < END else 9.0) for at, _ in ups]
    figure = _discovered(folder, ups, uses)
    assert figure == Figure.at_least(7.0, Reason.NOT_SCRAPED_BEFORE)


def test_a_discovered_replica_that_went_away_counts_at_least_its_last_scrape(
    folder: RunFolder,
) -> None:
    ups = _scraped(0, BEGIN + 20)
    uses = [(at, 2.0 if at > BEGIN else 0.0) for at, _ in ups]
    figure = _discovered(folder, ups, uses)
    assert figure == Figure(6.0, None, Reason.REPLICA_GONE, OTHER[1])


def test_a_discovered_replica_that_was_killed_and_is_listed_on_went_away(
    folder: RunFolder,
) -> None:
    ups = [(at, 1.0 if at <= BEGIN + 20 else 0.0) for at in _AT]
    uses = [(at, 2.0 if at > BEGIN else 0.0) for at, up in ups if up]
    figure = _discovered(folder, ups, uses)
    assert figure == Figure(6.0, None, Reason.REPLICA_GONE, OTHER[1])


def test_a_discovered_replica_that_came_and_went_leaves_a_lower_bound_of_every_label(
    folder: RunFolder,
) -> None:
    ups = _scraped(BEGIN + 20, BEGIN + 40)
    figure = _discovered(folder, ups, [(at, 2.0) for at, _ in ups], start=BEGIN + 12)
    assert figure == Figure(6.0, None, Reason.REPLICA_GONE, OTHER[1])
    absent = _figure(folder, ("coffee",))
    assert (absent.low, absent.high) == (None, None)


def test_a_discovered_replica_that_left_before_the_first_request_has_no_part(
    folder: RunFolder,
) -> None:
    ups = [(BEGIN - 15, 1.0), (BEGIN - 10, 1.0)]
    assert _discovered(folder, ups, [(at, 50.0) for at, _ in ups]) == Figure.exact(4.0)
    reading = read_prometheus(folder)
    assert (reading.departed, reading.changes.gone) == (frozenset({OTHER}), frozenset())
    assert [len(each) for each in reading.growths(_USES, ["kind"]).values()] == [1]


def test_one_that_may_have_lived_at_the_first_request_is_taken_to_have_gone_away(
    folder: RunFolder,
) -> None:
    ups = _scraped(0, BEGIN)
    figure = _discovered(folder, ups, [(at, 50.0) for at, _ in ups])
    assert figure == Figure(4.0, None, Reason.REPLICA_GONE, OTHER[1])


def test_of_replicas_that_are_named_none_goes_away(folder: RunFolder) -> None:
    ups = _scraped(0, BEGIN + 20)
    uses = [(at, 2.0 if at > BEGIN else 0.0) for at, _ in ups]
    figure = _discovered(folder, ups, uses, record=replace(_COLLECTED, discovered=[]))
    assert figure == Figure.at_least(6.0, Reason.NOT_SCRAPED_AFTER)


def test_the_history_has_each_target_and_when_its_processes_started(folder: RunFolder) -> None:
    ups = _scraped(0, BEGIN + 20)
    _discovered(folder, ups, [], record=replace(_COLLECTED, skew_s=2.0))
    history = read_prometheus(folder).history
    assert history.begin_at == BEGIN - 2.0
    assert {target: set(each) for target, each in history.start_times.items()} == {
        SHOP: {500.0}, OTHER: {500.0},
    }  # fmt: skip
    assert history.gone == {OTHER}


def test_of_a_prometheus_that_was_not_read_to_the_end_no_history_is_known(
    folder: RunFolder,
) -> None:
    _discovered(folder, [], [], record=replace(_COLLECTED, error="down"))
    assert not read_prometheus(folder).history.is_known
    _discovered(folder, [], [], record=replace(_COLLECTED, at=0.0))
    assert not read_prometheus(folder).history.is_known
