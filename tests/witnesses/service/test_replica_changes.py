"""Pages of replicas that came and went, as they were kept; and what Prometheus saw of them."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from scenarios.evidence.run_folder import RunFolder
from tests.evidence_factory import BEGIN, exposition
from tests.witnesses.counted_quantities import uses_by_kind
from witnesses.figure import Figure, Reason
from witnesses.service.reading import ServiceReading, read_services
from witnesses.service.shortfall import shortfall_doubt
from witnesses.service.single_process import RepeatedScrapes
from witnesses.target_history import UNKNOWN, TargetHistory
from witnesses.target_labels import NO_TARGETS

_TEA = ("tea",)
_BEFORE = {"a": exposition({"tea": 5}), "b": exposition({"tea": 1})}
_SEEN = {("shop", "a"): [500.0], ("shop", "b"): [500.0]}


def _write(folder: RunFolder, moment: str, pages: Mapping[str, str | None]) -> None:
    """Write the pages of discovered replicas by instance; None is one that is gone."""
    index: dict[str, Any] = {}
    for instance, text in pages.items():
        name = f"shop-{'abcd'.index(instance)}"
        index[name] = {"service": "shop", "job": "shop", "url": f"http://{instance}/metrics",
                       "instance": instance, "is_gone": text is None}  # fmt: skip
        if text is None:
            continue
        error = "" if text else "connection refused"
        index[name] |= {"error": error, "asked_at": 0.0, "skew_s": 0.0}
        index[name]["scrapes"] = asdict(RepeatedScrapes(3, ()))
        folder.write_witness_file(f"service/{moment}/{name}.txt", text.encode())
    folder.write_witness_file(f"service/{moment}/index.json", json.dumps(index).encode())


def _read(place: Path, after: Mapping[str, str | None], history: TargetHistory) -> ServiceReading:
    folder = RunFolder(place)
    _write(folder, "before", _BEFORE)
    _write(folder, "after", after)
    return read_services(folder, NO_TARGETS, history)


def _figure(place: Path, after: Mapping[str, str | None], history: TargetHistory) -> Figure:
    return _read(place, after, history).figures(uses_by_kind()).at(_TEA)


_AFTER = {"a": exposition({"tea": 9}), "b": exposition({"tea": 4})}
_NEW = exposition({"tea": 20}, start_time=BEGIN + 10)


def test_replicas_that_stayed_have_exact_figures(tmp_path: Path) -> None:
    assert _figure(tmp_path, _AFTER, TargetHistory(BEGIN, _SEEN)) == Figure.exact(7.0)


def test_a_replica_that_came_counts_from_zero(tmp_path: Path) -> None:
    history = TargetHistory(BEGIN, {**_SEEN, ("shop", "c"): [BEGIN + 10]})
    assert _figure(tmp_path, {**_AFTER, "c": _NEW}, history) == Figure.exact(27.0)


@pytest.mark.parametrize(
    ("page", "seen"),
    [
        (exposition({"tea": 20}, start_time=400.0), [400.0]),
        (exposition({"tea": 20}, start_time=None), []),
        (_NEW, [BEGIN + 10, BEGIN + 30]),
        (_NEW, [BEGIN + 5]),
        ("", [BEGIN + 10]),
        (None, [BEGIN + 10]),
    ],
    ids=["is old", "shows no start", "restarted", "another before", "cannot be read", "is gone"],
)
def test_of_any_other_that_came_nothing_is_added_and_the_rest_is_a_lower_bound(
    tmp_path: Path, page: str | None, seen: list[float]
) -> None:
    history = TargetHistory(BEGIN, {**_SEEN, ("shop", "c"): seen})
    figure = _figure(tmp_path, {**_AFTER, "c": page}, history)
    assert (figure.low, figure.high) == (7.0, None)


def test_a_replica_that_went_away_leaves_a_lower_bound(tmp_path: Path) -> None:
    figure = _figure(tmp_path, {**_AFTER, "b": None}, TargetHistory(BEGIN, _SEEN))
    assert figure == Figure(4.0, None, Reason.REPLICA_GONE, "b")


def test_a_replica_that_was_killed_while_prometheus_still_lists_it_went_away(
    tmp_path: Path,
) -> None:
    history = TargetHistory(BEGIN, _SEEN, frozenset({("shop", "b")}))
    figure = _figure(tmp_path, {**_AFTER, "b": ""}, history)
    assert figure == Figure(4.0, None, Reason.REPLICA_GONE, "connection refused")


def test_a_page_that_only_fails_while_prometheus_scrapes_on_is_not_gone(tmp_path: Path) -> None:
    figure = _figure(tmp_path, {**_AFTER, "b": ""}, TargetHistory(BEGIN, _SEEN))
    assert (figure.low, figure.high, figure.reason) == (4.0, None, Reason.SCRAPE_FAILED)


def test_a_replica_that_came_and_went_between_the_scrapes_leaves_a_lower_bound(
    tmp_path: Path,
) -> None:
    history = TargetHistory(BEGIN, {**_SEEN, ("shop", "d"): [BEGIN + 3], ("till", "x"): []})
    figure = _figure(tmp_path, _AFTER, history)
    assert figure == Figure(7.0, None, Reason.REPLICA_GONE, "d")


def test_without_the_history_of_prometheus_one_may_have_come_and_gone(tmp_path: Path) -> None:
    figure = _figure(tmp_path, _AFTER, UNKNOWN)
    assert (figure.low, figure.high, figure.reason) == (7.0, None, Reason.REPLICA_GONE)


def test_a_replica_that_is_gone_is_no_restart_that_nobody_saw(tmp_path: Path) -> None:
    reading = _read(tmp_path, {**_AFTER, "b": None}, TargetHistory(BEGIN, _SEEN))
    assert shortfall_doubt(reading, uses_by_kind(), most=50.0) is None


def test_a_replica_that_came_shows_which_process_it_was(tmp_path: Path) -> None:
    history = TargetHistory(BEGIN, {**_SEEN, ("shop", "c"): [BEGIN + 10]})
    reading = _read(tmp_path, {**_AFTER, "c": _NEW}, history)
    assert shortfall_doubt(reading, uses_by_kind(), most=50.0) is None
    assert reading.jobs_without_start_times() == set()


def test_a_service_whose_pages_are_not_asked_for_is_no_witness(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    index = json.dumps({"shop": {"service": "shop", "unasked": "no route"}}).encode()
    for moment in ("before", "after"):
        folder.write_witness_file(f"service/{moment}/index.json", index)
    reading = read_services(folder, NO_TARGETS, TargetHistory(BEGIN, _SEEN))
    assert reading.unasked == {"shop": "no route"}
    assert not reading.counts(uses_by_kind())
    assert not reading.replicas
