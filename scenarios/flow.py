"""How does one virtual user pass once through the steps? The same code alone and under load."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError

from config.environment import Environment
from config.network import Network
from config.secrets import blot_out
from scenarios.exchange import CUT_OFF, Exchange, Outcome, trace_id
from scenarios.http_client import Answer, NotSent, Request, Sender, Unanswered
from scenarios.model import Scenario, Step
from scenarios.recording import Recorder
from scenarios.templates import Template, TemplateError, Variables, compile_text, compile_value

TRACE_HEADER = "X-Trace-ID"

_HEAD_BYTES = 2_000
_SHORT = 200

_ANYWHERE = Network()

Extract = Callable[[Any], Any]


@dataclass(frozen=True)
class CompiledStep:
    """One step with everything compiled that can be before the first request."""

    name: str
    method: str
    url: Template
    headers: dict[str, Template]
    body: Template
    timeout_s: float
    status: int
    expected: tuple[tuple[str, Extract, Template], ...]
    saved: tuple[tuple[str, str, Extract], ...]


@dataclass(frozen=True)
class Flow:
    """The compiled steps, in order, the run that they belong to, and how its hosts are reached.

    `secrets` are never recorded, whatever an answer tells.
    """

    run_id: str
    tenant: str
    steps: tuple[CompiledStep, ...]
    network: Network = _ANYWHERE
    secrets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Checked:
    """What an answer came to: why it is not as expected (empty if it is), and what to keep."""

    reason: str
    saved: dict[str, Any]


def compile_flow(scenario: Scenario, environment: Environment, run_id: str, tenant: str) -> Flow:
    """Compile the steps of a scenario against an environment's addresses."""
    steps = tuple(_compile_step(step, environment) for step in scenario.flow)
    return Flow(run_id, tenant, steps, environment.network, environment.secrets())


def run_iteration(
    flow: Flow, iteration: int, due_s: float, sender: Sender, recorder: Recorder
) -> bool:
    """Pass once through the flow; stop at the first step that is not ok. Tell whether all were.

    The first step is due at `due_s` (seconds on the recorder's clock), each other when the one
    before it is done.
    """
    variables = _variables(flow, recorder.generator, iteration)
    for step in flow.steps:
        exchange, saved = _run_step(flow, step, iteration, due_s, variables, sender, recorder)
        if exchange.outcome is not Outcome.OK:
            return False
        variables |= saved
        due_s = exchange.done_s
    return True


def _run_step(
    flow: Flow,
    step: CompiledStep,
    iteration: int,
    due_s: float,
    variables: dict[str, Any],
    sender: Sender,
    recorder: Recorder,
) -> tuple[Exchange, dict[str, Any]]:
    sequence = recorder.intend(iteration, step.name, due_s)
    attempt = _Attempt(recorder, flow.secrets, (sequence, iteration, step.name, due_s))
    try:
        request = _request(step, variables, trace_id(flow.run_id, recorder.generator, sequence))
    except TemplateError as error:
        return attempt.conclude(Outcome.NOT_SENT, reason=str(error)), {}
    attempt.begin(request)
    try:
        answer = sender.send(request)
    except NotSent as error:
        return attempt.conclude(Outcome.NOT_SENT, reason=str(error)), {}
    except Unanswered as error:
        return attempt.conclude(Outcome.UNKNOWN, reason=str(error)), {}
    except BaseException:  # a greenlet killed in flight: the request may have arrived
        attempt.conclude(Outcome.UNKNOWN, reason=CUT_OFF)
        raise
    attempt.done_s = recorder.now_s()
    checked = _check(step, answer, variables)
    outcome = Outcome.REJECTED if checked.reason else Outcome.OK
    return attempt.conclude(outcome, answer, checked.reason), checked.saved


class _Attempt:
    """One exchange while it is under way."""

    def __init__(
        self, recorder: Recorder, secrets: tuple[str, ...], begun: tuple[int, int, str, float]
    ) -> None:
        self._recorder = recorder
        self._secrets = secrets
        self._begun = begun
        self._sent_s = recorder.now_s()
        self._request: Request | None = None
        self.done_s: float | None = None

    def begin(self, request: Request) -> None:
        self._request = request
        self._sent_s = self._recorder.now_s()

    def conclude(
        self, outcome: Outcome, answer: Answer | None = None, reason: str = ""
    ) -> Exchange:
        done_s = self._recorder.now_s() if self.done_s is None else self.done_s
        status = answer.status if answer else None
        exchange = Exchange(
            self._recorder.generator, *self._begun, self._sent_s, done_s, outcome, status,
            blot_out(reason, self._secrets) if reason else "",
        )  # fmt: skip
        detail = self._detail(answer) if reason else None
        self._recorder.conclude(exchange, detail)
        return exchange

    def _detail(self, answer: Answer | None) -> dict[str, Any]:
        """Keep what repeats and explains a failure: no header, since headers carry tokens."""
        told = {}
        request = self._request
        if request:
            body = None if request.body is None else json.dumps(request.body, default=str)
            told = {"method": request.method, "url": request.url, "body": body}
        if answer:
            told["answer_head"] = answer.body.decode(errors="replace")
        return {
            name: blot_out(text, self._secrets)[:_HEAD_BYTES] if text else text
            for name, text in told.items()
        }


def _compile_step(step: Step, environment: Environment) -> CompiledStep:
    method, service, path = step.request_parts()
    base = environment.services[service].url
    headers = {**environment.headers, **step.headers}
    return CompiledStep(
        name=step.step,
        method=method,
        url=compile_text(base + path),
        headers={name: compile_text(value) for name, value in headers.items()},
        body=compile_value(step.body),
        timeout_s=step.timeout,
        status=step.expect.status,
        expected=tuple(
            (path, jmespath.compile(path).search, compile_value(value))
            for path, value in step.expect.answer.items()
        ),
        saved=tuple(
            (name, path, jmespath.compile(path).search) for name, path in step.save.items()
        ),
    )


def _variables(flow: Flow, generator: str, iteration: int) -> dict[str, Any]:
    unique = f"{flow.run_id}-{generator}-{iteration}"
    return {"tenant": flow.tenant, "run": flow.run_id, "iteration": iteration, "unique": unique}


def _request(step: CompiledStep, variables: Variables, trace: str) -> Request:
    headers = {name: template(variables) for name, template in step.headers.items()}
    headers[TRACE_HEADER] = trace
    return Request(step.method, step.url(variables), headers, step.body(variables), step.timeout_s)


def _check(step: CompiledStep, answer: Answer, variables: Variables) -> Checked:
    if answer.status != step.status:
        return Checked(f"status {answer.status}, expected {step.status}", {})
    if answer.broken:
        return Checked(answer.broken, {})
    if not step.expected and not step.saved:
        return Checked("", {})
    try:
        content = json.loads(answer.body)
    except (ValueError, RecursionError):
        return Checked(f"not JSON: {_described(answer)}", {})
    return _check_content(step, content, variables)


def _check_content(step: CompiledStep, content: Any, variables: Variables) -> Checked:
    try:
        for path, extract, template in step.expected:
            found, wanted = extract(content), template(variables)
            if not _same(found, wanted):
                return Checked(f"{path} is {_short(found)}, expected {_short(wanted)}", {})
        saved = {name: extract(content) for name, _, extract in step.saved}
    except (JMESPathError, TemplateError) as error:
        return Checked(f"the answer does not fit the expectation: {_short(str(error))}", {})
    for name, path, _ in step.saved:
        if saved[name] is None:
            return Checked(f"the answer has no {path}", {})
    return Checked("", saved)


def _same(found: Any, wanted: Any) -> bool:
    """Compare JSON values: 1 equals 1.0, but true is no number."""
    if isinstance(found, list) and isinstance(wanted, list):
        return len(found) == len(wanted) and all(map(_same, found, wanted))
    if isinstance(found, dict) and isinstance(wanted, dict):
        return found.keys() == wanted.keys() and all(
            _same(found[key], wanted[key]) for key in found
        )
    return bool(found == wanted) and isinstance(found, bool) == isinstance(wanted, bool)


def _described(answer: Answer) -> str:
    if not answer.body:
        return "an empty body"
    return f"{answer.content_type or 'no content type'}, {len(answer.body):,} bytes"


def _short(value: Any) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= _SHORT else f"{text[:_SHORT]}…"
