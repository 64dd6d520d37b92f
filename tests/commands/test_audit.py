"""An audit: its runs, its folder, one run as a black box, and its end."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer

from checks.audit import (
    CLEAN,
    DISCOVERED,
    EXPECTATIONS,
    LOCAL,
    NO_METRICS,
    NO_PROMETHEUS,
    OF_OTHER_ENVIRONMENTS,
    Audit,
    Expectation,
)
from checks.verdict import Verdict
from commands.audit import (
    StartedRuns,
    audit,
    environment_file,
    open_audit,
    plan_audit,
    publish_audit,
    write_audit,
)
from commands.shared.run_setup import versions
from config.environment import read_environment
from config.errors import ConfigError
from config.program import typed_command
from reference_services.faults.catalog import FAULTS
from tests.reports.audits import failing_audit, good_audit


def published(record: Audit, folder: Path, as_json: bool = False) -> int:
    """Publish an audit; return the exit code."""
    with pytest.raises(typer.Exit) as ended:
        publish_audit(record, folder, as_json)
    return ended.value.exit_code


def test_a_whole_audit_has_every_fault_once_and_three_clean_runs() -> None:
    whole = plan_audit(())
    planned = [each.fault for each in whole if each.environment == LOCAL]
    assert sorted(planned) == sorted([*FAULTS, CLEAN, CLEAN, CLEAN])
    assert (planned[0], planned[-1]) == (CLEAN, CLEAN)
    absent = [each.name for each in whole if each.environment != LOCAL and each.fault]
    assert absent == [each.name for each in OF_OTHER_ENVIRONMENTS]


def test_each_environment_of_the_audit_is_the_local_one_but_for_its_witnesses() -> None:
    values = {"PROMETHEUS_URL": "http://prometheus.example"}
    for name in ("CARDS", "ONBOARDING", "WORKFLOW"):
        address = f"http://{name.lower()}.example"
        values |= {f"{name}_URL": address, f"{name}_METRICS": f"{address}/metrics",
                   f"{name}_DATABASE_URL": f"sqlite:///{name}.db"}  # fmt: skip
    local, without_prometheus, without_metrics, discovered = (
        read_environment(environment_file(name), values)
        for name in (LOCAL, NO_PROMETHEUS, NO_METRICS, DISCOVERED)
    )
    assert without_prometheus.prometheus is None
    assert without_metrics.services["cards"].metrics == "none"
    mended = {"environment": "local", "prometheus": local.prometheus}
    assert without_prometheus.model_copy(update=mended).model_dump() == local.model_dump()
    services = {**without_metrics.services, "cards": local.services["cards"]}
    of_metrics = {"environment": "local", "services": services}
    assert without_metrics.model_copy(update=of_metrics).model_dump() == local.model_dump()
    assert all(each.is_discovered for each in discovered.services.values())
    as_named = {"environment": "local", "services": local.services}
    assert discovered.model_copy(update=as_named).model_dump() == local.model_dump()


def test_only_the_faults_that_are_named_are_audited() -> None:
    planned = plan_audit(["stall", "slow-tail"])
    assert [each.fault for each in planned] == [CLEAN, "slow-tail", CLEAN, "stall", CLEAN]


def test_a_fault_without_an_expectation_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    with pytest.raises(ConfigError, match="unknown fault 'slow-tale'") as refused:
        audit(["stall", "slow-tale"], runs, as_json=True)
    assert all(each.fault in str(refused.value) for each in EXPECTATIONS)
    assert not runs.exists()


def test_an_audit_is_opened_without_any_run_and_is_inconclusive(tmp_path: Path) -> None:
    folder, record = open_audit(tmp_path / "runs", 5)
    assert folder.parent == tmp_path / "runs"
    assert folder.name.startswith("audit-")
    assert list(folder.iterdir()) == []
    assert (record.runs, record.planned, record.verdict) == ((), 5, Verdict.INCONCLUSIVE)
    assert record.versions == versions()
    assert record.repeat == typed_command()


def test_a_folder_that_cannot_be_made_is_a_config_error(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file, where a folder must be")
    with pytest.raises(ConfigError, match="the audit's folder cannot be made here"):
        open_audit(tmp_path / "runs", 5)


@pytest.mark.core
@pytest.mark.long
def test_a_run_that_is_refused_is_not_caught_and_its_folder_tells_why(tmp_path: Path) -> None:
    """`run.py` knows no such fault: it ends at once, with what it says on stderr."""
    expected = Expectation("no-such-fault", Verdict.FAIL, {})
    runs = StartedRuns(tmp_path)
    runs.start_until(1, [expected])
    audited = runs.finish(1, expected)
    assert audited.errors == ("the run ended with exit code 2 and without a result",)
    assert (audited.is_caught, audited.verdict) == (False, None)
    assert (audited.folder, audited.sentence) == ("01-no-such-fault", "")
    stderr = (tmp_path / "01-no-such-fault" / "stderr.txt").read_text()
    assert "unknown fault 'no-such-fault'" in stderr


@pytest.mark.core
@pytest.mark.long
def test_an_audit_goes_on_after_a_run_that_came_to_nothing_and_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a Prometheus no stack can be started."""
    monkeypatch.setenv("PROMETHEUS", str(tmp_path / "there-is-none"))
    with pytest.raises(typer.Exit) as ended:
        audit(["stall"], tmp_path / "runs", as_json=True)
    assert ended.value.exit_code == 1
    document = json.loads(capsys.readouterr().out)
    (folder,) = (tmp_path / "runs").iterdir()
    assert json.loads((folder / "audit.json").read_text()) == document
    assert [each["folder"] for each in document["runs"]] == [
        "01-clean", "02-stall", "03-clean", "04-clean"
    ]  # fmt: skip
    assert [each["caught"] for each in document["runs"]] == [False] * 4
    assert document["runs"][1]["sentence"] == FAULTS["stall"].sentence
    assert document["started_at"] < document["finished_at"]


@pytest.mark.parametrize("as_json", [True, False])
@pytest.mark.parametrize(
    ("record", "code"),
    [
        (good_audit(), 0),
        (failing_audit(), 1),
        (replace(good_audit(), runs=good_audit().runs[:3]), 3),
    ],
)
def test_an_audit_exits_with_its_verdict_and_leaves_both_files(
    tmp_path: Path, record: Audit, code: int, as_json: bool
) -> None:
    assert published(record, tmp_path, as_json) == code
    assert {path.name for path in tmp_path.iterdir()} == {"audit.json", "audit.html"}


def test_json_is_one_document_the_same_as_in_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    published(good_audit(), tmp_path, as_json=True)
    document = json.loads(capsys.readouterr().out)
    assert document == json.loads((tmp_path / "audit.json").read_text())
    assert (document["verdict"], document["planned"]) == ("pass", good_audit().planned)


def test_people_are_told_where_the_report_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    published(failing_audit(), tmp_path)
    output = capsys.readouterr().out
    assert output.strip().startswith("FAIL ")
    assert str(tmp_path / "audit.html") in output


def test_what_is_written_later_replaces_what_was_written_before(tmp_path: Path) -> None:
    for number in (1, 2):
        record = replace(good_audit(), runs=good_audit().runs[:number])
        write_audit(replace(record, finished_at=datetime.now(UTC)), tmp_path)
    assert len(json.loads((tmp_path / "audit.json").read_text())["runs"]) == 2
    assert {path.name for path in tmp_path.iterdir()} == {"audit.json", "audit.html"}
