"""What is learnt of the pushes of services, from a backend whose clock a test sets."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest

from config.prometheus import Prometheus
from scenarios.evidence.run_folder import RunFolder
from tests.tiny_server import nobody_listens_at
from tests.witnesses.counted_quantities import counted
from witnesses.prometheus.client import (
    ClockSet,
    PrometheusClient,
    PrometheusDown,
    QueryResponse,
)
from witnesses.prometheus.collection import PushedTarget
from witnesses.prometheus.push_watch import PushWatch
from witnesses.prometheus.service_targets import ServiceTargets

EVERY_S = 10.0
NOW = 1_000.0


class Backend(PrometheusClient):
    """A client of a backend to which instances push at given instants."""

    def __init__(self, pushes: Mapping[str, Sequence[float]]) -> None:
        super().__init__(Prometheus(url=nobody_listens_at()))
        self.pushes = pushes
        self.asked: list[str] = []

    def query(self, query: str, at: float | None) -> QueryResponse:
        assert at is not None
        self.asked.append(query)
        latest = {
            instance: max(shown)
            for instance, stamps in self.pushes.items()
            if (shown := [each for each in stamps if at - 300 < each <= at])
        }
        result = [
            {"metric": {"instance": instance}, "value": [at, str(stamp)]}
            for instance, stamp in latest.items()
        ]
        return _response({"resultType": "vector", "result": result})


class Garbled(PrometheusClient):
    """A client of something that gives a response of another kind."""

    def query(self, query: str, at: float | None) -> QueryResponse:
        return _response({"resultType": "scalar", "result": [0, "5"]})


def _response(data: object) -> QueryResponse:
    content = json.dumps({"status": "success", "data": data}).encode()
    return QueryResponse(content, [], msgspec.Raw(b"[]"), "")


@dataclass
class Shop:
    """A service that pushes to a backend, and the time on its clock."""

    pushes: dict[str, list[float]]
    declared_s: float = 0.0
    now: float = NOW
    watch: PushWatch = field(init=False)

    def __post_init__(self) -> None:
        targets = ServiceTargets({"shop": "shop"}, pushed={"shop": PushedTarget(self.declared_s)})
        self.watch = PushWatch(Backend(self.shown), targets, lambda: self.now)

    @property
    def shown(self) -> Mapping[str, Sequence[float]]:
        return self.pushes


def _every(step_s: float, number: int = 6, until: float = NOW - 2) -> list[float]:
    return [until - each * step_s for each in range(number)][::-1]


def test_the_interval_is_measured_by_pushes_that_the_backend_has_already() -> None:
    shop = Shop({"a": _every(EVERY_S)})
    shop.watch.learn()
    assert shop.watch.interval_s == EVERY_S
    assert shop.watch.has_baseline()


def test_the_slowest_instance_and_service_set_the_pace() -> None:
    shop = Shop({"a": _every(EVERY_S), "b": _every(3 * EVERY_S)})
    shop.watch.learn()
    assert (shop.watch.interval_s, shop.watch.slowest) == (3 * EVERY_S, "shop")


def test_the_pushes_of_many_instances_at_different_moments_are_looked_up_in_few_queries() -> None:
    shop = Shop({str(each): _every(EVERY_S, until=NOW - each / 5) for each in range(50)})
    shop.watch.learn()
    client = shop.watch.client
    assert isinstance(client, Backend)
    assert len(client.asked) < 25
    assert shop.watch.interval_s == EVERY_S
    assert shop.watch.has_baseline()


def test_one_push_that_came_twice_as_late_does_not_change_the_interval() -> None:
    shop = Shop({"a": [*_every(EVERY_S, 4, NOW - 22), NOW - 2]})
    shop.watch.learn()
    assert shop.watch.interval_s == EVERY_S


def test_an_interval_that_is_declared_is_not_measured() -> None:
    shop = Shop({"a": _every(7.0)}, declared_s=EVERY_S)
    shop.watch.learn()
    assert shop.watch.interval_s == EVERY_S


@pytest.mark.parametrize("pushes", [{}, {"a": [NOW - 2]}])
def test_without_two_pushes_there_is_no_baseline_and_no_interval(
    pushes: dict[str, list[float]],
) -> None:
    shop = Shop(pushes)
    shop.watch.learn()
    assert (shop.watch.interval_s, shop.watch.slowest) == (0.0, "")
    assert not shop.watch.has_baseline()


def test_a_baseline_is_there_once_each_instance_that_is_up_has_pushed_twice() -> None:
    shop = Shop({"a": _every(EVERY_S), "b": [NOW - 1], "gone": _every(EVERY_S, until=NOW - 90)})
    shop.watch.learn()
    assert not shop.watch.has_baseline()
    shop.pushes["b"].append(NOW + 9)
    shop.now = NOW + 9.5
    assert shop.watch.has_baseline()


def _begun(shop: Shop, folder: Path) -> PushWatch:
    shop.watch.learn()
    orders = counted("orders", prometheus="orders_total")
    shop.watch.begin(shop.now, [orders], RunFolder(folder))
    return shop.watch


def test_all_have_settled_after_two_pushes_that_are_an_interval_younger(tmp_path: Path) -> None:
    shop = Shop({"a": _every(EVERY_S)})
    watch, end = _begun(shop, tmp_path), NOW + 5
    settled = []
    for at in (8.0, 18.0, 28.0):
        shop.pushes["a"].append(NOW + at)
        shop.now = NOW + at
        settled.append(watch.have_settled(end))
    assert settled == [False, False, True]
    assert watch.have_pushed_since(NOW + 20)
    assert not watch.have_pushed_since(NOW + 29)


def test_an_instance_that_stopped_pushing_is_waited_for_no_longer(tmp_path: Path) -> None:
    shop = Shop({"a": _every(EVERY_S), "b": _every(EVERY_S)})
    watch = _begun(shop, tmp_path)
    settled = []
    for at in (9.0, 19.0, 29.0):
        shop.pushes["a"].append(NOW + at)
        shop.now = NOW + at
        settled.append(watch.have_settled(NOW - 1))
    assert settled == [False, False, True]
    assert watch.pushes_of("shop")["a"].stamps[-3] > NOW - 1 + 0.9 * EVERY_S


def test_a_service_of_which_nothing_is_pushed_any_more_never_settles(tmp_path: Path) -> None:
    shop = Shop({"a": _every(EVERY_S)})
    watch = _begun(shop, tmp_path)
    shop.now = NOW + 100
    assert not watch.have_settled(NOW + 5)


def test_a_clock_that_is_ahead_is_seen_by_stamps_of_the_future(tmp_path: Path) -> None:
    shop = Shop({"a": [each + 30 for each in _every(EVERY_S)]})
    (pushes,) = _begun(shop, tmp_path).by_target().values()
    assert pushes.ahead_s == pytest.approx(28.0)
    assert pushes.settled_from(NOW + 5) >= NOW + 5 + 28


@pytest.mark.parametrize("ahead_s", [70.0, 250.0, 900.0])
def test_a_clock_that_is_minutes_ahead_makes_nothing_of_its_pushes(
    tmp_path: Path, ahead_s: float
) -> None:
    """What is stamped after the last response may have been collected long before it."""
    shop = Shop({"a": [each + ahead_s for each in _every(EVERY_S, number=120)]})
    with pytest.raises(ClockSet, match="shop pushes samples of the future"):
        _begun(shop, tmp_path)


def test_the_series_that_were_pushed_before_the_run_are_kept(tmp_path: Path) -> None:
    shop = Shop({"a": _every(EVERY_S)})
    client = shop.watch.client
    _begun(shop, tmp_path)
    assert isinstance(client, Backend)
    assert 'last_over_time(orders_total{job=~"shop"}[90000s])' in client.asked
    assert next(tmp_path.rglob("history-orders.json")).read_bytes()


def test_what_was_shown_before_is_not_what_is_shown_since(tmp_path: Path) -> None:
    shop = Shop({"a": _every(EVERY_S)})
    watch = _begun(shop, tmp_path)
    shop.pushes["a"] += [NOW + 8, NOW + 18]
    shop.now = NOW + 18
    watch.observe()
    watch.write(RunFolder(tmp_path))
    (pushes,) = watch.pushes_of("shop").values()
    assert pushes.until == NOW - 2
    assert list(pushes.since) == [NOW + 18]
    kept: dict[str, Any] = json.loads(next(tmp_path.rglob("pushes-shop.json")).read_bytes())
    assert [each["is_before"] for each in kept["responses"]] == [True] * 4 + [False]


def test_a_response_of_another_kind_is_an_error_of_the_backend() -> None:
    client = Garbled(Prometheus(url=nobody_listens_at()))
    targets = ServiceTargets({"shop": "shop"}, pushed={"shop": PushedTarget()})
    with pytest.raises(PrometheusDown, match="instants"):
        PushWatch(client, targets, lambda: NOW).learn()


def test_the_poll_is_a_twentieth_of_the_interval_within_bounds() -> None:
    polls = [Shop({}, declared_s=each).watch.poll_s for each in (0.2, 10.0, 60.0)]
    assert polls == [0.05, 0.5, 1.0]
