import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from commands.up import up, write_environment
from config.environment import read_environment, read_environment_file
from config.errors import ConfigError
from reference_services.stack.local import VARIABLES
from tests.paths import ROOT


def _addresses() -> dict[str, str]:
    """Give each variable of a stack an address of its own."""
    return {
        name: f"sqlite:///{name}.db" if "DATABASE" in name else f"http://127.0.0.1:{port}"
        for port, name in enumerate(VARIABLES, 8_000)
    }


def test_the_environment_of_a_stack_that_stays_up_needs_no_variable(tmp_path: Path) -> None:
    addresses = _addresses()
    environment = read_environment(write_environment(tmp_path, addresses), {})
    assert {name: each.url for name, each in environment.services.items()} == {
        name: addresses[f"{name.upper()}_URL"] for name in ("onboarding", "cards", "workflow")
    }
    cards = environment.services["cards"]
    assert cards.metrics_urls() == [addresses["CARDS_METRICS"]]
    assert environment.databases["workflow"] == addresses["WORKFLOW_DATABASE_URL"]
    assert environment.prometheus is not None
    assert environment.prometheus.url == addresses["PROMETHEUS_URL"]


def test_a_run_in_that_environment_starts_no_stack_of_its_own(tmp_path: Path) -> None:
    file = write_environment(tmp_path, _addresses())
    assert (file.parent, read_environment_file(file).starts_stack) == (tmp_path, False)
    assert "stack:" not in file.read_text()


def test_what_is_no_address_stays_as_the_local_environment_has_it(tmp_path: Path) -> None:
    environment = read_environment(write_environment(tmp_path, _addresses()), {})
    local = read_environment(ROOT / "config" / "local.yaml", _addresses())
    assert environment.model_dump() == {**local.model_dump(), "stack": None}


def test_an_unknown_fault_is_refused_before_anything_is_started(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="did you mean slow-tail"):
        up(tmp_path / "runs", "slow-tale", as_json=False)
    assert not (tmp_path / "runs").exists()


def test_a_stack_that_cannot_be_started_is_a_config_error(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file, where a folder must be")
    with pytest.raises(ConfigError, match="the stack ended while starting"):
        up(tmp_path / "runs", "", as_json=False)


@pytest.mark.core
@pytest.mark.long
@pytest.mark.stack
def test_the_addresses_are_printed_as_variables_and_an_interrupt_stops_all(tmp_path: Path) -> None:
    command = [sys.executable, "run.py", "up", "--runs", str(tmp_path / "runs")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            lines = [process.stdout.readline().rstrip() for _ in range(len(VARIABLES) + 2)]
            others = psutil.Process(process.pid).children(recursive=True)
            process.send_signal(signal.SIGINT)
            assert process.wait(120) == 0
        finally:
            process.kill()
    assert {line.partition("=")[0] for line in lines[:-2]} == set(VARIABLES)
    (file,) = (tmp_path / "runs").glob("up-*/environment.yaml")
    assert lines[-2].endswith(f"run.py e2e --env {file}")
    assert len(others) >= 4
    assert psutil.wait_procs(others, timeout=120)[1] == []
