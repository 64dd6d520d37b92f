from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from config.environment import Environment
from config.prometheus import Prometheus
from config.services import Service
from tests.patience import HANGS_S
from witnesses.prometheus.client import PrometheusClient, PrometheusDown, QueryResponse
from witnesses.service.discovery import MAX_PAGES, KnownReplica, ReplicaDiscovery

_PAGE = (b"process_start_time_seconds 500.0\n", "")


class _Found(PrometheusClient):
    """A client that knows the targets of a job, by instance and start time; None is down."""

    def __init__(self, targets: Mapping[str, float | None] | None) -> None:
        super().__init__(Prometheus(url="http://127.0.0.1:9090"))
        self.targets = targets

    def active_targets(self) -> Any:
        return [
            {"labels": {"job": "shop", "instance": each}, "scrapeUrl": f"http://{each}/metrics"}
            for each in self.targets or ()
            if "guessed" not in each
        ]

    def query(self, query: str, at: float | None) -> QueryResponse:
        if self.targets is None:
            raise PrometheusDown("Prometheus gave no response")
        values = {each: 1.0 if query.startswith("up") else at for each, at in self.targets.items()}
        response = QueryResponse(b"", [], None, "")  # type: ignore[arg-type]
        response.__dict__["result"] = [
            {"metric": {"instance": each}, "value": [0, str(value)]}
            for each, value in values.items()
            if value is not None
        ]
        return response


def _discovery(
    client: _Found, pages: Callable[[str, str], tuple[bytes, str]] = lambda *_: _PAGE,
    prometheus: str = "http://prometheus.example", wait_s: float = 0.0, **settings: Any,
) -> ReplicaDiscovery:  # fmt: skip
    service = Service(url="http://shop.example", replicas="discovered", **settings)
    environment = Environment(
        environment="test", services={"shop": service}, prometheus=Prometheus(url=prometheus)
    )
    return ReplicaDiscovery(environment, client, pages, wait_s)


def test_replicas_whose_pages_show_the_process_that_is_scraped_are_read() -> None:
    found = _discovery(_Found({"a:80": 500.0, "b:80": 500.4})).discover("shop")
    assert [each.instance for each in found.replicas] == ["a:80", "b:80"]
    assert found.unasked == ""


@pytest.mark.parametrize(
    ("targets", "page", "reason"),
    [
        (None, _PAGE, "Prometheus gave no response"),
        ({}, _PAGE, "Prometheus has no target of its job"),
        ({"a:80": 900.0}, _PAGE, "1 of 1 pages cannot be read: http://a:80/metrics shows another"),
        ({"a:80": None}, (b"", "no route"), "1 of 1 pages cannot be read: no route"),
        ({"localhost:9100": None}, _PAGE, "may be another process: no start time shows"),
        ({"127.0.0.1:9100": 500.0}, (b"up_since 1\n", ""), "may be another process"),
        ({"guessed:80": None}, _PAGE, "may be another process"),
        ({"a b": 500.0}, _PAGE, "the address of a b is none that can be asked"),
        (dict.fromkeys(map(str, range(MAX_PAGES + 1)), 1.0), _PAGE, "it has 201 replicas, and"),
    ],
    ids=range(9),
)
def test_where_one_page_cannot_be_read_or_be_trusted_only_prometheus_is_asked(
    targets: Any, page: tuple[bytes, str], reason: str
) -> None:
    assert reason in _discovery(_Found(targets), lambda *_: page).discover("shop").unasked


@pytest.mark.parametrize("instance", ["a:80", "guessed:80", "localhost:80"])
def test_an_address_is_trusted_once_the_start_time_is_the_targets(instance: str) -> None:
    assert _discovery(_Found({instance: 500.0})).discover("shop").unasked == ""


def test_without_a_start_time_loopback_is_that_of_a_prometheus_on_this_machine() -> None:
    client = _Found({"localhost:80": None})
    page = (b"up_since 1\n", "")
    here = _discovery(client, lambda *_: page, prometheus="http://127.0.0.1:9090")
    assert here.discover("shop").unasked == ""


def test_no_page_is_asked_for_where_the_pages_are_declared_absent() -> None:
    asked: list[str] = []

    def page(_: str, url: str) -> tuple[bytes, str]:
        asked.append(url)
        return _PAGE

    discovery = _discovery(_Found({"a:80": 500.0}), page, metrics="none")
    assert discovery.discover("shop").unasked == "metrics: none"
    assert asked == []


def _instances(replicas: Sequence[KnownReplica]) -> list[tuple[int, str, bool]]:
    return [(each.number, each.instance, each.is_gone) for each in replicas]


def test_replicas_that_come_get_the_next_number_and_those_that_went_keep_theirs() -> None:
    client = _Found({"b:80": 500.0, "c:80": 500.0})
    discovery = _discovery(client)
    first = discovery.replicas_at("shop", is_first=True).replicas
    assert _instances(first) == [(0, "b:80", False), (1, "c:80", False)]
    client.targets = {"a:80": 900.0, "c:80": 500.0}
    later = discovery.replicas_at("shop", is_first=False).replicas
    assert _instances(later) == [(0, "b:80", True), (1, "c:80", False), (2, "a:80", False)]


def test_where_prometheus_went_down_the_replicas_of_before_are_asked() -> None:
    client = _Found({"a:80": 500.0})
    discovery = _discovery(client)
    discovery.replicas_at("shop", is_first=True)
    client.targets = None
    later = discovery.replicas_at("shop", is_first=False)
    assert _instances(later.replicas) == [(0, "a:80", False)]


def test_pages_that_could_not_be_read_before_are_not_asked_for_after() -> None:
    client = _Found({})
    discovery = _discovery(client)
    discovery.replicas_at("shop", is_first=True)
    client.targets = {"a:80": 500.0}
    later = discovery.replicas_at("shop", is_first=False)
    assert (later.replicas, later.unasked) == ((), "Prometheus has no target of its job")


def test_a_replica_that_came_at_an_address_that_cannot_be_asked_is_as_good_as_gone() -> None:
    client = _Found({"a:80": 500.0})
    discovery = _discovery(client)
    discovery.replicas_at("shop", is_first=True)
    client.targets = {"a:80": 500.0, "b c": 900.0}
    later = discovery.replicas_at("shop", is_first=False).replicas
    assert _instances(later) == [(0, "a:80", False), (1, "b c", True)]


def test_a_prometheus_that_has_just_started_is_waited_for_until_it_knows_the_targets() -> None:
    class Started(_Found):
        asked = 0

        def active_targets(self) -> Any:
            self.asked += 1
            self.targets = {"a:80": 500.0} if self.asked > 1 else {}
            return super().active_targets()

    found = _discovery(Started({}), wait_s=HANGS_S).discover("shop")
    assert [each.instance for each in found.replicas] == ["a:80"]
