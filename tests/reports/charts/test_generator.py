from pathlib import Path

from reports.charts import generator
from reports.charts.source import ChartSource
from tests.evidence_factory import case_of
from tests.reports.charts.conftest import SourceOf
from tests.reports.charts.made_runs import Shape
from tests.reports.charts.specs import only_chart, only_reason
from tests.reports.results import good_result


def test_a_saturated_generator_took_the_time(run_of: SourceOf) -> None:
    sentence = only_chart(generator.charts(run_of(Shape(saturated_from_s=200.0)))).sentence
    assert "from 17:54:55 UTC on, p99 of the lag is 4.99" in sentence
    assert "the load generator, not the service, took 9" in sentence


def test_a_stalled_service_took_the_time(run_of: SourceOf) -> None:
    sentence = only_chart(generator.charts(run_of(Shape(stall_at_s=150.0)))).sentence
    assert "the service and the network took 9" in sentence


def test_without_requests_there_is_the_reason(tmp_path: Path) -> None:
    drawn = generator.charts(ChartSource(case_of(tmp_path), good_result()))
    assert only_reason(drawn) == "no request was sent"
