from dataclasses import replace

from checks.verdict import Verdict
from reports.checklist import render_checklist
from tests.reports.attacks import CONTROL, control_in
from tests.reports.results import good_result


def test_there_is_one_line_per_finding_and_one_per_remedy() -> None:
    first, second, *_ = (replace(each, detail="") for each in good_result().findings)
    second = replace(second, verdict=Verdict.FAIL, observed="down\nfor good", detail="start it")
    lines = render_checklist([first, second]).splitlines()
    assert len(lines) == 3
    assert "down for good" in lines[1]
    assert lines[2].strip() == "start it"
    assert lines[0].index(first.title) == lines[1].index(second.title)


def test_nothing_checked_is_nothing_shown() -> None:
    assert render_checklist([]) == ""


def test_neither_finding_nor_remedy_steers_a_terminal() -> None:
    first, *_ = good_result().findings
    bad = replace(first, verdict=Verdict.FAIL, observed=CONTROL, detail=CONTROL)
    checklist = render_checklist([bad])
    assert checklist.count("a\ufffd[31mb") == 2
    assert control_in(checklist) == set()
