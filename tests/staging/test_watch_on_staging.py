"""Does a watch tell for how long a service was away, within a thousandth of ten minutes?"""

from pathlib import Path

import pytest

from benchmarks.watch import SERVICE, watched
from tests.patience import HANGS_S
from tests.staging.stack import staging

pytestmark = [pytest.mark.long, pytest.mark.stack, pytest.mark.timeout(HANGS_S)]

_MOST_OFF_S = 0.6


def test_an_outage_is_told_with_its_start_and_end_and_what_it_cost(tmp_path: Path) -> None:
    """The whole of ten minutes with half a minute away: `python -m benchmarks.watch`."""
    with staging(tmp_path, "5s") as made:
        truth_s, result = watched(made, "30s", 30.0, 5.0)
    rows = {row["service"]: row for row in result["availability"]}
    assert rows[SERVICE]["down_s"] == pytest.approx(truth_s, abs=_MOST_OFF_S)
    assert rows[SERVICE]["down_low_s"] <= truth_s + 0.1
    assert truth_s <= rows[SERVICE]["down_high_s"] + 0.1
    assert rows[SERVICE]["budget_s"] == pytest.approx(0.03, abs=0.001)
    assert rows[SERVICE]["verdict"] == "fail"
    (incident,) = rows[SERVICE]["incidents"]
    assert incident["began_at"] < incident["ended_at"]
    assert incident["trouble"] == "status 502"
    for other in ("cards", "workflow"):
        assert (rows[other]["ratio"], rows[other]["verdict"]) == (1.0, "pass")
    assert result["verdict"] == "fail"
