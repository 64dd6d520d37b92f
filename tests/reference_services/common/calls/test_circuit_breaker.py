"""Tests of the circuit breaker, with a virtual clock and a random state machine."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from threading import Barrier, Semaphore

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from reference_services.common.calls.circuit_breaker import CircuitBreaker, CircuitState
from reference_services.common.calls.errors import CircuitOpen

CLOSED, HALF_OPEN, OPEN = CircuitState.CLOSED, CircuitState.HALF_OPEN, CircuitState.OPEN
FAILURES = 3
OPEN_S = 10.0


class Boom(Exception):
    """Raised by a failing call."""


@dataclass
class VirtualClock:
    """A virtual clock."""

    now_s: float = 100.0

    def __call__(self) -> float:
        # Other threads may run here: the breaker has to hold its lock while it reads the time.
        time.sleep(0)
        return self.now_s


@dataclass
class BreakerBench:
    """A breaker with its clock and the states that it reported."""

    clock: VirtualClock = field(default_factory=VirtualClock)
    states: list[CircuitState] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.breaker = CircuitBreaker(FAILURES, OPEN_S, self.states.append, self.clock)

    def fail(self, times: int = 1) -> None:
        for _ in range(times):
            with pytest.raises(Boom), self.breaker.admitted():
                raise Boom

    def succeed(self) -> None:
        with self.breaker.admitted():
            pass

    def refusal(self) -> CircuitOpen:
        with pytest.raises(CircuitOpen) as caught, self.breaker.admitted():
            raise AssertionError("it let a call through")
        return caught.value

    def open(self) -> None:
        self.fail(FAILURES)
        assert self.states[-1] is OPEN


@pytest.fixture
def bench() -> BreakerBench:
    return BreakerBench()


def test_a_new_breaker_reports_that_it_is_closed(bench: BreakerBench) -> None:
    assert bench.states == [CLOSED]


def test_it_opens_at_the_last_failure_of_a_row_and_not_before(bench: BreakerBench) -> None:
    bench.fail(FAILURES - 1)
    assert bench.states == [CLOSED]
    bench.fail()
    assert bench.states == [CLOSED, OPEN]


def test_a_success_resets_the_row_of_failures(bench: BreakerBench) -> None:
    for _ in range(4):
        bench.fail(FAILURES - 1)
        bench.succeed()
    assert bench.states == [CLOSED]


def test_an_open_breaker_rejects_calls_and_reports_the_remaining_time(bench: BreakerBench) -> None:
    bench.open()
    assert bench.refusal().retry_after_s == OPEN_S
    bench.clock.now_s += 9.5
    refusal = bench.refusal()
    assert (refusal.retry_after_s, refusal.reason) == (0.5, "circuit_open")
    assert bench.states == [CLOSED, OPEN]


def test_refusals_do_not_prolong_the_time(bench: BreakerBench) -> None:
    bench.open()
    bench.clock.now_s += OPEN_S / 2
    for _ in range(2 * FAILURES):
        bench.refusal()
    bench.clock.now_s += OPEN_S / 2
    bench.succeed()
    assert bench.states[-1] is CLOSED


def test_while_the_probe_is_under_way_everybody_else_is_refused(bench: BreakerBench) -> None:
    bench.open()
    bench.clock.now_s += OPEN_S
    with bench.breaker.admitted():
        assert bench.states[-1] is HALF_OPEN
        assert bench.refusal().retry_after_s == OPEN_S
        # The probe stays the only one, however long it takes.
        bench.clock.now_s += 10 * OPEN_S
        bench.refusal()
    assert bench.states == [CLOSED, OPEN, HALF_OPEN, CLOSED]


def test_a_probe_that_succeeds_closes_it_for_a_whole_row_of_failures(bench: BreakerBench) -> None:
    bench.open()
    bench.clock.now_s += OPEN_S
    bench.succeed()
    bench.fail(FAILURES - 1)
    assert bench.states[-1] is CLOSED


def test_a_probe_that_fails_opens_it_for_the_whole_time_again(bench: BreakerBench) -> None:
    bench.open()
    bench.clock.now_s += OPEN_S
    bench.fail()
    assert bench.states == [CLOSED, OPEN, HALF_OPEN, OPEN]
    bench.clock.now_s += OPEN_S - 1
    assert bench.refusal().retry_after_s == 1


class LateCall:
    """A call that the test ends explicitly, in any later state of the breaker."""

    def __init__(self, breaker: CircuitBreaker) -> None:
        self._block: AbstractContextManager[None] = breaker.admitted()
        self._block.__enter__()

    def succeed(self) -> None:
        self._block.__exit__(None, None, None)

    def fail(self) -> None:
        assert not self._block.__exit__(Boom, Boom(), None)


def test_late_failures_of_calls_from_before_it_opened_do_not_open_it_again(
    bench: BreakerBench,
) -> None:
    late = [LateCall(bench.breaker) for _ in range(FAILURES)]
    bench.open()
    bench.clock.now_s += OPEN_S
    bench.succeed()
    for call in late:
        call.fail()
    assert bench.states == [CLOSED, OPEN, HALF_OPEN, CLOSED]


def test_a_late_success_neither_closes_an_open_breaker_nor_stands_for_the_probe(
    bench: BreakerBench,
) -> None:
    late = [LateCall(bench.breaker), LateCall(bench.breaker)]
    bench.open()
    late[0].succeed()
    assert bench.states[-1] is OPEN
    bench.clock.now_s += OPEN_S
    probe = LateCall(bench.breaker)
    late[1].succeed()
    assert bench.states[-1] is HALF_OPEN
    probe.fail()
    assert bench.states[-1] is OPEN


def test_a_late_failure_while_open_does_not_prolong_the_time(bench: BreakerBench) -> None:
    late = LateCall(bench.breaker)
    bench.open()
    bench.clock.now_s += OPEN_S - 1
    late.fail()
    assert bench.refusal().retry_after_s == 1


def test_of_many_threads_at_once_exactly_one_is_the_probe(bench: BreakerBench) -> None:
    threads = 32
    for _ in range(30):
        bench.open()
        bench.clock.now_s += OPEN_S
        start, refused = Barrier(threads), Semaphore(0)

        def attempt(start: Barrier = start, refused: Semaphore = refused) -> bool:
            start.wait(60)
            try:
                with bench.breaker.admitted():
                    # The probe runs until all other calls have been rejected.
                    return all(refused.acquire(timeout=60) for _ in range(threads - 1))
            except CircuitOpen:
                refused.release()
                return False

        with ThreadPoolExecutor(threads) as pool:
            were_probes = [pool.submit(attempt) for _ in range(threads)]
        assert sum(each.result() for each in were_probes) == 1
        assert bench.states[-1] is CLOSED


@given(st.lists(st.booleans(), max_size=40))
def test_it_is_open_exactly_if_the_last_results_are_a_row_of_failures(results: list[bool]) -> None:
    """Sequential calls, up to the first row of failures that opens the breaker."""
    bench = BreakerBench()
    in_a_row = 0
    for is_success in results:
        if bench.states[-1] is OPEN:
            bench.refusal()
            break
        if is_success:
            bench.succeed()
        else:
            bench.fail()
        in_a_row = 0 if is_success else in_a_row + 1
        assert (bench.states[-1] is OPEN) == (in_a_row == FAILURES)


class Traffic(RuleBasedStateMachine):
    """Calls that begin and end in any order while time passes, compared with a simple model.

    The model knows eras: a call belongs to the one that it began in.
    """

    def __init__(self) -> None:
        super().__init__()
        self.bench = BreakerBench()
        self.calls: list[tuple[LateCall, int]] = []
        self.state, self.era, self.failures, self.opened_at = CLOSED, 0, 0, 0.0

    def enter(self, state: CircuitState) -> None:
        self.state, self.era, self.failures = state, self.era + 1, 0
        if state is OPEN:
            self.opened_at = self.bench.clock.now_s

    @rule(seconds=st.sampled_from([0.1, 1.0, OPEN_S / 2, OPEN_S]))
    def let_time_pass(self, seconds: float) -> None:
        self.bench.clock.now_s += seconds

    @rule()
    def begin(self) -> None:
        left_s = self.opened_at + OPEN_S - self.bench.clock.now_s
        if self.state is HALF_OPEN or (self.state is OPEN and left_s > 0):
            reported_s = self.bench.refusal().retry_after_s
            assert reported_s == (OPEN_S if self.state is HALF_OPEN else left_s)
            return
        if self.state is OPEN:
            self.enter(HALF_OPEN)
        self.calls.append((LateCall(self.bench.breaker), self.era))

    @precondition(lambda self: bool(self.calls))
    @rule(choice=st.integers(0, 1000), is_success=st.booleans())
    def end(self, choice: int, is_success: bool) -> None:
        call, era = self.calls.pop(choice % len(self.calls))
        if is_success:
            call.succeed()
        else:
            call.fail()
        if era != self.era:
            return
        self.failures = 0 if is_success else self.failures + 1
        if not is_success and (self.state is HALF_OPEN or self.failures == FAILURES):
            self.enter(OPEN)
        elif self.state is HALF_OPEN:
            self.enter(CLOSED)

    @invariant()
    def the_breaker_says_what_the_model_says(self) -> None:
        assert self.bench.states[-1] is self.state

    @invariant()
    def at_most_one_call_is_a_probe(self) -> None:
        probes = sum(era == self.era for _, era in self.calls) if self.state is HALF_OPEN else 0
        assert probes <= 1

    def teardown(self) -> None:
        # Leaves every entered block, since an abandoned generator would warn when collected.
        for call, _ in self.calls:
            call.succeed()


def test_calls_that_begin_and_end_in_any_order_keep_to_the_model() -> None:
    run_state_machine_as_test(Traffic, settings=hypothesis_settings(stateful_step_count=40))
