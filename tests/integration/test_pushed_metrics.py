"""Runs whose metrics nothing scrapes: real backends, and a shop that pushes to them."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path

import pytest

from tests.integration.command import Ended, Start, client_figure
from tests.integration.otlp_receiver import CUMULATIVE, otlp_receiver
from tests.integration.pushing_shop import (
    Export,
    Fault,
    export_otlp,
    import_lines,
    import_text,
    pushing_shop,
)
from tests.integration.real_prometheus import configured_prometheus, real_victoria

pytestmark = pytest.mark.long

ORDERS = 20
DELTA = 1
SCENARIO = """
scenario: shop
quantities:
  orders: {by: [kind], prometheus: orders_total}
flow:
  - {step: order tea, request: POST shop /orders, json: {kind: tea}, counts: {orders: {tea: 1}}}
profiles:
  load: {users: 2, iterations: 20}
checks: {success_rate: 100%}
"""
ENVIRONMENT = """
environment: pushed
services:
  shop: {{url: "{shop}", pushed: {pushed}}}
prometheus: {{url: "{backend}"}}
load: {{allowed: true}}
exclusive: true
"""


class Way(StrEnum):
    """How the shop's metrics come to the backend that is queried."""

    IMPORT_TEXT = "VictoriaMetrics' import of expositions"
    IMPORT_LINES = "VictoriaMetrics' import of JSON lines"
    OTLP = "OTLP into Prometheus"


@contextmanager
def _backend(way: Way, folder: Path, temporality: int) -> Iterator[tuple[str, Export]]:
    """Yield the address to query, and how to export to it."""
    if way is Way.OTLP:
        config = folder / "prometheus.yaml"
        config.write_text("scrape_configs: []\n")
        receives = "--web.enable-remote-write-receiver"
        with (
            configured_prometheus(folder, config, receives) as url,
            otlp_receiver(url) as endpoint,
        ):
            yield url, export_otlp(endpoint, temporality)
        return
    with real_victoria(folder) as url:
        yield url, import_text(url) if way is Way.IMPORT_TEXT else import_lines(url)


def _run(
    start: Start, folder: Path, way: Way, fault: Fault = Fault.NONE, every_s: float = 1.0,
    declared: str = "true", temporality: int = CUMULATIVE,
) -> Ended:  # fmt: skip
    label = "job_label: service_name" if way is Way.IMPORT_LINES else ""
    every = f"every: {declared}" if declared != "true" else ""
    settings = ", ".join(filter(None, (label, every)))
    pushed = f"{{{settings}}}" if settings else "true"
    scenario, environment = folder / "s.yaml", folder / "e.yaml"
    scenario.write_text(SCENARIO)
    with (
        _backend(way, folder, temporality) as (backend, export),
        pushing_shop(export, every_s, fault) as shop,
    ):
        environment.write_text(ENVIRONMENT.format(shop=shop, backend=backend, pushed=pushed))
        return start(
            "load", "--profile", "load", "--env", str(environment), "--scenario", str(scenario)
        ).wait()


def _figure(ended: Ended, kind: str = "tea") -> float | None:
    (row,) = (each for each in ended.rows("orders") if each["labels"] == {"kind": kind})
    figure = row["figures"]["prometheus"]
    assert figure["low"] == figure["high"]
    value: float | None = figure["low"]
    return value


@pytest.mark.parametrize("way", Way)
def test_what_was_pushed_balances(start: Start, tmp_path: Path, way: Way) -> None:
    ended = _run(start, tmp_path, way)
    assert ended.code == 0, ended.stdout + ended.stderr
    assert _figure(ended) == ORDERS
    assert ended.rows("orders")[0]["client"] == client_figure(ORDERS)
    assert ended.finding("precondition/pushed/shop")["verdict"] == "pass"
    assert "shop pushes its metrics every" in ended.stderr


@pytest.mark.parametrize(
    ("fault", "counted", "code"),
    [
        (Fault.LOST, ORDERS - 1, "LOST_COUNT"),
        (Fault.DOUBLED, ORDERS + 1, "DOUBLE_COUNT"),
        (Fault.WRONG_LABEL, ORDERS - 1, "WRONG_LABEL"),
    ],
)
@pytest.mark.parametrize("way", Way)
def test_a_fault_of_one_order_is_found(
    start: Start, tmp_path: Path, way: Way, fault: Fault, counted: int, code: str
) -> None:
    ended = _run(start, tmp_path, way, fault)
    assert ended.code == 1, ended.stdout + ended.stderr
    assert _figure(ended) == counted
    assert ended.rows("orders")[0]["code"] == code


@pytest.mark.parametrize(
    ("fault", "code"), [(Fault.REPLACED, "COUNTER_RESET"), (Fault.CHANGES_ONLY, "SCRAPE_GAP")]
)
def test_what_pushes_cannot_show_is_inconclusive_and_no_loss(
    start: Start, tmp_path: Path, fault: Fault, code: str
) -> None:
    ended = _run(start, tmp_path, Way.OTLP, fault)
    assert ended.code == 3, ended.stdout + ended.stderr
    assert {each["code"] for each in ended.rows("orders") if each["labels"]["kind"] == "tea"} == {
        code
    }


@pytest.mark.parametrize("declared", ["true", "5s"], ids=["measured", "declared"])
def test_a_long_interval_is_waited_for_and_announced(
    start: Start, tmp_path: Path, declared: str
) -> None:
    """The whole load lies between two exports, as a short one does between those of a minute."""
    ended = _run(start, tmp_path, Way.IMPORT_TEXT, every_s=5.0, declared=declared)
    assert ended.code == 0, ended.stdout + ended.stderr
    assert _figure(ended) == ORDERS
    assert "settling takes about 15 s" in ended.stderr
    assert 14.9 < ended.result["deployment"]["settling_s"] < 16


def test_what_is_judged_again_is_the_same(start: Start, tmp_path: Path) -> None:
    ended = _run(start, tmp_path, Way.IMPORT_TEXT)
    again = start("check", str(ended.folder)).wait()
    assert again.code == 0
    assert again.result["usage"] == ended.result["usage"]


def test_delta_temporality_is_refused_by_the_receiver_and_nothing_passes(
    start: Start, tmp_path: Path
) -> None:
    ended = _run(start, tmp_path, Way.OTLP, declared="1s", temporality=DELTA)
    assert ended.code == 3, ended.stdout + ended.stderr
    finding = ended.finding("precondition/pushed/shop")
    assert (finding["verdict"], finding["observed"]) == (
        "inconclusive",
        "nothing was pushed with its job",
    )


def test_an_exporter_that_is_slower_than_declared_is_no_loss(start: Start, tmp_path: Path) -> None:
    """The run does not wait for exports that come once a minute instead of once a second."""
    ended = _run(start, tmp_path, Way.IMPORT_TEXT, every_s=60.0, declared="1s")
    assert ended.code == 3, ended.stdout + ended.stderr
    assert {each["code"] for each in ended.rows("orders")} <= {"SCRAPE_GAP", "WITNESS_DOWN"}
