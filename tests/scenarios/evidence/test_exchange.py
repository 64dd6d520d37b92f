import pytest

from scenarios.evidence.exchange import Exchange, Outcome, trace_id


def exchange(outcome: Outcome = Outcome.OK, reason: str = "") -> Exchange:
    return Exchange("01-once", 1, 1, "create", 0.5, 1.0, 2.25, outcome, None, reason)


@pytest.mark.parametrize(
    ("outcome", "answered"),
    [
        (Outcome.OK, True),
        (Outcome.REJECTED, True),
        (Outcome.UNKNOWN, False),
        (Outcome.NOT_SENT, False),
    ],
)
def test_only_ok_and_rejected_have_a_response(outcome: Outcome, answered: bool) -> None:
    assert exchange(outcome).has_response is answered


def test_the_response_time_starts_when_the_request_is_due() -> None:
    assert exchange().response_s == 1.75


def test_an_exchange_is_not_cut_off_by_default() -> None:
    assert not exchange(Outcome.UNKNOWN, "the load ended before the response").cut_off


def test_a_trace_id_has_the_run_the_generator_and_the_sequence_number() -> None:
    assert trace_id("20260101-7f3a", "01-once", 12) == "20260101-7f3a-01-once-12"
