import pytest

from tests.witnesses.counted_quantities import counted, uses_by_kind


def test_the_selector_of_a_run_is_of_its_own_tenant() -> None:
    quantity = uses_by_kind(tenant="globex")
    assert quantity.selector_text == 'uses_total{tenant="globex"}'
    assert quantity.selector.selects("uses_total", {"tenant": "globex"})
    assert not quantity.selector.selects("uses_total", {"tenant": "acme"})


def test_a_quantity_without_a_selector_selects_no_text() -> None:
    assert counted(database={"main": "SELECT 1"}).selector_text == ""


def test_labels_are_in_the_order_of_the_scenario() -> None:
    assert counted(by=["kind", "card"]).labels == ("kind", "card")


@pytest.mark.parametrize(
    ("shared", "is_exclusive", "has_other_traffic"),
    [(False, False, False), (False, True, False), (True, True, False), (True, False, True)],
)
def test_others_count_only_on_what_is_shared_in_an_environment_that_is_not_ours_alone(
    shared: bool, is_exclusive: bool, has_other_traffic: bool
) -> None:
    quantity = uses_by_kind(shared=shared, is_exclusive=is_exclusive)
    assert quantity.has_other_traffic is has_other_traffic
