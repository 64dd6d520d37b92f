"""Run the blocks of an iteration: what is repeated, left out, waited for, or sent at once."""

import random
import time
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from scenarios.driver.blocks import (
    Block,
    Blocks,
    Condition,
    ForEach,
    Repeat,
    Streamed,
    Think,
    Together,
)
from scenarios.driver.expectations import check_response, check_stream
from scenarios.driver.failure_reason import FailureReason
from scenarios.driver.flow import CompiledStep, Flow, Poll
from scenarios.driver.step_runner import Check, StepRunner
from scenarios.evidence.amounts import AmountRow
from scenarios.evidence.exchange import Mark
from scenarios.http.messages import Response
from scenarios.http.streams import Stream
from scenarios.language.blocks import MAX_EXCHANGES, MAX_ROUNDS
from scenarios.language.streams import EVENTS_VARIABLE
from scenarios.language.templates import TemplateError

Pause = Callable[[float], object]  # waits for a number of seconds
_Report = Callable[[CompiledStep], FailureReason | None]


class BlockRunner:
    """Runs blocks up to the first step that is not ok."""

    def __init__(self, runner: StepRunner, pause: Pause | None = None) -> None:
        """Run the steps by `runner`."""
        self._runner = runner
        self._steps = runner.flow.steps
        self._room, self._rounds = MAX_EXCHANGES, MAX_ROUNDS
        # the requests whose amounts a later step reports, by the number of their step
        self._pending: dict[int, tuple[int, tuple[AmountRow, ...]]] = {}
        # not a default of the parameter: gevent replaces it in a load
        self._pause = pause or time.sleep

    def run(self, blocks: Blocks) -> bool:
        """Run blocks in order; return whether every step was ok."""
        return all(map(self._run_block, blocks))

    def _run_block(self, block: Block) -> bool:
        match block:
            case int():
                return self._run_step(self._steps[block])
            case Streamed():
                return self._run_stream(self._steps[block.step])
            case Repeat() | ForEach() | Condition():
                return self._run_nested(block)
            case Think():
                pause_s = random.uniform(block.least_s, block.most_s)  # noqa: S311 - no secret
                return self._wait_until(self._runner.due_s + pause_s)
            case Together():
                steps = [self._steps[number] for number in block.steps]
                return self._has_room(steps[0], len(steps)) and self._runner.run_together(steps)

    def _run_nested(self, block: Repeat | ForEach | Condition) -> bool:
        match block:
            case Repeat():
                return self._run_each(block, range(1, block.times + 1))
            case ForEach():
                return self._run_for_each(block)
            case Condition():
                return self._run_condition(block)

    def _run_step(self, step: CompiledStep) -> bool:
        if step.poll:
            return self._run_polls(step, step.poll)
        if not self._has_room(step):
            return False
        return self._send(step, check_response) if step.has_extras else self._runner.run((step,))

    def _send(self, step: CompiledStep, check: Check) -> bool:
        """Send the request of a step; keep what it counts, if a later step reports it."""
        is_ok = self._runner.run((step,), check=self._with_reports(step, check))
        self._note_pending(step, is_ok=is_ok)
        return is_ok

    def _run_stream(self, step: CompiledStep) -> bool:
        if step.poll:
            return self._run_polls(step, step.poll)
        return self._has_room(step) and self._send_stream(step, check_stream)

    def _send_stream(self, step: CompiledStep, check: Check) -> bool:
        runner, found = self._runner, _FoundStream(self._with_reports(step, check))
        try:
            is_ok = runner.run((step,), check=found.check, sender=runner.sender.streaming())
            if found.stream:
                runner.recorder.note_stream(runner.last, found.stream)
        finally:
            # other steps do not know it, and nothing that is saved has it
            runner.variables.pop(EVENTS_VARIABLE, None)
        self._note_pending(step, is_ok=is_ok)
        return is_ok

    def _note_pending(self, step: CompiledStep, *, is_ok: bool) -> None:
        if is_ok and step.amounts and step.amounts.is_reported:
            self._pending[step.number] = self._runner.last, self._runner.promised

    def _with_reports(self, step: CompiledStep, check: Check) -> Check:
        """Return a check that also records the amounts of earlier steps, which a response has."""
        if not step.reports or step.poll:
            return check
        return lambda *response: check(*response) or self._report(step)

    def _report(self, step: CompiledStep) -> FailureReason | None:
        runner = self._runner
        for number in step.reports:
            amounts, pending = self._steps[number].amounts, self._pending.pop(number, None)
            if amounts and pending:
                reason = amounts.report(
                    runner.recorder, *pending, runner.variables, runner.flow.secrets
                )
                if reason:
                    return reason
        return None

    def _run_each(self, block: Repeat | ForEach, values: Iterable[Any]) -> bool:
        for value in values:
            self._rounds -= 1
            if self._rounds < 0:
                reason = f"its blocks have been repeated {MAX_ROUNDS:,} times, the most in one"
                return self._runner.refuse(self._steps[block.first], f"{reason} iteration")
            if block.variable:
                self._runner.variables[block.variable] = value
            if not self.run(block.blocks):
                return False
        return True

    def _run_for_each(self, block: ForEach) -> bool:
        try:
            elements = block.elements(self._runner.variables)
        except TemplateError as error:
            return self._runner.refuse(self._steps[block.first], str(error))
        if isinstance(elements, list | tuple):
            return self._run_each(block, elements)
        reason = "for_each has a value that is no list"
        return self._runner.refuse(self._steps[block.first], reason)

    def _run_condition(self, block: Condition) -> bool:
        try:
            is_true = bool(block.condition(self._runner.variables))
        except TemplateError as error:
            return self._runner.refuse(self._steps[block.first], str(error))
        return self.run(block.blocks if is_true else block.otherwise)

    # The polls of a wait are due at an interval, unless a response takes longer:
    #     polls   ├──┤      ├────────────┤├──┤      ├──┤
    #     due     │         │        (late)│        │         done, or over the time
    #             └─ first due ── within ────────────────────────────┘
    def _run_polls(self, step: CompiledStep, poll: Poll) -> bool:
        runner, wait = self._runner, _Wait(self._runner, poll, self._report)
        send = self._send_stream if step.stream else self._send
        while self._has_room(step):
            is_ok = send(step, wait.check)
            if wait.is_over:
                runner.recorder.mark(runner.last, Mark.WAIT)
            if wait.is_over or not is_ok:
                return is_ok
            wait.due_s = wait.next_due_s()
            self._wait_until(wait.due_s)
        return False

    def _wait_until(self, due_s: float) -> bool:
        """Wait until the next request is due; return True."""
        pause_s = due_s - self._runner.recorder.now_s()
        if pause_s > 0:
            self._pause(pause_s)
        self._runner.due_s = due_s
        return True

    def _has_room(self, step: CompiledStep, requests: int = 1) -> bool:
        """Return whether the iteration may send further requests; else record why not."""
        self._room -= requests
        if self._room >= 0:
            return True
        reason = f"the iteration has sent {MAX_EXCHANGES:,} requests, the most that one may"
        return self._runner.refuse(step, reason)


class _FoundStream:
    """The stream of a response, once it is checked."""

    def __init__(self, check: Check) -> None:
        self._check = check
        self.stream: Stream | None = None

    def check(
        self, flow: Flow, step: CompiledStep, response: Response, variables: dict[str, Any]
    ) -> FailureReason | None:
        """Return why a stream is not as expected, or None."""
        self.stream = response.stream
        return self._check(flow, step, response, variables)


class _Wait:
    """The polls of one step, up to the one that is done; `due_s` is when the latest one was due."""

    def __init__(self, runner: StepRunner, poll: Poll, report: _Report) -> None:
        self._runner, self._report = runner, report
        self._poll = poll
        self._until_s = runner.due_s + poll.within_s
        self.due_s = runner.due_s
        self.is_over = False

    def next_due_s(self) -> float:
        """Return when the next poll is due."""
        return max(self.due_s + self._poll.every_s, self._runner.due_s)

    def check(
        self, flow: Flow, step: CompiledStep, response: Response, variables: dict[str, Any]
    ) -> FailureReason | None:
        """Return why a response is wrong, or None: also of one that is not done yet."""
        poll, compare = self._poll, check_stream if step.stream else check_response
        # of a status that is awaited, a response that broke off is wrong, and not just not done
        if not poll.awaits_status or response.status in poll.pending.statuses:
            reason = compare(flow, poll.pending, response, variables)
            if reason:
                return reason
        reason = compare(flow, poll.done, response, variables)
        if reason is None:
            self.is_over = True
            return compare(flow, step, response, variables) or self._report(step)
        if response.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return reason
        if self.next_due_s() <= self._until_s:
            return None
        self.is_over = True
        group = f"not done within {poll.within_s:g} s"
        return FailureReason(f"{group}: {reason.text}", group)
