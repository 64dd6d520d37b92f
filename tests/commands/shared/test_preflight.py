from pathlib import Path

import pytest

from commands.shared.preflight import problems_of, refuse_wrong_scenario
from config.environment import Environment, read_environment
from config.errors import ConfigError
from config.services import Service
from scenarios.language.reader import read_scenario
from tests.counting_shop import SCENARIO, counting_shop
from witnesses.preflight.inspection import Inspection, Outcome

_PLACES = {
    Outcome.FOUND: ("quantities", "payments", "by"),
    Outcome.WRONG: ("quantities", "payments", "prometheus"),
    Outcome.UNSEEN: ("flow", 0),
    Outcome.DOWN: ("checks", "promql", 0),
}


def _inspections(observed: str, remedy: str = "") -> list[Inspection]:
    return [
        Inspection(place, ("payments",), outcome, observed, remedy)
        for outcome, place in _PLACES.items()
    ]


def _environment(**more: dict[str, str]) -> Environment:
    services = {"shop": Service(url="http://shop.example")}
    return Environment(environment="test", services=services, **more)  # type: ignore[arg-type]


def test_only_what_is_wrong_is_a_problem_with_its_line_and_remedy(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(SCENARIO)
    (problem,) = problems_of(_inspections("nobody has it", "correct it"), path, ())
    assert str(problem) == f"{path}:5: nobody has it; correct it"


def test_a_secret_in_a_message_is_redacted(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(SCENARIO)
    environment = _environment(databases={"main": "postgresql://me:hunter22@db/shop"})
    (problem,) = problems_of(_inspections("refused hunter22"), path, environment.secrets())
    assert "hunter22" not in problem.message


def test_a_scenario_that_the_witnesses_know_is_not_refused(tmp_path: Path) -> None:
    with counting_shop(tmp_path) as shop:
        environment = read_environment(shop.environment)
        refuse_wrong_scenario(read_scenario(shop.scenario), shop.scenario, environment, "acme", ())


def test_a_scenario_with_a_name_that_nobody_has_is_refused(tmp_path: Path) -> None:
    with counting_shop(tmp_path, "by: [kind]", "by: [kinds]") as shop:
        environment = read_environment(shop.environment)
        with pytest.raises(ConfigError, match="did you mean kind"):
            refuse_wrong_scenario(
                read_scenario(shop.scenario), shop.scenario, environment, "acme", ()
            )
