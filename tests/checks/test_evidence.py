from pathlib import Path

import pytest

from checks.evidence import EVIDENCE, judge_evidence
from checks.suite import judge
from checks.verdict import Verdict
from tests.evidence_factory import Load, sealed, write_rows, write_run


def test_a_sealed_run_is_judged_as_any_other(tmp_path: Path) -> None:
    folder = sealed(tmp_path)
    assert judge_evidence(folder, folder.read_run()) is None
    assert judge(folder).verdict is Verdict.PASS


def test_evidence_that_changed_is_inconclusive_and_never_a_failure(tmp_path: Path) -> None:
    folder = sealed(tmp_path)
    write_rows(folder, "after", {"uses": {"rows": [["tea", 3], ["coffee", 8]]}})
    result = judge(folder)
    assert [(each.id, each.verdict) for each in result.findings] == [
        (EVIDENCE, Verdict.INCONCLUSIVE)
    ]
    assert result.findings[0].observed == "changed since the run: witnesses/database/after.json"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"profile":"load"', '"profile":"other"'),
        ('"started_at":"2026', '"started_at":"0001'),
    ],
)
def test_a_record_that_fits_no_scenario_is_inconclusive_or_judged(
    tmp_path: Path, before: str, after: str
) -> None:
    folder = write_run(tmp_path, Load())
    path = folder.evidence / "run.json"
    path.write_text(path.read_text().replace(": ", ":").replace(before, after))
    assert judge(folder).verdict is Verdict.INCONCLUSIVE
