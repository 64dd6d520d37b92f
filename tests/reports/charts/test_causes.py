from datetime import datetime, timedelta

import pytest

from reports.charts.causes import cause_of
from tests.evidence_factory import STARTED_AT
from tests.reports.charts.conftest import SourceOf
from tests.reports.charts.made_runs import Shape


def at(second: float) -> datetime:
    return STARTED_AT + timedelta(seconds=second)


@pytest.mark.parametrize(
    ("shape", "cause"),
    [
        (Shape(slow_s=(120, 180)), "the service and the network took 99."),
        (Shape(saturated_from_s=100.0), "the load generator, not the service, took 9"),
        (Shape(starved_s=(120, 180)), "the load generator did not keep up then (CPU 20.00 % of a "
         "core, event loop up to 0.200 s late), so it is not known whether the service was slow"),
    ],
    ids=["slow", "saturated", "starved"],
)  # fmt: skip
def test_who_took_the_time_is_said(run_of: SourceOf, shape: Shape, cause: str) -> None:
    assert cause_of(run_of(shape), at(120), at(180)).startswith(cause)


def test_a_generator_that_is_starved_at_another_time_is_no_cause(run_of: SourceOf) -> None:
    source = run_of(Shape(starved_s=(120, 180)))
    assert cause_of(source, at(200), at(260)).startswith("the service and the network took 9")


def test_a_moment_without_requests_has_a_cause_without_a_share(run_of: SourceOf) -> None:
    assert cause_of(run_of(Shape()), at(900), at(901)).endswith("the load generator 0.00 %")
