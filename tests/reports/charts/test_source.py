from pathlib import Path

from reports.charts.source import ChartSource
from scenarios.language.model import ITERATION
from tests.evidence_factory import GOOD, Load, case_of
from tests.reports.charts.conftest import SourceOf
from tests.reports.charts.made_runs import Shape
from tests.reports.results import good_result


def test_the_series_has_each_step_and_the_iteration(run_of: SourceOf) -> None:
    series = run_of(Shape()).series
    assert set(series["step"]) == {"open", "use", ITERATION}
    assert series.groupby("step")["due"].sum().to_dict() == {
        "open": 6000, "use": 6000, ITERATION: 6000
    }  # fmt: skip


def test_only_the_last_phase_is_shown(tmp_path: Path) -> None:
    loads = Load(profile="load"), Load((GOOD,), profile="while", scheduled=None)
    source = ChartSource(case_of(tmp_path, *loads), good_result())
    assert len(source.exchanges) == 2


def test_a_limit_is_that_of_the_step(run_of: SourceOf) -> None:
    source = run_of(Shape())
    assert source.limit_s("use") == 0.5
    assert source.limit_s("nobody") is None
