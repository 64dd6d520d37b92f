from dataclasses import replace

from checks.balance.rests_on import rests_on
from checks.verdict import Verdict
from tests.reports.results import figures, usage_row
from witnesses.figure import Figure, Reason

_RESTARTED = Figure.at_least(2.0, Reason.PROCESS_RESTARTED)


def test_a_pass_rests_on_the_client_and_on_every_witness_that_is_exact() -> None:
    rows = [usage_row("uses", 3), usage_row("visits", 3, figures=figures(3))]
    assert rests_on(rows) == {
        "uses": ("client", "service", "prometheus", "database:shop"),
        "visits": ("client", "service"),
    }


def test_a_pass_does_not_rest_on_a_witness_that_is_not_exact_in_one_row() -> None:
    rows = [usage_row("uses", 3), usage_row("uses", 3, figures=figures(3, _RESTARTED, 3))]
    assert rests_on(rows) == {"uses": ("client", "service", "database:shop")}


def test_a_quantity_of_which_one_row_does_not_pass_rests_on_nothing() -> None:
    row = usage_row("uses", 3)
    for verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE):
        assert rests_on([row, replace(row, verdict=verdict)]) == {}
    assert rests_on([]) == {}
