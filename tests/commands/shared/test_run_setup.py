"""The set-up of a run: its plan and how to repeat it, its folder, its record, its services."""

import hashlib
import os
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from commands.shared.run_setup import (
    deployed,
    describe,
    open_run,
    plan_of,
    recorded_headers,
    started_stack,
    variables_of,
    versions,
    versions_of_data,
)
from config.environment import read_environment_file
from config.errors import ConfigError
from config.program import ROOT, typed_command
from scenarios.driver.plan import Plan
from scenarios.language.tables import Table
from tests.commands.shop_plan import ENVIRONMENT, SCENARIO, shop_plan

URL = "http://127.0.0.1:1"


def test_a_plan_is_repeated_by_the_command_of_this_process(tmp_path: Path) -> None:
    assert shop_plan(tmp_path, URL, "first").asked.repeat == typed_command()


def test_a_plan_has_the_profiles_with_what_was_asked_for(tmp_path: Path) -> None:
    plan = shop_plan(tmp_path, URL, "first", "second", iterations=9)
    assert {name: each.iterations for name, each in plan.profiles.items()} == {
        "first": 9,
        "second": 9,
    }
    assert (plan.file.name, plan.scenario.scenario) == ("test", "shop")


def test_every_mistake_of_a_command_is_in_one_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        plan_of("e2e", "nowhere", "usage_tracking", ("weekly",), tmp_path, "")
    found = "\n".join(map(str, refused.value.problems))
    assert len(refused.value.problems) == 2
    assert "no such environment" in found
    assert "no profile is named 'weekly'" in found


def test_only_a_fault_that_the_local_stack_has_can_be_planned(tmp_path: Path) -> None:
    def planned(fault: str) -> str:
        plan = plan_of("nightly", "local", "usage_tracking", ("e2e",), tmp_path, fault)
        return plan.asked.fault

    assert planned("slow-tail") == "slow-tail"
    with pytest.raises(ConfigError, match="did you mean slow-tail"):
        planned("slow-tale")


def _opened(folder: Path) -> Plan:
    return shop_plan(folder, URL, "first")


def test_a_run_is_opened_with_a_folder_and_a_record_of_what_will_be_driven(
    tmp_path: Path,
) -> None:
    plan = _opened(tmp_path)
    folder, run = open_run(plan)
    assert folder.path == tmp_path / "runs" / run.run_id
    assert folder.read_run() == run
    assert (folder.evidence / "scenario.yaml").read_text() == SCENARIO
    assert (folder.evidence / "environment.yaml").read_text() == ENVIRONMENT % URL
    assert run.scenario_sha256 == hashlib.sha256(SCENARIO.encode()).hexdigest()
    assert (run.environment, run.scenario, run.fault) == ("test", "shop", None)
    assert run.repeat == plan.asked.repeat
    assert (run.phases, run.finished_at) == ((), None)


def test_two_runs_have_folders_of_their_own_and_the_latest_is_linked(tmp_path: Path) -> None:
    plan = _opened(tmp_path)
    first, second = open_run(plan)[0], open_run(plan)[0]
    assert first.path != second.path
    assert (tmp_path / "runs" / "latest").resolve() == second.path


def test_a_folder_that_cannot_be_made_is_a_config_error(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file, where a folder must be")
    with pytest.raises(ConfigError, match="cannot create the run folder"):
        open_run(_opened(tmp_path))


def test_the_versions_are_those_that_are_installed_here() -> None:
    found = versions()
    assert f'\nversion = "{found["trial-balance"]}"\n' in (ROOT / "pyproject.toml").read_text()
    assert found["python"] == ".".join(map(str, sys.version_info[:3]))
    assert found["system"]
    assert found["locust"] == version("locust")


def test_the_rows_of_a_run_are_known_by_their_number_and_the_digest_of_their_file() -> None:
    tables = {
        "customers": Table(("id",), [{"id": 1}] * 1_500, "c.csv", "0123456789abcdef" * 4),
        "inline": Table(("id",), [{"id": 1}]),
    }
    assert versions_of_data(tables) == {"data customers": "1,500 rows, SHA-256 0123456789abcdef"}


def test_an_environment_without_a_stack_has_no_variables_and_starts_nothing(
    tmp_path: Path,
) -> None:
    plan = _opened(tmp_path)
    with variables_of(plan.file, tmp_path / "stack", "") as variables:
        assert variables == {}
    assert not (tmp_path / "stack").exists()


def test_a_stack_that_cannot_be_started_is_a_config_error(tmp_path: Path) -> None:
    """Its folder cannot be made: where it should be, there is a file."""
    (tmp_path / "stack").write_text("")
    entered: list[object] = []
    with (
        pytest.raises(ConfigError, match="the stack ended while starting"),
        started_stack(tmp_path / "stack" / "here", "") as variables,
    ):
        entered.append(variables)
    assert entered == []


def test_an_environment_that_asks_for_a_stack_has_one_started(tmp_path: Path) -> None:
    """It cannot be started, so that it is known at once that it was tried."""
    (tmp_path / "stack").write_text("")
    file = read_environment_file(ROOT / "config" / "local.yaml")
    with (
        pytest.raises(ConfigError, match="the stack ended while starting"),
        variables_of(file, tmp_path / "stack" / "here", ""),
    ):
        pass


def test_services_elsewhere_are_driven_as_the_environment_names_them(tmp_path: Path) -> None:
    plan = _opened(tmp_path)
    folder, run = open_run(plan)
    with deployed(plan, folder, run) as place:
        assert place.environment.services["shop"].url == URL
        assert (place.run_id, place.tenant, place.folder) == (run.run_id, "acme", folder)
        assert place.variables == os.environ


def test_the_description_of_a_run_has_its_tenant_and_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_TOKEN", "a secret")
    plan = _opened(tmp_path)
    folder, run = open_run(plan)
    with deployed(plan, folder, run) as place:
        assert place.environment.headers["X-Token"] == "a secret"
        described = describe(run, place, plan)
    assert folder.read_run() == described
    assert (described.tenant, described.services, described.exclusive) == (
        "acme",
        {"shop": URL},
        False,
    )
    assert described.headers == {"shop": {"X-Tenant-ID": "acme", "X-Token": "${SHOP_TOKEN:-none}"}}
    assert "a secret" not in (folder.evidence / "run.json").read_text()


def test_recorded_headers_have_what_is_known_of_the_run_and_no_secret() -> None:
    written = {
        "X-Tenant": "{{ tenant }}",
        "X-Of": "{{ run }}/{{ tenant }}",
        "X-Each": "{{ tenant }}-{{ unique }}",
        "Authorization": "Bearer ${API_TOKEN}",
        "Accept": "text/plain",
    }
    assert recorded_headers(written, {"tenant": "acme", "run": "r-1"}) == {
        **written,
        "X-Tenant": "acme",
        "X-Of": "r-1/acme",
    }


def test_a_run_keeps_the_link_of_its_traces_without_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UI_TOKEN", "s3cretword")
    plan = shop_plan(tmp_path, URL, "first")
    link = '\nlinks: {trace: "http://ui.example/${UI_TOKEN}?id={trace_id}"}\n'
    plan.file.path.write_text(plan.file.path.read_text() + link)
    folder, run = open_run(plan)
    with deployed(plan, folder, run) as place:
        described = describe(run, place, plan)
    assert described.trace_link.endswith("?id={trace_id}")
    assert "s3cretword" not in described.trace_link


def test_a_run_keeps_the_addresses_of_its_witnesses_without_credentials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE", "postgresql://me:s3cretword@db.example:5432/shop?sslmode=off")
    plan = shop_plan(tmp_path, URL, "first")
    more = '\nprometheus: {url: "http://prometheus.example"}\ndatabases: {main: "${DATABASE}"}\n'
    plan.file.path.write_text(plan.file.path.read_text() + more)
    folder, run = open_run(plan)
    with deployed(plan, folder, run) as place:
        described = describe(run, place, plan)
    assert described.prometheus == "http://prometheus.example"
    assert described.databases == {"main": "postgresql://db.example:5432/shop"}
