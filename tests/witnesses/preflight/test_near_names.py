import pytest

from witnesses.preflight.near_names import near_name

SHOWN = ["shop_payments_total", "shop_orders_total", "shop_refunds_total", "process_cpu_seconds"]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("shop_payment_total", "shop_payments_total"),
        ("shop_paymnets_total", "shop_payments_total"),
        ("shop_paymentss_total", "shop_payments_total"),
        ("shop_paiments_total", "shop_payments_total"),
        ("shp_payments_total", "shop_payments_total"),
        ("shop_payments", "shop_payments_total"),
        ("shop_payments_count", "shop_payments_total"),
        ("Shop_Payments_Total", "shop_payments_total"),
        ("shoppayments_total", "shop_payments_total"),
        ("shop_pay_ments_total", "shop_payments_total"),
        ("payments_total", "shop_payments_total"),
        ("shop_order_total", "shop_orders_total"),
    ],
)
def test_a_typing_error_is_near_to_the_name_that_is_meant(name: str, meant: str) -> None:
    assert near_name(name, SHOWN) == meant


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("cache_gets_total", "cache_sets_total"),
        ("cache_hits_total", "cache_misses_total"),
        ("errors_4xx_total", "errors_5xx_total"),
        ("shop_orders_total", "shop_refunds_total"),
        ("shop_orders_failed_total", "shop_orders_total"),
        ("payments_total", "failed_payments_total"),
        ("failed_payments_total", "payments_total"),
        ("queue_in_total", "queue_on_total"),
        ("replica_1_total", "replica_2_total"),
        ("uploads_total", "downloads_total"),
        ("node_reads_total", "node_writes_total"),
    ],
)
def test_the_name_of_another_thing_is_not_near(name: str, known: str) -> None:
    assert near_name(name, [known]) == ""


def test_the_nearest_of_several_names_is_returned() -> None:
    known = ["shop_payments_totals", "shop_payments_total", "shop_payment_bytes"]
    assert near_name("shop_payment_total", known) == "shop_payments_total"


def test_a_name_may_lack_the_name_of_its_service() -> None:
    assert near_name("payments_total", ["shop_payments_total"]) == ""
    assert near_name("payments_total", ["shop_payments_total"], ["shop"]) == "shop_payments_total"
