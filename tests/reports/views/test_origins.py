from checks.observations import QuantityOrigin
from reports.views.origins import origin_rows
from tests.reports.results import good_result
from witnesses.model import Source


def _asked(*places: tuple[str, str]) -> str:
    origin = QuantityOrigin("uses", ("ask", "ask again"), {"service": Source(places, "uses_total")})
    (row,) = origin_rows(good_result(origins=(origin,)))
    assert (row.quantity, row.steps, row.witness) == ("uses", "ask, ask again", "service")
    assert row.query == "uses_total"
    return row.asked


def test_a_place_has_its_name_and_its_address_without_a_password() -> None:
    assert _asked(("shop", "http://ada:s3cret@shop:80/metrics"), ("main", "")) == (
        "shop http://shop:80/metrics, main"
    )


def test_what_asked_nothing_says_so() -> None:
    assert _asked() == "nothing"


def test_of_many_places_the_first_are_named() -> None:
    asked = _asked(*((f"shop-{number}", "") for number in range(40)))
    assert asked == "shop-0, shop-1, shop-2, shop-3, shop-4, 35 more"
