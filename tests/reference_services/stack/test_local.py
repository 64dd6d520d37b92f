"""Tests of the local stack as a context manager."""

from pathlib import Path

import httpx
import psutil
import pytest

from reference_services.stack.local import VARIABLES, local_stack


@pytest.mark.core
@pytest.mark.long
@pytest.mark.stack
def test_a_normal_stack_reports_every_address_and_has_no_proxy(tmp_path: Path) -> None:
    with local_stack(tmp_path) as variables:
        assert set(variables) == set(VARIABLES)
        for name in ("CARDS", "ONBOARDING", "WORKFLOW"):
            assert variables[f"{name}_METRICS"] == f"{variables[f'{name}_URL']}/metrics"
            service = psutil.Process(int(variables[f"{name}_PID"]))
            listening = {each.laddr.port for each in service.net_connections("tcp")}
            assert httpx.URL(variables[f"{name}_URL"]).port in listening
    assert not list(tmp_path.glob("*proxy*"))
