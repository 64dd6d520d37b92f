from pathlib import Path

from benchmarks.engine_tools import (
    K6_SCRIPT,
    amounts_command,
    k6_command,
    project_version,
    trial_balance_command,
)
from config.environment import read_environment
from scenarios.language.reader import read_scenario


def test_the_version_is_read_from_pyproject_toml() -> None:
    assert project_version('[project]\nname = "it"\nversion = "2.3.4"\n') == "2.3.4"
    assert project_version("[project]\n") == "unknown"


def test_the_k6_command_has_variables_and_options_before_the_script() -> None:
    command = k6_command(Path("k6"), {"URL": "http://x"}, "--some")
    assert command[-4:] == ["-e", "URL=http://x", "--some", str(K6_SCRIPT)]


def test_the_scenario_and_its_environment_are_valid_and_match(tmp_path: Path) -> None:
    command = trial_balance_command("http://127.0.0.1:9", 10, 5, tmp_path)
    scenario = read_scenario(Path(command[command.index("--scenario") + 1]))
    environment = read_environment(Path(command[command.index("--environment") + 1]))
    assert [step.expect.status for step in scenario.steps] == [[201], [200], [200]]
    assert {step.request_parts()[1] for step in scenario.steps} <= set(environment.services)


def test_the_scenario_of_amounts_is_valid_and_sends_the_same_requests(tmp_path: Path) -> None:
    scenarios = []
    for build in (trial_balance_command, amounts_command):
        command = build("http://127.0.0.1:9", 10, 5, tmp_path)
        scenarios.append(read_scenario(Path(command[command.index("--scenario") + 1])))
    plain, amounts = scenarios
    assert [step.request for step in amounts.steps] == [step.request for step in plain.steps]
    assert amounts.steps[2].counts == {"cards": {"{{ customers.id }}": "{{ made }}"}}
