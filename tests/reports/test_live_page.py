"""The page of a load while it goes on."""

from dataclasses import replace

from reports.live_load import LimitSoFar, LoadSnapshot
from reports.live_page import render_live_page, thinned


def snapshots_of(count: int) -> list[LoadSnapshot]:
    return [
        LoadSnapshot(
            "benchmark", 10 * number, 6000, float(number), 9.0, 10.0,
            requests={"benchmark": 30 * number}, failed={"benchmark": number // 2},
            limits=[LimitSoFar("ask <b>", 0.1 * number, 2.5)],
        )
        for number in range(1, count + 1)
    ]  # fmt: skip


def test_the_page_has_the_newest_figures_and_a_curve_of_each() -> None:
    page = render_live_page("shop on test", snapshots_of(9))
    assert "90 of 6,000 in 9 s" in page
    assert page.count("<svg") == 3
    assert "ask &lt;b&gt;" in page
    assert "<b>" not in page.partition("<main")[2].replace("&lt;b&gt;", "")


def test_before_a_load_the_page_says_so() -> None:
    page = render_live_page("shop on test", [])
    assert "No load is running." in page
    assert "<svg" not in page


def test_a_long_load_is_thinned_to_its_newest_moment() -> None:
    snapshots = snapshots_of(10_000)
    kept = thinned(snapshots)
    assert len(kept) <= 300
    assert kept[-1] is snapshots[-1]
    assert [each.ended for each in kept] == sorted(each.ended for each in kept)
    assert thinned(snapshots[:5]) == snapshots[:5]


def test_of_many_steps_those_nearest_to_their_limit_have_a_curve() -> None:
    limits = [LimitSoFar(f"step {number}", 0.01 * number, 2.5) for number in range(1, 201)]
    page = render_live_page("shop", [replace(snapshots_of(1)[0], limits=limits)])
    assert page.count("<svg") == 10
    assert "step 200" in page
    assert "step 1<" not in page
