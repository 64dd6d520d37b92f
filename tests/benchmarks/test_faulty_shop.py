import asyncio
from pathlib import Path

import httpx
import pytest

from benchmarks.faulty_shop import Fault, FaultName, Shop
from tests.virtual_clock import VirtualClock

HEADERS = {"X-Tenant-ID": "acme", "X-Trace-ID": "run-load-1"}


def responses(shop: Shop, orders: int) -> list[httpx.Response]:
    """Send so many orders, one after the other, and ask for the metrics."""

    async def send() -> list[httpx.Response]:
        transport = httpx.ASGITransport(shop.application())
        async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
            sent = [await client.post("/orders", headers=HEADERS) for _ in range(orders)]
            return [*sent, await client.get("/metrics")]

    return asyncio.run(send())


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


def fault_in(folder: Path, name: FaultName, clock: VirtualClock) -> Fault:
    return Fault(name, 40.0, folder / "fault", clock)


def test_a_fault_is_there_between_its_begin_and_its_end_and_notes_both(
    tmp_path: Path, clock: VirtualClock
) -> None:
    fault = fault_in(tmp_path, FaultName.ERRORS, clock)
    assert not fault.is_now(FaultName.ERRORS)
    fault.start_clock()
    seen, start_s = [], clock.s
    for second in (0, 19, 20, 23, 24, 39):
        clock.s = start_s + second
        seen.append(fault.is_now(FaultName.ERRORS))
        assert not fault.is_now(FaultName.STALL)
    assert seen == [False, False, True, True, False, False]
    assert len((tmp_path / "fault").read_text().split()) == 2


@pytest.mark.parametrize(
    ("name", "counted", "stored"),
    [(FaultName.NONE, 8, 8), (FaultName.LOSING_COUNTER, 6, 8), (FaultName.LOSING_ROWS, 8, 6)],
)
def test_a_losing_shop_loses_every_fourth_order(
    tmp_path: Path, clock: VirtualClock, name: FaultName, counted: int, stored: int
) -> None:
    fault = fault_in(tmp_path, name, clock)
    shop = Shop(tmp_path, fault)
    fault.start_clock()
    clock.s += 30.0
    *orders, metrics = responses(shop, 8)
    assert {each.status_code for each in orders} == {201}
    assert f'shop_orders_total{{tenant="acme"}} {counted}.0' in metrics.text
    assert shop.stored() == stored


def test_a_shop_that_fails_counts_nothing(tmp_path: Path, clock: VirtualClock) -> None:
    fault = fault_in(tmp_path, FaultName.ERRORS, clock)
    shop = Shop(tmp_path, fault)
    fault.start_clock()
    clock.s += 21.0
    assert responses(shop, 1)[0].status_code == 503
    assert shop.stored() == 0


def test_a_page_with_an_age_is_taken_once_in_a_while_and_says_when(
    tmp_path: Path, clock: VirtualClock
) -> None:
    shop = Shop(tmp_path, fault_in(tmp_path, FaultName.NONE, clock), page_age_s=1000.0)
    first, second = (responses(shop, orders)[-1].text for orders in (1, 2))
    (line,) = [line for line in first.splitlines() if line.startswith("shop_orders_total")]
    assert line.split()[1] == "1.0"
    assert float(line.split()[2]) > 1e12
    assert second == first
