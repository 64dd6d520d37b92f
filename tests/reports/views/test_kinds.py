from checks.result import Kind
from reports.views.kinds import KINDS, GateName, findings_of_gate, findings_of_section
from tests.reports.results import failing_result, good_result


def test_every_kind_has_its_words() -> None:
    assert set(KINDS) == set(Kind)


def test_every_finding_is_in_one_section_and_behind_one_gate() -> None:
    for result in (good_result(), failing_result()):
        names = {words.section for words in KINDS.values()}
        by_section = [each for name in names for each in findings_of_section(result, name)]
        by_gate = [each for gate in GateName for each in findings_of_gate(result, gate)]
        assert sorted(by_section, key=id) == sorted(result.findings, key=id)
        assert sorted(by_gate, key=id) == sorted(result.findings, key=id)
