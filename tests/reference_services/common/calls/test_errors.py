"""Tests of the exceptions of a call to another service."""

import pytest

from reference_services.common.calls.errors import CallFailed, CallRefused, CircuitOpen


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (CallFailed("timeout"), "timeout"),
        (CallRefused(404), "status_404"),
        (CircuitOpen(1.5), "circuit_open"),
    ],
)
def test_every_failure_has_a_reason_of_one_word(failure: CallFailed, reason: str) -> None:
    assert failure.reason == str(failure) == reason
    assert reason.isidentifier()


def test_only_a_failure_that_asks_for_a_pause_has_one() -> None:
    assert CallFailed("timeout").retry_after_s is None
    assert CallFailed("status_429", 3.0).retry_after_s == 3
    assert CallRefused(404).retry_after_s is None
    assert CircuitOpen(1.5).retry_after_s == 1.5
