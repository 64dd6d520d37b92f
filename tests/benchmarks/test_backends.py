import json
from pathlib import Path

import pytest

from benchmarks.backends import environment_of, scenario_of
from config.environment import read_environment
from scenarios.language.reader import read_scenario


@pytest.mark.parametrize("ports", [[8001], [8001, 8002, 8003]])
def test_a_run_could_begin_with_the_files_of_each_set_up(tmp_path: Path, ports: list[int]) -> None:
    settings, flow = tmp_path / "environment.yaml", tmp_path / "scenario.yaml"
    settings.write_text(json.dumps(environment_of("shops", tmp_path, ports, "http://127.0.0.1:9")))
    environment = read_environment(settings)
    flow.write_text(json.dumps(scenario_of(list(environment.services))))
    scenario = read_scenario(flow)
    assert len(scenario.quantities) == len(environment.services) == len(ports)
    assert {each.job for each in environment.services.values()} == {"shops"}
