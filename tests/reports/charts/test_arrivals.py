import numpy as np
import pytest

from reports.charts import arrivals
from tests.reports.charts.conftest import SourceOf
from tests.reports.charts.made_runs import Shape
from tests.reports.charts.specs import only_chart


def test_dropped_arrivals_are_dated(run_of: SourceOf) -> None:
    chart = only_chart(arrivals.charts(run_of(Shape(dropped_s=(200, 230)))))
    assert "600 of 6,000 arrivals due were dropped, from 17:53:20 to 17:53:50 UTC" in chart.sentence
    assert sum(int(row[3]) for row in chart.rows) == 600


def test_all_arrivals_due_were_sent(run_of: SourceOf) -> None:
    chart = only_chart(arrivals.charts(run_of(Shape())))
    assert "All 6,000 arrivals due were begun" in chart.sentence
    assert sum(int(row[1]) for row in chart.rows) == sum(int(row[2]) for row in chart.rows) == 6000


@pytest.mark.parametrize("begin_s", [0.22, 0.5, 4.99])
@pytest.mark.parametrize("warm_up_s", [0.0, 10.0])
def test_users_that_start_before_the_load_begins_drop_no_arrival(
    run_of: SourceOf, begin_s: float, warm_up_s: float
) -> None:
    source = run_of(Shape(duration_s=60.0, begin_s=begin_s, warm_up_s=warm_up_s))
    chart = only_chart(arrivals.charts(source))
    assert "All 1,200 arrivals due were begun" in chart.sentence
    assert {row[3] for row in chart.rows} == {"0"}


def test_dropped_arrivals_are_dated_from_when_the_load_began(run_of: SourceOf) -> None:
    chart = only_chart(arrivals.charts(run_of(Shape(dropped_s=(200, 230), begin_s=3.0))))
    assert "600 of 6,000 arrivals due were dropped, from 17:53:23 to 17:53:53 UTC" in chart.sentence


def test_requests_in_flight_are_those_between_due_and_done(run_of: SourceOf) -> None:
    source = run_of(Shape(stall_at_s=150.0))
    chart = only_chart(arrivals.charts(source))
    due_s, done_s = (source.recordings[0].exchanges.column(name) for name in ("due_s", "done_s"))
    counted = [int(((due_s <= at) & (done_s > at)).sum()) for at in due_s]
    assert max(int(row[4]) for row in chart.rows) == max(counted)
    assert np.argmax([int(row[4]) for row in chart.rows]) in (29, 30)


def test_a_closed_model_has_no_arrivals(run_of: SourceOf) -> None:
    assert list(arrivals.charts(run_of(Shape(is_open=False, stall_at_s=150.0)))) == []
