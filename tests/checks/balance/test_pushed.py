"""Whether the services that push their metrics did so, as a finding."""

from pathlib import Path

import pytest

from checks.balance.pushed import finding_of_pushes
from checks.balance.usage import judge_usage
from checks.case import read_case
from checks.result import Finding
from checks.verdict import Verdict
from tests.evidence_factory import Load, write_agreeing_witnesses, write_run
from tests.witnesses.prometheus.pushed_evidence import (
    AFTER,
    ALL,
    BEFORE,
    DURING,
    PushedRun,
    PushedSeries,
)
from witnesses.prometheus.pushes import InstancePushes

GROWN = PushedSeries.grown(8, 8, 4)


def _findings(folder: Path, run: PushedRun) -> dict[str, Finding]:
    """Judge a run whose pages agree with the client, and of whose shop this was pushed."""
    written = write_run(folder, Load())
    write_agreeing_witnesses(written)
    run.read(written.path)
    return {each.id: each for each in judge_usage(read_case(written)).findings}


def test_each_instance_that_pushed_after_the_last_response_is_counted(tmp_path: Path) -> None:
    findings = _findings(tmp_path, PushedRun([GROWN], {"a": ALL, "b": ALL}))
    finding = findings["precondition/pushed/shop"]
    assert finding.verdict is Verdict.PASS
    assert finding.observed == "2 of 2 instances pushed after the last response, every 10 s"
    assert "precondition/scraped/shop" not in findings
    assert "precondition/metrics-readable/shop" in findings


@pytest.mark.parametrize(
    ("stamps", "observed"),
    [
        ((*BEFORE, *DURING), "1 of 2 instances pushed after the last response, every 10 s"),
        ((*BEFORE, *DURING, AFTER[1]), "1 of 2 instances pushed after the last response, "
         "every 10 s"),
    ],
)  # fmt: skip
def test_an_instance_that_did_not_push_often_enough_is_inconclusive(
    tmp_path: Path, stamps: tuple[float, ...], observed: str
) -> None:
    findings = _findings(tmp_path, PushedRun([GROWN], {"a": ALL, "b": stamps}))
    finding = findings["precondition/pushed/shop"]
    assert (finding.verdict, finding.observed) == (Verdict.INCONCLUSIVE, observed)
    assert "exporter" in finding.detail


def test_an_instance_that_ended_before_the_run_is_not_missed(tmp_path: Path) -> None:
    findings = _findings(tmp_path, PushedRun([GROWN], {"a": ALL, "b": (930.0, 940.0)}))
    assert findings["precondition/pushed/shop"].observed.startswith("1 of 1 instances")


def test_a_service_that_pushed_nothing_is_inconclusive_with_the_remedy(tmp_path: Path) -> None:
    finding = _findings(tmp_path, PushedRun([], {}))["precondition/pushed/shop"]
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.observed == "nothing was pushed with its job"
    assert "pushed.job_label" in finding.detail


def test_an_interval_that_is_not_known_is_not_claimed() -> None:
    finding = finding_of_pushes("shop", [InstancePushes((5.0,))], (), "just now")
    assert finding.observed == "1 of 1 instances pushed just now"
