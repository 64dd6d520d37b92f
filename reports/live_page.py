"""The page of a load while it goes on: its newest figures, and curves over time."""

from collections.abc import Sequence

from reports.charts.curve import Curve, draw_curve
from reports.html_template import SizeLimits, render_page
from reports.live_load import LoadSnapshot, snapshot_lines
from reports.vega import BLUE, FAIL

_MOST_POINTS = 300
_MOST_LIMITS = 8


def render_live_page(title: str, snapshots: Sequence[LoadSnapshot]) -> str:
    """Render what is known of a load; without a snapshot, none is running yet."""

    def within(_: SizeLimits) -> dict[str, object]:
        return {
            "title": title,
            "lines": snapshot_lines(snapshots[-1]) if snapshots else [],
            "curves": [(each.title, draw_curve(each)) for each in _curves(thinned(snapshots))],
        }

    return render_page("live.html.j2", within)


def thinned(snapshots: Sequence[LoadSnapshot]) -> Sequence[LoadSnapshot]:
    """Return at most three hundred snapshots, the newest among them."""
    step = -(-len(snapshots) // _MOST_POINTS)
    return snapshots[:: -max(1, step)][::-1]


def _curves(snapshots: Sequence[LoadSnapshot]) -> list[Curve]:
    if not snapshots:
        return []
    at_s = [each.elapsed_s for each in snapshots]
    failed = [float(sum(each.failed.values())) for each in snapshots]
    curves = [
        Curve("Iterations per second", at_s, [each.rate_per_s for each in snapshots], BLUE),
        Curve("Failed requests so far", at_s, failed, FAIL),
    ]
    nearest = sorted(snapshots[-1].limits, key=lambda each: -each.p95_s / each.limit_s)
    for limit in nearest[:_MOST_LIMITS]:
        points = [(each.elapsed_s, found.p95_s) for each in snapshots for found in each.limits
                  if found.step == limit.step]  # fmt: skip
        title = f"p95 so far in seconds, {limit.step}"
        times_s, values = ([point[place] for point in points] for place in (0, 1))
        curves.append(Curve(title, times_s, values, BLUE, limit.limit_s))
    return curves
