"""Tests of the card cache: expiry, bounds and isolation of tenants."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reference_services.workflow import card_cache
from reference_services.workflow.card_cache import TENANT_BYTES, TENANTS, CardCache
from reference_services.workflow.models import FetchedCard

TTL_S = 60.0


@dataclass
class VirtualClock:
    """A virtual clock."""

    now_s: float = 1000.0

    def __call__(self) -> float:
        return self.now_s


def card(card_id: str, text: str = "") -> FetchedCard:
    return FetchedCard(card_id=card_id, card_type="voice", content={"text": text})


def cards(*card_ids: str) -> list[FetchedCard]:
    return [card(card_id) for card_id in card_ids]


def keep(cache: CardCache, tenant: str, *found: FetchedCard, missing: Sequence[str] = ()) -> None:
    cache.put(tenant, [*(each.card_id for each in found), *missing], found)


def ids(found: Sequence[FetchedCard]) -> list[str]:
    return [each.card_id for each in found]


def test_a_tenant_that_fetched_nothing_gets_nothing() -> None:
    assert CardCache(TTL_S).get("t", ["a"]) == []


def test_cards_are_returned_in_the_requested_order_without_duplicates() -> None:
    cache = CardCache(TTL_S)
    keep(cache, "t", *cards("a", "b", "c"))
    assert ids(cache.get("t", ["c", "unknown", "a", "c", "b", "a"])) == ["c", "a", "b"]


def test_a_card_expires_after_the_ttl() -> None:
    clock = VirtualClock()
    cache = CardCache(TTL_S, clock)
    keep(cache, "t", card("a"))
    clock.now_s += TTL_S - 1
    keep(cache, "t", card("b"))
    assert ids(cache.get("t", ["a", "b"])) == ["a", "b"]
    clock.now_s += 1
    assert ids(cache.get("t", ["a", "b"])) == ["b"]


def test_a_fetch_renews_the_ttl_of_a_card_and_a_lookup_does_not() -> None:
    clock = VirtualClock()
    cache = CardCache(TTL_S, clock)
    keep(cache, "t", card("a", "old"), card("b", "old"))
    clock.now_s += TTL_S - 1
    keep(cache, "t", card("a", "new"))
    cache.get("t", ["a", "b"])
    clock.now_s += TTL_S - 1
    assert cache.get("t", ["a", "b"]) == [card("a", "new")]


def test_a_card_that_cards_no_longer_has_is_dropped() -> None:
    cache = CardCache(TTL_S)
    keep(cache, "t", *cards("a", "b"))
    keep(cache, "t", card("b"), missing=["a"])
    assert ids(cache.get("t", ["a", "b"])) == ["b"]


def test_a_card_missing_for_one_tenant_stays_with_the_others() -> None:
    cache = CardCache(TTL_S)
    keep(cache, "mine", card("a"))
    keep(cache, "yours", missing=["a"])
    assert ids(cache.get("mine", ["a"])) == ["a"]


def test_the_cards_of_a_tenant_are_bounded_and_the_newest_stay() -> None:
    cache = CardCache(TTL_S)
    big = [card(str(number), "x" * 100_000) for number in range(60)]
    for each in big:
        keep(cache, "t", each)
    found = cache.get("t", ids(big))
    assert TENANT_BYTES // 2 < sum(map(card_cache._size_bytes, found)) <= TENANT_BYTES
    assert found == big[-len(found) :]


def test_a_tenant_at_its_bound_evicts_no_card_of_another() -> None:
    cache = CardCache(TTL_S)
    keep(cache, "small", card("a"))
    for number in range(60):
        keep(cache, "big", card(str(number), "x" * 100_000))
    assert ids(cache.get("small", ["a"])) == ["a"]


def test_a_card_larger_than_the_bound_is_not_stored_and_evicts_nothing() -> None:
    cache = CardCache(TTL_S)
    keep(cache, "t", card("a"))
    keep(cache, "t", card("huge", "x" * TENANT_BYTES), card("b"))
    assert ids(cache.get("t", ["a", "huge", "b"])) == ["a", "b"]


def test_the_least_recently_used_tenant_is_evicted_for_a_new_one() -> None:
    cache = CardCache(TTL_S)
    for number in range(TENANTS):
        keep(cache, str(number), card("a"))
    cache.get("0", ["a"])
    keep(cache, "new", card("a"))
    known = [tenant for tenant in ("0", "1", "2", "new") if cache.get(tenant, ["a"])]
    assert known == ["0", "2", "new"]


_TENANT = st.sampled_from("TUV")
_IDS = st.lists(st.sampled_from("abcd"), min_size=1, max_size=4, unique=True)
_KEEP = st.tuples(st.just("keep"), _TENANT, _IDS, st.sets(st.sampled_from("abcd")))
_WAIT = st.tuples(st.just("wait"), st.sampled_from([1.0, TTL_S / 2, TTL_S]))


@given(st.lists(_KEEP | _WAIT, max_size=30))
def test_a_tenant_gets_only_its_own_unexpired_cards(steps: list[tuple[Any, ...]]) -> None:
    """Each fetch finds some of the requested cards; the text of a card names tenant and fetch."""
    clock = VirtualClock()
    cache = CardCache(TTL_S, clock)
    known: dict[tuple[str, str], tuple[float, FetchedCard]] = {}
    for turn, step in enumerate(steps):
        if step[0] == "wait":
            clock.now_s += step[1]
            continue
        _, tenant, requested, existing = step
        found = [card(each, f"{tenant}{turn}") for each in requested if each in existing]
        cache.put(tenant, requested, found)
        for each in requested:
            known.pop((tenant, each), None)
        known |= {(tenant, each.card_id): (clock.now_s, each) for each in found}
    for tenant in "TUV":
        expected = [
            known[tenant, each][1]
            for each in "dcba"
            if (tenant, each) in known and clock.now_s < known[tenant, each][0] + TTL_S
        ]
        assert cache.get(tenant, "dcba") == expected
