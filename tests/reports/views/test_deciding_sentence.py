"""One sentence that a person understands who does not know the checks, from the result's data."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from checks.observations import Failure, QuantityOrigin
from checks.result import (
    NOT_SATURATED,
    ClientFigure,
    Code,
    Finding,
    Kind,
    Misplaced,
    RecordGap,
    Result,
    UsageRow,
    finding_id,
)
from checks.verdict import Verdict
from reports.views.banner import banner_of
from reports.views.deciding_sentence import MOST_CHARACTERS, deciding_sentence
from reports.views.headline import deciding_finding
from tests.reports.results import (
    figures,
    finding,
    good_result,
    latency_row,
    objective,
    phase,
    usage_row,
)
from witnesses.figure import Figure, Reason


def _usage(*rows: UsageRow, **changes: Any) -> str:
    bad = finding("usage cards_used", Kind.USAGE, verdict=Verdict.FAIL)
    return deciding_sentence(good_result(usage=rows, **changes), bad)


def _row(*values: float | Figure, **changes: Any) -> UsageRow:
    row = usage_row("cards_used", 100, labels={"card_type": "voice"}, figures=figures(*values),
                    verdict=Verdict.FAIL, code=Code.LOST_COUNT)  # fmt: skip
    return replace(row, **changes)


def _failed(kind: Kind, title: str, result: Result) -> str:
    return deciding_sentence(result, finding(title, kind, verdict=Verdict.FAIL))


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (_row(100, 100, 93), "The database shop is 7 cards_used (voice) short in step "
                             "execute workflow: 93 counted, 100 done."),
        (_row(93, 93, 100), "The service and Prometheus are 7 cards_used (voice) short in step "
                            "execute workflow: 93 counted, 100 done."),
        (_row(100, 107, 100), "Prometheus is 7 cards_used (voice) too many in step "
                              "execute workflow: 107 counted, 100 done."),
        (_row(100, 100, 93, labels={}, client=ClientFigure(99, 2)),
         "The database shop is 6 cards_used short in step execute workflow: 93 counted, "
         "99–101 done."),
        (_row(100, Figure(None, 90.0, Reason.OTHER_TRAFFIC), 100),
         "Prometheus is 10 cards_used (voice) short in step execute workflow: 90 counted, "
         "100 done."),
    ],
)  # fmt: skip
def test_the_witness_that_stands_apart_is_named_with_one_set_of_numbers(
    row: UsageRow, sentence: str
) -> None:
    assert _usage(_row(99, 99, 99), row) == sentence


@pytest.mark.parametrize(
    ("gap", "sentence"),
    [
        (RecordGap(rejected=1, rejected_ids=("r-load-7",)),
         "1 request was rejected in step execute workflow and counted all the same: "
         "cards_used (voice), 100 done, trace id r-load-7."),
        (RecordGap(rejected=2, rejected_ids=("r-load-7", "r-load-9")),
         "2 requests were rejected in step execute workflow and counted all the same: "
         "cards_used (voice), 100 done, first trace id r-load-7."),
    ],
)  # fmt: skip
def test_a_rejected_request_that_was_counted_is_named_with_its_id(
    gap: RecordGap, sentence: str
) -> None:
    row = _row(101, 101, 101, code=Code.COUNTED_THOUGH_REJECTED, records=gap)
    assert _usage(row) == sentence


def test_a_quantity_whose_steps_are_not_known_names_none() -> None:
    sentence = _usage(_row(100, 100, 93), origins=())
    assert sentence == "The database shop is 7 cards_used (voice) short: 93 counted, 100 done."


def test_no_step_is_named_where_several_move_the_quantity() -> None:
    origins = (QuantityOrigin("cards_used", ("search", "export"), {}),)
    sentence = _usage(_row(100, 100, 93), origins=origins)
    assert sentence == "The database shop is 7 cards_used (voice) short: 93 counted, 100 done."


def test_a_count_under_other_labels_is_not_called_a_loss() -> None:
    misplaced = Misplaced(3.0, found_under=((("insight",), 3.0),))
    sentence = _usage(_row(97, 97, 100, code=Code.WRONG_LABEL, misplaced=misplaced))
    assert sentence.startswith("cards_used (voice): ")
    assert "insight" in sentence


def test_totals_that_agree_are_not_called_short() -> None:
    sentence = _usage(_row(100, 100, 100, code=Code.LATE))
    assert sentence.startswith("cards_used (voice): All of 100 was counted")


@pytest.mark.parametrize("kind", Kind)
def test_a_finding_that_knows_its_reason_says_it(kind: Kind) -> None:
    reason = "execute workflow: status 503, expected 200 (12 of 100)"
    bad = finding("the check", kind, verdict=Verdict.INCONCLUSIVE, reason=reason)
    assert deciding_sentence(good_result(), bad) == f"{reason}."


@pytest.mark.parametrize(
    ("step", "named"), [("ask", "step ask"), ("iteration", "the whole iteration")]
)
def test_a_percentile_is_named_with_its_limit_and_what_took_longer(step: str, named: str) -> None:
    late = objective(95.0, 2.5, 3.0214, over_low=12, over_high=12, verdict=Verdict.FAIL)
    result = good_result(latency=(latency_row(step, 3.0214, objectives=(late,)),))
    assert _failed(Kind.LATENCY, f"latency {step} p95", result) == (
        f"The p95 of {named} is 3.021 s, and the limit is 2.500 s: 12 of 100 took longer."
    )


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("verdict", [Verdict.FAIL, Verdict.INCONCLUSIVE])
def test_any_other_finding_says_what_was_expected_and_observed(
    kind: Kind, verdict: Verdict
) -> None:
    bad = finding("the check", kind, verdict=verdict, expected="11", observed="7")
    sentence = deciding_sentence(good_result(), bad)
    assert sentence == "the check: expected 11, observed 7."


@pytest.mark.parametrize("kind", Kind)
def test_no_text_from_outside_makes_a_sentence_longer_than_two_lines(kind: Kind) -> None:
    long = "very " * 500
    bad = Finding("usage/x", long, kind, Verdict.FAIL, long, long, long)
    rows = (_row(100, 100, 7, quantity=long, labels={long: long}),)
    for each in (bad, replace(bad, id="usage/" + "-".join(["very"] * 500))):
        sentence = deciding_sentence(good_result(usage=rows), each)
        assert len(sentence) <= MOST_CHARACTERS


def _failure(step: str, first: str, last: str) -> Failure:
    first_at, last_at = (datetime.fromisoformat(f"2026-11-22T{at}+00:00") for at in (first, last))
    return Failure(step, "rejected", "status 503, expected 200", 4, 9, first_at, last_at, ())


def test_a_step_that_fails_says_from_when_to_when() -> None:
    reason = "use: status 503, expected 200 (4 of 9)"
    bad = replace(finding("step use", Kind.FLOW, verdict=Verdict.FAIL, reason=reason),
                  id=finding_id("flow", "use"))  # fmt: skip
    failures = (_failure("open", "02:00:00", "02:00:09"), _failure("use", "02:10:01", "02:12:30"))
    sentence = deciding_sentence(good_result(failures=failures), bad)
    assert sentence == f"{reason}, from 02:10:01 to 02:12:30 UTC."
    once = (_failure("use", "02:10:01", "02:10:01"),)
    sentence = deciding_sentence(good_result(failures=once), bad)
    assert sentence == f"{reason}, at 02:10:01 UTC."


@pytest.mark.parametrize(("phases", "is_known"), [(("load",), True), (("e2e", "load"), False)])
def test_a_success_rate_says_when_if_the_failures_can_only_be_its_own(
    phases: tuple[str, ...], is_known: bool
) -> None:
    reason = "use: status 503, expected 200 (4 of 9)"
    bad = finding("success rate of load", Kind.SUCCESS, verdict=Verdict.FAIL, reason=reason)
    result = good_result(
        failures=(_failure("use", "02:10:01", "02:12:30"),),
        phases=tuple(phase(name, 1, 9) for name in phases),
    )
    assert ("from 02:10:01" in deciding_sentence(result, bad)) is is_known


def test_a_counter_that_loses_says_since_when() -> None:
    since = datetime.fromisoformat("2026-11-22T02:10:01+00:00")
    sentence = _usage(_row(93, 93, 100, since=since))
    assert sentence.endswith("93 counted, 100 done; Prometheus differs since 02:10:01 UTC.")


def test_lost_rows_say_when_the_first_request_was_sent_that_lacks_them() -> None:
    sent_at = datetime.fromisoformat("2026-11-22T02:10:01+00:00")
    records = RecordGap(missing=7, first_missing_at=sent_at)
    row = _row(100, 100, 93, code=Code.LOST_ROW, records=records)
    assert _usage(row).endswith("93 counted, 100 done; the first was sent at 02:10:01 UTC.")
    counter = _row(93, 93, 100, code=Code.LOST_COUNT, records=records)
    assert _usage(counter).endswith("93 counted, 100 done.")


def test_a_generator_that_did_not_keep_up_says_what_that_means() -> None:
    bad = replace(
        finding("load generator not saturated", Kind.VALIDITY, verdict=Verdict.INCONCLUSIVE,
                observed="it sent 4.848 s late (p99), at most 0.05 s",
                reason="the load generator did not keep up: it sent 4.848 s late (p99)"),
        id=NOT_SATURATED,
    )  # fmt: skip
    assert deciding_sentence(good_result(), bad) == (
        "The load generator did not keep up: it sent 4.848 s late (p99). Counts are not affected."
    )
    result = replace(good_result(), verdict=Verdict.INCONCLUSIVE, findings=(bad,))
    assert banner_of(result).title == "Response times prove nothing"


def test_a_generator_that_did_not_keep_up_is_the_cause_of_what_it_dropped() -> None:
    dropped = finding("load: iterations add up", Kind.VALIDITY, verdict=Verdict.INCONCLUSIVE)
    busy = replace(dropped, id=NOT_SATURATED, reason="the load generator did not keep up")
    result = replace(good_result(), verdict=Verdict.INCONCLUSIVE, findings=(dropped, busy))
    assert deciding_finding(result) == busy
