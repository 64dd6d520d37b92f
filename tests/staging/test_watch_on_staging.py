from pathlib import Path

import pytest

from benchmarks.watch import SERVICE, watch_outage
from tests.patience import HANGS_S
from tests.staging.stack import staging

pytestmark = [pytest.mark.long, pytest.mark.stack, pytest.mark.timeout(HANGS_S)]

_MOST_OFF_S = 0.6


def test_an_outage_is_reported_with_its_start_end_and_cost(tmp_path: Path) -> None:
    """`python -m benchmarks.watch` runs the same over ten minutes, with 30 s of downtime."""
    with staging(tmp_path, "5s") as deployment:
        truth_s, result = watch_outage(deployment, "30s", 30.0, 5.0)
    rows = {row["service"]: row for row in result["availability"]}
    # A look that a busy machine holds up makes the interval wider, and says so.
    half_s = (rows[SERVICE]["down_high_s"] - rows[SERVICE]["down_low_s"]) / 2
    most_off_s = max(_MOST_OFF_S, half_s + 0.1)
    assert rows[SERVICE]["down_s"] == pytest.approx(truth_s, abs=most_off_s)
    assert rows[SERVICE]["down_low_s"] <= truth_s + 0.1
    assert truth_s <= rows[SERVICE]["down_high_s"] + 0.1
    assert rows[SERVICE]["budget_s"] == pytest.approx(0.03, abs=0.001)
    assert rows[SERVICE]["verdict"] == "fail"
    (incident,) = rows[SERVICE]["incidents"]
    assert incident["began_at"] < incident["ended_at"]
    assert incident["error"] == "status 502"
    for other in ("cards", "workflow"):
        assert (rows[other]["ratio"], rows[other]["verdict"]) == (1.0, "pass")
    assert result["verdict"] == "fail"
