"""Run single steps of an iteration: send, compare, save, record.

For each step: record the intent, send the request, compare the response, save its values, record
the outcome.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from threading import Thread
from typing import Any

from msgspec.structs import replace

from config.redaction import redact
from config.secrets import is_word
from scenarios.driver.counts import NONE_PROMISED
from scenarios.driver.expectations import check_response, check_stream
from scenarios.driver.failure_reason import FailureReason
from scenarios.driver.flow import CompiledStep, Flow
from scenarios.evidence.amounts import AmountRow
from scenarios.evidence.exchange import Outcome
from scenarios.evidence.recording import CUT_OFF_REASON, Recorder
from scenarios.evidence.trace_ids import id_in
from scenarios.http.cookies import Cookie, CookieJar
from scenarios.http.messages import NotSent, Request, Response, ResponseLost, Sender
from scenarios.language.step_validation import TRACE_VARIABLE
from scenarios.language.streams import EVENTS_VARIABLE
from scenarios.language.templates import TemplateError

_SNIPPET_CHARACTERS = 2_000

Check = Callable[[Flow, CompiledStep, Response, dict[str, Any]], FailureReason | None]


class StepRunner:
    """Runs the steps of one iteration, with its variables.

    `cookies` are those of the user, or those that its responses set, or None so far. `due_s` is
    when the next step is due, in seconds on the clock of the recorder, `last` the sequence number
    of the latest request, and `promised` what the latest one with amounts may count.
    """

    __slots__ = ("cookies", "due_s", "flow", "iteration", "last", "promised", "recorder", "sender",
                 "variables")  # fmt: skip

    def __init__(
        self, flow: Flow, iteration: int, due_s: float, sender: Sender, recorder: Recorder,
        variables: dict[str, Any], cookies: CookieJar | None = None,
    ) -> None:  # fmt: skip
        """Start an iteration."""
        self.cookies = cookies
        self.flow = flow
        self.iteration = iteration
        self.due_s = due_s
        self.sender = sender
        self.recorder = recorder
        self.variables = variables
        self.last = 0
        self.promised = NONE_PROMISED

    def run(
        self, steps: Sequence[CompiledStep], mark: int = 0, check: Check = check_response,
        sender: Sender | None = None,
    ) -> bool:  # fmt: skip
        """Run steps by `sender`, by default the iteration's, up to the first that is not ok.

        Return whether all were. The last one gets the mark. An interrupt in flight is raised again.
        """
        # one loop for all steps, since this is what a load spends its time with
        flow, recorder, variables, due_s = self.flow, self.recorder, self.variables, self.due_s
        send, last = (sender or self.sender).send, steps[-1]
        has_secrets = bool(flow.secret_variables or flow.secrets.columns)
        for step in steps:
            self.last = number = recorder.intend(self.iteration, step.number, due_s)
            is_bare = not (step.has_extras or has_secrets or self.cookies)
            sent_s, request = due_s, None
            try:
                request = self._render(step, number) if is_bare else self._prepare(step, number)
                sent_s = recorder.now_s()
                response = send(request)
                self.due_s = due_s = done_s = recorder.now_s()
            except BaseException as error:
                self._record_failure(number, request, (sent_s, recorder.now_s()), error)
                if isinstance(error, TemplateError | NotSent | ResponseLost):
                    return False
                raise  # killed in flight, or Ctrl-C: the service may have carried out the request
            if is_bare and not response.sets_cookies:
                reason = check(flow, step, response, variables)
            else:
                reason = self._compare(step, number, self.promised, request, response, check)
            times_s = sent_s, done_s
            if reason:
                self._conclude(number, times_s, Outcome.REJECTED, reason, request, response)
                return False
            marks = mark if step is last else 0
            recorder.conclude(number, *times_s, Outcome.OK, response.status, marks=marks)
        return True

    def secrets(self) -> Iterator[Any]:
        """Yield the values that this iteration may send, and that no system may repeat."""
        for name in self.flow.secret_variables & self.variables.keys():
            yield self.variables[name]
        for name, columns in self.flow.secrets.columns.items():
            row = self.variables.get(name, {})
            yield from (row[column] for column in columns if column in row)
        for cookie in self.cookies or ():
            if self._is_secret(cookie):
                yield cookie.value

    def _is_secret(self, cookie: Cookie) -> bool:
        return cookie.name.lower() not in self.flow.public and not is_word(cookie.value)

    def refuse(self, step: CompiledStep, reason: str) -> bool:
        """Record that a step was not sent, and why; return False."""
        number = self.recorder.intend(self.iteration, step.number, self.due_s)
        self._record_failure(number, None, (self.due_s, self.recorder.now_s()), NotSent(reason))
        return False

    def run_together(self, steps: Sequence[CompiledStep]) -> bool:
        """Run steps at once, each over a connection of its own; return whether all were ok."""
        calls = [
            self._call(step, sender.streaming() if step.stream else sender)
            for step, sender in zip(steps, self.sender.parallel(len(steps)), strict=True)
        ]
        try:
            _send_all(calls, self.recorder.now_s)
        finally:
            is_ok = [self._conclude_call(call) for call in calls]
            self.due_s = self.recorder.now_s()
        return all(is_ok)

    def _call(self, step: CompiledStep, sender: Sender) -> "_Call":
        """Record the intent of a request that is sent with others."""
        number = self.last = self.recorder.intend(self.iteration, step.number, self.due_s)
        call = _Call(step, number, sender, self.due_s, self.due_s)
        try:
            call.request = self._prepare(step, number)
            call.promised = self.promised
        except TemplateError as error:
            call.error = error
        return call

    def _conclude_call(self, call: "_Call") -> bool:
        step, number, request, response = call.step, call.number, call.request, call.response
        times_s = call.sent_s, call.done_s
        if response is None or request is None:
            error = call.error or InterruptedError()  # before the response
            self._record_failure(number, request, times_s, error)
            return False
        if step.uses_trace_id:
            self.variables[TRACE_VARIABLE] = id_in(request.trace, self.flow.trace_header)
        check = check_stream if step.stream else check_response
        reason = self._compare(step, number, call.promised, request, response, check)
        if reason:
            self._conclude(number, times_s, Outcome.REJECTED, reason, request, response)
        else:
            self.recorder.conclude(number, *times_s, Outcome.OK, response.status)
        if response.stream:
            self.recorder.note_stream(number, response.stream)
        self.variables.pop(EVENTS_VARIABLE, None)  # as of a stream by itself
        return reason is None

    def _render(self, step: CompiledStep, number: int) -> Request:
        """Return the request of a step, without cookies. Raises TemplateError."""
        flow, variables = self.flow, self.variables
        return Request(
            step.request_template,
            step.target(variables),
            flow.trace_value(flow.run_id, self.recorder.generator, number),
            step.body(variables) if step.body else None,
            step.headers(variables) if step.headers else (),
        )

    def _prepare(self, step: CompiledStep, number: int) -> Request:
        """Return the request of a step, and record what it promises. Raises TemplateError."""
        flow = self.flow
        if step.uses_trace_id:
            trace = flow.trace_value(flow.run_id, self.recorder.generator, number)
            self.variables[TRACE_VARIABLE] = id_in(trace, flow.trace_header)
        if step.amounts:
            flow.secrets.own = self.secrets
            self.promised = step.amounts.promise(
                self.recorder, number, self.variables, flow.secrets
            )
        request = self._render(step, number)
        return self.cookies.added_to(request) if self.cookies and step.sends_cookies else request

    def _compare(
        self, step: CompiledStep, number: int, promised: tuple[AmountRow, ...], request: Request,
        response: Response, check: Check,
    ) -> FailureReason | None:  # fmt: skip
        """Return why a response is not as expected, or None; record its amounts."""
        if response.sets_cookies or step.message:
            response = self._noted(request, response)
        secrets = self.flow.secrets
        secrets.own = self.secrets
        reason = check(self.flow, step, response, self.variables)
        if step.amounts and not reason:
            reason = step.amounts.conclude(self.recorder, number, promised, self.variables, secrets)
        return reason

    def _noted(self, request: Request, response: Response) -> Response:
        """Keep the cookies of a response; return it with the target of its request.

        The values of cookies are secrets, unless they are words.
        """
        if response.sets_cookies:
            self.cookies = CookieJar() if self.cookies is None else self.cookies
            for cookie in self.cookies.keep(request, response):
                if self._is_secret(cookie):
                    self.flow.secrets.learn(cookie.value)
        return replace(response, target=request.target)

    def _record_failure(
        self, number: int, request: Request | None, times_s: tuple[float, float],
        error: BaseException,
    ) -> None:  # fmt: skip
        """Record a request without a response."""
        sent_s, done_s = times_s
        not_sent = isinstance(error, TemplateError | NotSent)
        cut_off = not not_sent and not isinstance(error, ResponseLost)
        self._conclude(
            number, (sent_s if request else done_s, done_s),
            Outcome.NOT_SENT if not_sent else Outcome.UNKNOWN,
            FailureReason(CUT_OFF_REASON if cut_off else str(error)), request, cut_off=cut_off,
        )  # fmt: skip

    def _conclude(
        self, number: int, times_s: tuple[float, float], outcome: Outcome, reason: FailureReason,
        request: Request | None, response: Response | None = None, *, cut_off: bool = False,
    ) -> None:  # fmt: skip
        """Record a failure; only where its detail is kept, request and response are redacted."""
        self.flow.secrets.own = self.secrets
        text, group = map(self.flow.secrets.redact_repeated, reason)
        keeps = self.recorder.keeps_detail(text, group)
        detail = _detail(self.flow, request, response) if keeps else None
        status = response.status if response else None
        self.recorder.conclude(
            number, *times_s, outcome, status, text, detail, cut_off=cut_off, group=group
        )  # fmt: skip


@dataclass(slots=True)
class _Call:
    """One of several requests that are sent at once, with its response or its error."""

    step: CompiledStep
    number: int
    sender: Sender
    sent_s: float
    done_s: float
    request: Request | None = None
    response: Response | None = None
    error: BaseException | None = None
    promised: tuple[AmountRow, ...] = NONE_PROMISED


def _send_all(calls: Sequence[_Call], now_s: Callable[[], float]) -> None:
    """Send requests at once; in a load, gevent makes a greenlet of each thread."""

    def send(call: _Call, request: Request) -> None:
        call.sent_s = now_s()
        try:
            call.response = call.sender.send(request)
        except Exception as error:
            call.error = error
        call.done_s = now_s()

    threads = [
        Thread(target=send, args=(call, call.request), daemon=True)
        for call in calls
        if call.request
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _detail(flow: Flow, request: Request | None, response: Response | None) -> dict[str, Any]:
    """Return what explains a failure. No header is kept, since headers may contain tokens."""
    kept: dict[str, str | None] = {}
    if request:
        body = None if request.body is None else request.body.decode(errors="replace")
        kept = {"method": request.template.method, "url": request.url, "body": body}
        kept |= {"content_type": request.content_type} if body else {}
    if response:
        kept["answer_head"] = response.body.decode(errors="replace")
    return {
        name: redact(text, flow.secrets, _SNIPPET_CHARACTERS) if text else text
        for name, text in kept.items()
    }
