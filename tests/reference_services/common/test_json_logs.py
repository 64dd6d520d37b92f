"""Tests of the structured log."""

import json
import logging
import socket
import subprocess
import sys
from sys import exc_info

import httpx
import pytest

from reference_services.common.json_logs import JsonFormatter, configure_logs
from tests.reference_services.databases import Databases, read_rows
from tests.reference_services.services import as_tenant


@pytest.mark.core
@pytest.mark.long
def test_a_process_is_configured_by_its_environment_and_logs_each_request_as_json(
    databases: Databases, tenant: str
) -> None:
    """The socket listens before the process runs, so a request waits until it is served."""
    database_url = databases.url_of("cards")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        arguments = ["--factory", "reference_services.cards.app:create_app", "--no-access-log"]
        process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", *arguments, "--fd", str(listener.fileno())],
            pass_fds=[listener.fileno()],
            env={"DATABASE_URL": database_url, "LOG_LEVEL": "info"},
            stderr=subprocess.PIPE,
            text=True,
        )
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/api/v1/cards/retrieve?card_ids=a"
        httpx.get(url, headers=as_tenant(tenant, x_trace_id="trace-9"), timeout=60)
        process.terminate()
        _, log = process.communicate(timeout=60)
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    assert len(lines) == 1
    assert lines[0]["duration_ms"] > 0
    wanted = {
        "service": "cards",
        "method": "GET",
        "route": "/api/v1/cards/retrieve",
        "status": 200,
        "trace_id": "trace-9",
        "tenant": tenant,
    }
    assert wanted.items() <= lines[0].items()
    assert read_rows(database_url, "SELECT count(*) FROM cards") == [(0,)]


def test_fields_and_traceback_are_part_of_the_same_line() -> None:
    formatter = JsonFormatter("cards")
    try:
        raise ValueError("broken\nin two lines")
    except ValueError:
        record = logging.LogRecord("x", 40, "f.py", 1, "it %s", ("failed",), exc_info())
    record.fields = {"tenant": "t"}
    text = formatter.format(record)
    line = json.loads(text)
    assert "\n" not in text
    assert (line["event"], line["level"], line["tenant"]) == ("it failed", "ERROR", "t")
    assert "ValueError: broken" in line["traceback"]


def test_a_second_configuration_replaces_the_first(capsys: pytest.CaptureFixture[str]) -> None:
    log = logging.getLogger("reference_services.test")
    configure_logs("cards", "INFO", log)
    configure_logs("workflow", "WARNING", log)
    log.info("left out")
    log.warning("written once")
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(line["event"], line["service"]) for line in lines] == [("written once", "workflow")]
