"""The banner says what decided, with the figures of the result."""

from dataclasses import replace

import pytest

from checks.result import RUN_COMPLETE, Kind, Result
from checks.verdict import Verdict
from reports.views.banner import Gate, banner_of
from reports.views.objectives import objective_rows
from reports.views.ordering import cut_judged
from scenarios.evidence.run_folder import Cause, Interruption, Stage
from tests.reports.attacks import CONTROL, control_in
from tests.reports.results import (
    empty_result,
    failing_result,
    finding,
    good_result,
    latency_row,
    objective,
)


def gate(result: Result, name: str) -> Gate:
    return next(each for each in banner_of(result).gates if each.name == name)


def with_finding(kind: Kind, verdict: Verdict) -> Result:
    bad = finding("the check", kind, verdict=verdict, expected="11", observed="7")
    return good_result(verdict=verdict, findings=(*good_result().findings, bad))


def test_a_pass_names_its_figures() -> None:
    assert banner_of(good_result()).sentence == (
        "22 checks passed: 101 of 101 iterations; iteration p95 0.704 s of 2.500 s; "
        "14 of 14 counts agree; rests on client, service, prometheus and database "
        "(sessions and 5 more); client, service and prometheus (batch_requests and 1 more)."
    )


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("verdict", [Verdict.FAIL, Verdict.INCONCLUSIVE])
def test_each_kind_decides_with_a_title_a_sentence_and_a_gate(kind: Kind, verdict: Verdict) -> None:
    banner = banner_of(with_finding(kind, verdict))
    assert banner.title != "Every check passed"
    assert "the check: expected 11, observed 7." in banner.sentence
    assert [each.verdict for each in banner.gates].count(verdict) == 1


def test_a_fail_decides_before_what_is_inconclusive() -> None:
    banner = banner_of(failing_result())
    assert banner.sentence == (
        "The service and Prometheus are 3 cards_used (voice) short in step execute workflow: "
        "98 counted, 101 done."
    )
    assert banner.headline == f"The witnesses do not agree: {banner.sentence.rstrip('.')}"


def test_a_pass_says_below_its_headline_what_it_shows_and_what_it_does_not() -> None:
    banner = banner_of(good_result())
    assert banner.headline == "Every check passed"
    assert banner.beside.startswith("Not proven: create session p99 at 100 requests")
    assert banner.lines == (banner.sentence, banner.beside)


def test_the_others_that_fail_are_counted() -> None:
    bad = [finding(f"usage {each}", Kind.USAGE, verdict=Verdict.FAIL) for each in range(3)]
    banner = banner_of(good_result(verdict=Verdict.FAIL, findings=tuple(bad)))
    assert banner.beside == "2 more checks fail."


@pytest.mark.parametrize("name", ["Flow", "Latency", "Usage", "Validity"])
def test_a_gate_that_nobody_checked_has_no_verdict(name: str) -> None:
    unchecked = gate(empty_result(), name)
    assert (unchecked.verdict, unchecked.figure) == (None, "not checked")


def test_a_fault_and_an_interruption_are_said_in_the_banner() -> None:
    warnings = " ".join(banner_of(good_result(fault="slow-tail", partial=True)).warnings)
    assert "seeded on purpose: slow-tail" in warnings
    assert "interrupted" in warnings


def test_a_verdict_that_no_finding_has_is_said() -> None:
    banner = banner_of(good_result(verdict=Verdict.INCONCLUSIVE))
    assert (banner.word, banner.title) == ("INCONCLUSIVE", "No check gives a reason")


def test_the_latency_gate_shows_the_objective_that_fails_with_its_digits() -> None:
    late = objective(95.0, 2.5, 2.5004, over_low=6, over_high=6, verdict=Verdict.FAIL)
    slow = latency_row("iteration", 2.5004, objectives=(late,))
    shown = gate(good_result(latency=(*good_result().latency[:3], slow)), "Latency")
    assert (shown.subject, shown.figure, shown.note) == ("iteration p95", "2.5004 s", "of 2.500 s")


def test_an_objective_shows_its_findings_verdict() -> None:
    spoilt = [replace(each, verdict=Verdict.INCONCLUSIVE) if each.kind is Kind.LATENCY else each
              for each in good_result().findings]  # fmt: skip
    rows = [row for row in objective_rows(good_result(findings=tuple(spoilt))) if row.bar]
    assert {row.verdict for row in rows} == {Verdict.INCONCLUSIVE}


def test_a_latency_finding_without_an_objective_has_a_row() -> None:
    lonely = finding("latency nothing", Kind.LATENCY, verdict=Verdict.INCONCLUSIVE)
    rows = objective_rows(good_result(findings=(*good_result().findings, lonely)))
    assert (rows[0].title, rows[0].bar) == ("latency nothing", None)


def test_the_share_within_the_limit_is_a_range_where_values_are_in_doubt() -> None:
    doubtful = objective(95.0, 2.5, 2.4, over_low=4, over_high=6, verdict=Verdict.INCONCLUSIVE)
    row = latency_row("iteration", 2.4, objectives=(doubtful,))
    assert objective_rows(good_result(latency=(row,), findings=()))[0].share == "94.00–96.00 %"


def test_a_cut_table_keeps_what_fails() -> None:
    rows = [finding(str(each), Kind.USAGE) for each in range(1000)]
    rows[-1] = replace(rows[-1], verdict=Verdict.FAIL)
    table = cut_judged(rows, 200)
    assert (len(table.rows), table.rows[0].title) == (200, "999")
    assert table.more == "… 800 more rows pass."


@pytest.mark.parametrize("verdict", [Verdict.INCONCLUSIVE, Verdict.FAIL])
def test_an_interruption_is_the_headline_or_stands_below_what_is_proven_to_fail(
    verdict: Verdict,
) -> None:
    stopped = replace(
        finding("run complete", Kind.VALIDITY, verdict=Verdict.INCONCLUSIVE),
        id=RUN_COMPLETE, observed="interrupted after 3 of 4 iterations", detail="By SIGINT.",
    )  # fmt: skip
    decided = finding("the check", Kind.HEALTH, verdict=verdict)
    banner = banner_of(
        good_result(
            verdict=verdict, findings=(decided, stopped), partial=True,
            interruption=Interruption(Stage.LOAD, Cause.SIGNAL, "SIGINT"),
        )
    )  # fmt: skip
    headline = "Interrupted after 3 of 4 iterations"
    if verdict is Verdict.INCONCLUSIVE:
        assert (banner.title, banner.warnings) == (headline, ())
        assert (banner.sentence, banner.beside) == ("By SIGINT.", "1 more check is inconclusive.")
    else:
        assert banner.title == "Not every service is healthy"
        assert banner.warnings == (f"{headline}. By SIGINT.",)


def test_a_limit_that_is_not_judged_is_named_in_the_banner() -> None:
    limit = objective(95.0, 0.3, 0.5, count=1, judged=False)
    row = latency_row("buy", 0.5, count=1, objectives=(limit,))
    result = good_result(latency=(row,))
    assert banner_of(result).warnings == (
        "Not judged, since so few values prove nothing: buy p95 0.500 s, objective ≤ 0.300 s, "
        "1 measured.",
    )
    assert gate(result, "Latency").note == "of 0.300 s, not judged"


def test_no_control_character_of_what_decided_is_in_the_banner() -> None:
    bad = replace(
        finding("the check", Kind.FLOW, verdict=Verdict.FAIL),
        title=CONTROL, expected=CONTROL, observed=CONTROL, detail=CONTROL,
    )  # fmt: skip
    result = good_result(verdict=Verdict.FAIL, findings=(*good_result().findings, bad))
    banner = banner_of(replace(result, fault=CONTROL))
    texts = (banner.headline, banner.sentence, *banner.warnings)
    assert all("\ufffd[31m" in text for text in texts)
    assert control_in("".join(texts)) == set()


def test_no_control_character_of_an_interruption_is_in_the_title() -> None:
    bad = replace(
        finding("run complete", Kind.VALIDITY, verdict=Verdict.INCONCLUSIVE),
        id=RUN_COMPLETE, observed=CONTROL,
    )  # fmt: skip
    result = good_result(verdict=Verdict.INCONCLUSIVE, findings=(bad,))
    stop = Interruption(Stage.LOAD, Cause.SIGNAL, "SIGINT")
    title = banner_of(replace(result, interruption=stop, partial=True)).title
    assert title.startswith("A\ufffd[31mb")
    assert control_in(title) == set()
