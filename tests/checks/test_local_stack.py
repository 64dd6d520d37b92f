"""What a run says of whose local stack a part was lost."""

from dataclasses import replace
from pathlib import Path

import pytest

from checks.suite import judge
from checks.validity import judge_validity
from checks.verdict import Verdict
from reports.views.headline import deciding_finding
from scenarios.evidence.run_folder import LostPart
from tests.evidence_factory import GOOD, REFUSED, Load, case_of

SUPERVISOR = LostPart("supervisor", -9, is_supervisor=True)


@pytest.mark.parametrize(
    ("lost", "observed"),
    [
        ((SUPERVISOR,), "supervisor was ended by SIGKILL"),
        ((LostPart("prometheus", -15), LostPart("cards", 3)),
         "prometheus was ended by SIGTERM and cards ended with code 3"),
        ((LostPart("workflow", None),), "workflow is suspended by a signal"),
    ],
)  # fmt: skip
def test_a_run_that_lost_a_part_is_inconclusive_and_names_it(
    tmp_path: Path, lost: tuple[LostPart, ...], observed: str
) -> None:
    case = case_of(tmp_path, Load((GOOD,) * 4), lost=lost)
    (finding,) = [each for each in judge_validity(case).findings if "local-stack" in each.id]
    assert (finding.verdict, finding.observed) == (Verdict.INCONCLUSIVE, observed)
    assert judge(case.folder).verdict is not Verdict.PASS


def test_a_part_that_is_lost_before_the_first_request_is_named_too(tmp_path: Path) -> None:
    case = case_of(tmp_path, lost=(SUPERVISOR,))
    assert "validity/local-stack" in [each.id for each in judge_validity(case).findings]


def test_a_run_that_lost_nothing_has_no_finding_of_it(tmp_path: Path) -> None:
    case = case_of(tmp_path, Load((GOOD,) * 4))
    assert not [each for each in judge_validity(case).findings if "local-stack" in each.id]


def test_with_the_supervisor_no_service_is_blamed_for_what_it_refused(tmp_path: Path) -> None:
    case = case_of(tmp_path, Load((REFUSED,) * 4), lost=(SUPERVISOR,))
    result = judge(case.folder)
    assert result.verdict is Verdict.INCONCLUSIVE
    deciding = deciding_finding(result)
    assert deciding
    assert deciding.id == "validity/local-stack"


def test_a_service_that_was_killed_is_blamed_for_what_it_refused(tmp_path: Path) -> None:
    lost = (replace(SUPERVISOR, name="shop", is_supervisor=False),)
    case = case_of(tmp_path, Load((REFUSED,) * 4), lost=lost)
    assert judge(case.folder).verdict is Verdict.FAIL
