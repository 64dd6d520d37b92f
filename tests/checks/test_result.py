from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from checks.result import finding_id, verdict_of
from checks.verdict import Verdict
from tests.reports.results import good_result


def test_the_verdict_of_findings_is_the_worst_of_them() -> None:
    first, *others = good_result().findings
    unknown = replace(first, verdict=Verdict.INCONCLUSIVE)
    failed = replace(first, verdict=Verdict.FAIL)
    assert verdict_of((first, *others)) is Verdict.PASS
    assert verdict_of((first, unknown)) is Verdict.INCONCLUSIVE
    assert verdict_of((first, unknown, failed)) is Verdict.FAIL


@given(st.lists(st.text(min_size=1), min_size=1))
def test_an_id_is_its_own_id_and_contains_no_space_and_no_capital(parts: list[str]) -> None:
    identifier = finding_id(*parts)
    assert finding_id(*identifier.split("/")) == identifier
    assert not any(each.isspace() for each in identifier)
    assert identifier == identifier.lower()
