import json
import signal
from pathlib import Path
from typing import Any

import pytest

from benchmarks.replicas import Deployment, one_run, prometheus, summary, wrong_figures


def _row(low: float | None, high: float | None) -> dict[str, Any]:
    figures = {"prometheus": {"low": low, "high": high}}
    return {"labels": {"kind": "tea"}, "figures": figures, "client": {"confirmed": 20}}


@pytest.mark.parametrize(
    ("low", "high", "is_wrong", "is_wrong_if_exact"),
    [
        (20, 20, False, False),
        (18, None, False, True),
        (None, 25, False, True),
        (None, None, False, True),
        (21, None, True, True),
        (None, 19, True, True),
        (19, 19, True, True),
    ],
)
def test_a_figure_is_wrong_where_the_truth_is_not_in_it(
    low: float | None, high: float | None, is_wrong: bool, is_wrong_if_exact: bool
) -> None:
    result = {"usage": [_row(low, high)]}
    assert bool(wrong_figures(result, {"tea": 20})) is is_wrong
    assert bool(wrong_figures(result, {"tea": 20}, is_exact=True)) is is_wrong_if_exact


def test_the_summary_has_the_truth_and_the_range_of_each_figure() -> None:
    result = {"usage": [_row(18, None)]}
    assert summary(result, {"tea": 20}) == "tea 20 (client 20): prometheus 18–…"


@pytest.mark.long
@pytest.mark.parametrize("ending", [signal.SIGKILL, None], ids=["killed", "stay"])
def test_a_service_that_is_scaled_during_a_load_is_never_accused(
    tmp_path: Path, ending: signal.Signals | None
) -> None:
    with prometheus(tmp_path, "1s") as url:
        result, truth = one_run(tmp_path / "run", url, ending, reachable=True)
    assert wrong_figures(result, truth, is_exact=ending is None) == []
    assert result["verdict"] != "fail"


@pytest.mark.long
def test_replicas_are_published_until_they_are_stopped(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    deployment = Deployment(folder, "staging")
    deployment.start(2)
    (group,) = json.loads((tmp_path / "targets-staging.json").read_text())
    assert (len(group["targets"]), group["labels"]) == (2, {"env": "staging"})
    deployment.use()
    deployment.stop(2, signal.SIGTERM)
    (group,) = json.loads((tmp_path / "targets-staging.json").read_text())
    assert group["targets"] == []
    assert deployment.truth == {"tea": 1}
