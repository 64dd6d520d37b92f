"""Evidence as it lies in windows: of many targets, of some that show nothing, of a broken one."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from scenarios.evidence.run_folder import RunFolder
from tests.evidence_factory import BEGIN, END, READ_AT, SHOP, settled, write_prometheus
from witnesses.figure import Figure
from witnesses.prometheus.samples import Sample, raw_series
from witnesses.prometheus.witness import Reading, read_prometheus

_TARGET = {"job": SHOP[0], "instance": SHOP[1]}
_OTHER = {"job": SHOP[0], "instance": "shop:81"}
_TEA = ("tea",)

Told = tuple[dict[str, str], Sequence[Sample]]


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path)


def _write(folder: RunFolder, name: str, series: Sequence[Told]) -> None:
    result: list[dict[str, Any]] = [
        {"metric": labels, "values": [[at, str(value)] for at, value in samples]}
        for labels, samples in series
    ]
    answer = {"status": "success", "data": {"resultType": "matrix", "result": result}}
    folder.write_answer(f"prometheus/{name}.json", json.dumps(answer).encode())


def _write_reading(folder: RunFolder, windows: Sequence[float], fresh: bool = False) -> None:
    reading = Reading(fresh, BEGIN, END, READ_AT, 0.0, 5.0, windows=windows)
    folder.write_answer("prometheus/reading.json", json.dumps(asdict(reading)).encode())


def _write_windows(folder: RunFolder, uses: Sequence[Sample], *ends: float) -> None:
    _write_reading(folder, ends)
    since = 0.0
    for number, end in enumerate(ends, 1):
        for name, samples in {
            "up": settled(1.0, 1.0)[: len(uses)],
            "births": settled(500.0, 500.0)[: len(uses)],
            "quantity-uses": uses,
        }.items():
            within = [(at, value) for at, value in samples if since <= at <= end]
            labels = {**_TARGET, **({"kind": "tea"} if name == "quantity-uses" else {})}
            _write(folder, f"{name}-{number:04}", [(labels, within)] if within else [])
        since = end


def _figure(folder: RunFolder, labels: tuple[str, ...] = _TEA, settle_s: float = 0.0) -> Figure:
    return read_prometheus(folder).figures("uses", ["kind"], settle_s).at(labels)


def test_a_sample_at_the_edge_of_two_windows_counts_once(folder: RunFolder) -> None:
    samples = settled(3, 7)
    _write_windows(folder, samples, samples[1][0], samples[2][0], READ_AT)
    assert _figure(folder) == Figure(4.0)


def test_a_sample_in_two_windows_is_not_taken_for_two_scrapes_at_rest(folder: RunFolder) -> None:
    samples = settled(3, 7)[:-1]
    _write_windows(folder, samples, samples[-1][0], READ_AT)
    assert _figure(folder) == Figure(4.0, "it was not seen to stand still after the last answer")


def test_a_window_that_is_missing_leaves_no_figure(folder: RunFolder) -> None:
    _write_windows(folder, settled(3, 7), END, READ_AT)
    (folder.witnesses / "prometheus" / "quantity-uses-0001.json").unlink()
    assert _figure(folder) == Figure(None, "Prometheus was not read after the run")


def test_a_window_of_which_the_targets_are_not_known_leaves_no_exact_figure(
    folder: RunFolder,
) -> None:
    _write_windows(folder, settled(3, 7), END, READ_AT)
    (folder.witnesses / "prometheus" / "up-0002.json").write_text("{")
    assert _figure(folder).remark
    assert _figure(folder, ("coffee",)).value is None


def test_labels_in_another_order_are_the_same_series(folder: RunFolder) -> None:
    _write_windows(folder, settled(3, 7), END, READ_AT)
    turned = {"kind": "tea", "job": SHOP[0], "instance": SHOP[1]}
    _write(folder, "quantity-uses-0002", [(turned, settled(3, 7)[2:])])
    assert _figure(folder) == Figure(4.0)


def test_of_a_watch_only_the_edges_are_kept_and_all_scrapes_are_counted(folder: RunFolder) -> None:
    during = [(BEGIN + n / 10, float(n % 100 != 50)) for n in range(1, 500)]
    ups = [*settled(1.0, 1.0)[:2], *during, *settled(1.0, 1.0)[2:]]
    births = [(at, 500.0) for at, up in ups if up]
    write_prometheus(folder, {"uses": []}, ups={SHOP: ups}, births={SHOP: births})
    watch = read_prometheus(folder).watches[SHOP]
    assert (watch.tried, watch.failed) == (499 + 3, 5)
    assert list(watch.ups) == [*ups[:2], (BEGIN + 5, 0.0), *settled(1.0, 1.0)[2:]]
    assert list(watch.births) == [*births[:2], *births[2:4]]


def test_a_counter_that_moves_after_the_grace_is_late(folder: RunFolder) -> None:
    samples = [*settled(3, 7)[:2], *((END + at, 6.0 if at < 6 else 7.0) for at in range(1, 12))]
    ups = [(at, 1.0) for at, _ in samples]
    write_prometheus(folder, {"uses": [({"kind": "tea"}, samples)]}, ups={SHOP: ups})
    assert _figure(folder) == Figure(4.0, late=1.0)
    assert _figure(folder, settle_s=7.0) == Figure(4.0)


def test_a_series_that_appears_after_the_grace_is_late_altogether(folder: RunFolder) -> None:
    ups = [*settled(1.0, 1.0)[:2], *((END + at, 1.0) for at in range(1, 12))]
    samples = [(at, 2.0) for at, _ in ups[-4:]]
    write_prometheus(folder, {"uses": [({"kind": "tea"}, samples)]}, ups={SHOP: ups})
    assert _figure(folder) == Figure(2.0, late=2.0)


def test_lateness_is_added_up_over_series(folder: RunFolder) -> None:
    samples = [*settled(3, 7)[:2], *((END + at, 6.0 if at < 6 else 7.0) for at in range(1, 12))]
    ups = [(at, 1.0) for at, _ in samples]
    series = [({"kind": "tea", "status": status}, samples) for status in ("200", "201")]
    write_prometheus(folder, {"uses": series}, ups={SHOP: ups})
    assert _figure(folder) == Figure(8.0, late=2.0)


@pytest.mark.parametrize("fresh", [False, True])
def test_targets_that_share_job_and_instance_give_a_lower_bound(
    folder: RunFolder, fresh: bool
) -> None:
    """Each shows its own series only: at the other's scrapes these are not at zero."""
    stamps = [BEGIN - 20, BEGIN - 10, *(END + at for at in (5, 10, 15))]
    shards = [{**_TARGET, "shard": shard} for shard in "ab"]
    _write_reading(folder, (), fresh)
    _write(folder, "up", [(each, [(at + n, 1.0) for at in stamps])
                          for n, each in enumerate(shards)])  # fmt: skip
    _write(folder, "births", [])
    counts = (3.0, 3.0, 7.0, 7.0, 7.0)
    _write(folder, "quantity-uses", [
        ({**each, "kind": "tea"}, [(at + n, v) for at, v in zip(stamps, counts, strict=True)])
        for n, each in enumerate(shards)
    ])  # fmt: skip
    assert _figure(folder) == Figure(8.0, "two targets share its job and instance")
    assert _figure(folder, ("coffee",)).value is None


@pytest.mark.parametrize("windows", [(), (READ_AT,)])
def test_a_target_that_shows_nothing_at_all_has_no_zeros(
    folder: RunFolder, windows: tuple[float, ...]
) -> None:
    number = "-0001" if windows else ""
    _write_reading(folder, windows)
    _write(folder, f"up{number}", [(each, settled(1.0, 1.0)) for each in (_TARGET, _OTHER)])
    _write(folder, f"births{number}", [(_TARGET, settled(500.0, 500.0))])
    _write(folder, f"shown{number}", [(_TARGET, settled(9.0, 9.0)), (_OTHER, settled(9.0, 0.0))])
    _write(folder, f"quantity-uses{number}", [])
    assert _figure(folder) == Figure(None, "its target shows no metrics")
    _write(folder, f"quantity-uses{number}", [({**_TARGET, "kind": "tea"}, settled(3, 7))])
    assert _figure(folder) == Figure(4.0, "its target shows no metrics")


def test_a_target_whose_last_scrape_failed_showed_what_the_last_good_one_did(
    folder: RunFolder,
) -> None:
    ups = [*settled(1.0, 1.0), (END + 20, 0.0)]
    write_prometheus(folder, {"uses": []}, ups={SHOP: ups})
    _write(folder, "shown", [(_TARGET, [*settled(9.0, 9.0), (END + 20, 0.0)])])
    assert _figure(folder) == Figure(0.0)


def test_a_backend_that_does_not_tell_what_a_scrape_showed_is_believed(folder: RunFolder) -> None:
    write_prometheus(folder, {"uses": []})
    _write(folder, "shown", [])
    assert _figure(folder) == Figure(0.0)
    assert not read_prometheus(folder).watches[SHOP].is_bare


def test_a_value_is_the_number_that_its_text_says() -> None:
    values = [[1, "1e+06"], [2.5, "+Inf"], [3, "0.25"], [4, "-Inf"]]
    answer = json.dumps({"data": {"result": [{"metric": {"a": "é<"}, "values": values}]}})
    (series,) = raw_series(answer.encode())
    assert series.samples == [(1.0, 1e6), (2.5, float("inf")), (3.0, 0.25), (4.0, float("-inf"))]
    assert series.labels == {"a": "é<"}


@pytest.mark.parametrize(
    "answer", [b"", b"[]", b'{"data": {"result": [{"metric": {}, "value": [1, "2"]}]}}',
               b'{"data": {"result": [{"metric": {}, "values": [[1, "x"]]}]}}', b"\xff"]
)  # fmt: skip
def test_what_is_no_range_vector_is_refused(answer: bytes) -> None:
    with pytest.raises(ValueError, match="not the range vector"):
        list(raw_series(answer))
