"""What a run refuses before its load: a scenario that its witnesses show to be wrong."""

import json
from pathlib import Path

import pytest
import typer

from commands.run import run
from commands.shared.run_setup import plan_of
from config.errors import ConfigError
from tests.counting_shop import METRIC, counting_shop
from tests.tiny_server import Canned

_REFUSED = "s.yaml:6: the database 'main' refuses the query"
_UNLABELLED = f"no series of {METRIC} has the label"
_REJECTED = Canned(
    '{"status": "error", "errorType": "bad_data", "error": "1:5: unknown name"}', 400
)


def problems_of_run(
    folder: Path, old: str, new: str, answers: dict[str, Canned] | None = None
) -> list[str]:
    """Run `e2e` on a wrong scenario; return its problems. Nothing may have been sent."""
    with counting_shop(folder, old, new, answers) as shop:
        plan = plan_of(
            "e2e", str(shop.environment), str(shop.scenario), ("e2e",), folder / "runs", ""
        )
        with pytest.raises(ConfigError) as error:
            run(plan, as_json=True)
        assert shop.payments == 0
    return str(error.value).replace(f"{folder}/", "").splitlines()


@pytest.mark.parametrize(
    "misspelt", ["shop_payment_total", "shop_paymnets_total", "shop_payments", "payments_total"]
)
def test_a_misspelt_counter_is_a_wrong_scenario_and_never_a_lost_count(
    tmp_path: Path, misspelt: str
) -> None:
    (problem,) = problems_of_run(tmp_path, METRIC, misspelt)
    assert problem == (
        f"s.yaml:5: no service shows {misspelt}, and Prometheus has never seen it; "
        f"did you mean {METRIC}? If {misspelt} is right, send a request that it counts first"
    )


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "FROM payments",
            "FROM payment",
            f"{_REFUSED}: no such",
        ),
        (
            "SELECT kind,",
            "SELECT kinds,",
            f"{_REFUSED}: no such",
        ),
        ("SELECT kind, count", "SELECT count", "s.yaml:6: the query returns 1 columns, and must"),
        ("count(*)", "count(*", f"{_REFUSED}: near"),
        ("by: [kind]", "by: [kinds]", f"s.yaml:4: {_UNLABELLED}"),
        (
            "{tenant=",
            "{tennant=",
            f"s.yaml:5: {_UNLABELLED} tennant",
        ),
    ],
)
def test_a_query_or_label_that_is_wrong_stops_the_run_before_the_load(
    tmp_path: Path, old: str, new: str, expected: str
) -> None:
    (problem,) = problems_of_run(tmp_path, old, new)
    assert problem.startswith(expected)


def test_a_check_that_prometheus_rejects_stops_the_run_with_its_own_message(
    tmp_path: Path,
) -> None:
    answers = {"/api/v1/query?nosuch(errors_total)": _REJECTED}
    (problem,) = problems_of_run(tmp_path, "sum(errors_total)", "nosuch(errors_total)", answers)
    assert problem.startswith("s.yaml:16: Prometheus at http://")
    assert "responded 400: 1:5: unknown name; correct the query" in problem


def test_every_mistake_that_the_witnesses_show_is_reported_at_once(tmp_path: Path) -> None:
    answers = {"/api/v1/query?sum(errors_total)": _REJECTED}
    line = '    database: {main: "SELECT kind, count(*) FROM payments'
    wrong = line.replace("payments", "payment")
    problems = problems_of_run(tmp_path, line, wrong, answers)
    assert [each.partition(": ")[0] for each in problems] == ["s.yaml:6", "s.yaml:16"]


@pytest.mark.parametrize("name", ["shop_refunds_total", "tea_total"])
def test_a_counter_that_nobody_has_seen_yet_is_inconclusive_and_never_a_lost_count(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with counting_shop(tmp_path, METRIC, name) as shop:
        lines = shop.scenario.read_text().splitlines(keepends=True)
        shop.scenario.write_text("".join(line for line in lines if "database:" not in line))
        plan = plan_of(
            "e2e", str(shop.environment), str(shop.scenario), ("e2e",), tmp_path / "runs", ""
        )
        with pytest.raises(typer.Exit) as ended:
            run(plan, as_json=True)
        assert shop.payments == 1
    assert ended.value.exit_code == 3
    result = json.loads(capsys.readouterr().out)
    assert "LOST_COUNT" not in {row["code"] for row in result["usage"]}
