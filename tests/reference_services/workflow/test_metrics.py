"""Tests of the metrics of Workflow."""

import pytest
from prometheus_client import CollectorRegistry

from reference_services.workflow.metrics import WorkflowMetrics
from tests.reference_services.api_requests import execute
from tests.reference_services.services import (
    Stack,
    make_cards,
)


def test_one_execution_moves_every_count_once(stack: Stack, tenant: str) -> None:
    card_ids = make_cards(stack.cards, tenant)
    with stack.workflow.increases() as increase, stack.cards.increases() as at_cards:
        execute(stack.workflow, tenant, card_ids=card_ids)
    mine = {"tenant_id": tenant, "workflow_type": "linkedin_post"}
    labels = mine | {"status": "completed", "context_source": "cards"}
    assert increase("workflow_executions_total", **labels) == 1
    assert increase("workflow_executions_total") == 1
    assert increase("workflow_cards_fetched_total", **mine) == 4
    assert increase("workflow_execution_duration_seconds_count", **mine) == 1
    assert increase("workflow_execution_duration_seconds_bucket", **mine, le="2.5") == 1
    assert increase("workflow_partial_results_total") == 0
    assert at_cards("cards_api_requests_total", endpoint="/retrieve", status="200") == 1
    assert at_cards("cards_api_usage_total", tenant_id=tenant, source="workflow") == 4
    sql = "SELECT DISTINCT workflow_type FROM card_usage WHERE tenant_id = :tenant"
    assert stack.cards.rows(sql, tenant=tenant) == [("linkedin_post",)]


LABELS = {"tenant_id": "t", "workflow_type": "linkedin_post"}


def executions(registry: CollectorRegistry, status: str, source: str) -> float | None:
    labels = LABELS | {"status": status, "context_source": source}
    return registry.get_sample_value("workflow_executions_total", labels)


def test_an_execution_that_raises_is_counted_as_failed_under_its_intended_source() -> None:
    registry = CollectorRegistry()
    metrics = WorkflowMetrics(registry)
    with pytest.raises(ZeroDivisionError), metrics.execution("t", "linkedin_post", "cards"):
        raise ZeroDivisionError
    assert executions(registry, "failed", "cards") == 1
    assert executions(registry, "completed", "cards") is None


def test_an_execution_is_counted_under_the_source_that_it_used() -> None:
    registry = CollectorRegistry()
    with WorkflowMetrics(registry).execution("t", "linkedin_post", "cards") as counted:
        counted.source = "cache"
    assert executions(registry, "completed", "cache") == 1
    assert executions(registry, "completed", "cards") is None
    name = "workflow_execution_duration_seconds_count"
    assert registry.get_sample_value(name, LABELS) == 1
