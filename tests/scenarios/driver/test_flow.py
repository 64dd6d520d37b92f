"""Whether the compiled flow tells what each iteration does, and keeps what set-up saved."""

from pathlib import Path

from config.environment import Environment
from config.services import Service
from scenarios.driver.arrivals import LoadPart
from scenarios.driver.flow import Flow
from scenarios.driver.flow_compiler import compile_flow
from scenarios.language.reader import read_scenario

HERE = Environment(environment="here", services={"shop": Service(url="http://127.0.0.1:9")})
FLOWS = """
scenario: shop
flows:
  buy: {share: 2, steps: [{step: buy, request: GET shop /buy}, {step: pay, request: GET shop /pay}]}
  look: {share: 1, steps: [{step: look, request: GET shop /look}]}
profiles:
  once: {users: 1, iterations: 1}
"""


def flow_of(folder: Path) -> Flow:
    path = folder / "shop.yaml"
    path.write_text(FLOWS)
    return compile_flow(read_scenario(path), HERE, "run-1", "acme")


def test_steps_are_numbered_over_all_flows_in_the_order_of_the_file(tmp_path: Path) -> None:
    flow = flow_of(tmp_path)
    assert flow.step_names == ("buy", "pay", "look")
    assert [step.number for step in flow.steps] == [0, 1, 2]


def test_the_parts_of_a_load_together_do_each_flow_as_often_as_its_share(tmp_path: Path) -> None:
    flow = flow_of(tmp_path)
    parts = [LoadPart(index, 3) for index in range(3)]
    done = [
        flow.journeys.index(Flow(**{**vars(flow), "part": part}).journey_of(iteration))
        for iteration in (1, 2, 3, 4)
        for part in parts
    ]
    assert (done.count(0), done.count(1)) == (8, 4)


def test_what_the_set_up_saved_is_known_and_a_secret_is_redacted(tmp_path: Path) -> None:
    flow = Flow(**{**vars(flow_of(tmp_path)), "secret_variables": frozenset({"token"})})
    flow.share({"token": "t0p-s3cret-value", "shop_id": "s1"})
    assert flow.shared == {"token": "t0p-s3cret-value", "shop_id": "s1"}
    assert "t0p-s3cret-value" in flow.secrets
    assert "s1" not in flow.secrets
