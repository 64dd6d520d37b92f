"""Run the steps of one iteration; the same code for one user and under load.

For each step: record the intent, send the request, compare the response, save its values, record
the outcome. The first step that is not ok ends the iteration.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec
from jmespath.exceptions import JMESPathError

from config.environment import Environment
from config.network import Network
from config.redaction import redact
from config.verbatim import TextPart
from scenarios.evidence.exchange import Outcome, trace_id
from scenarios.evidence.recording import CUT_OFF_REASON, Recorder
from scenarios.http.messages import (
    TRACE_HEADER,
    NotSent,
    Request,
    RequestTemplate,
    Response,
    ResponseLost,
    Sender,
    split_url,
)
from scenarios.language.expressions import Expression, compile_expression
from scenarios.language.model import Scenario, Step
from scenarios.language.request_body import BodyTemplate, compile_body
from scenarios.language.target import compile_target
from scenarios.language.templates import (
    Constant,
    Template,
    TemplateError,
    Variables,
    compile_header,
    compile_value,
)

_SNIPPET_CHARACTERS = 2_000
_VALUE_CHARACTERS = 200

_DIRECT = Network()

_decode = msgspec.json.Decoder().decode


class FailureReason(NamedTuple):
    """Why a request failed, and what that has in common with others: "" is the text itself."""

    text: str
    group: str = ""


Headers = Callable[[Variables], tuple[tuple[str, str], ...]]


@dataclass(frozen=True, slots=True)
class CompiledStep:
    """One step, compiled as far as possible before the first request.

    `headers` are those whose value changes from iteration to iteration; `expected` and `saved` have
    the JMESPath expressions as written, for messages, and compiled.
    """

    name: str
    number: int
    request_template: RequestTemplate
    target: Template
    headers: Headers | None
    body: BodyTemplate | None
    status: int
    expected: tuple[tuple[str, Expression, Template], ...]
    saved: tuple[tuple[str, str, Expression], ...]
    reads_body: bool


@dataclass(frozen=True)
class Flow:
    """The compiled steps, in order, with their run and its network.

    `secrets` are never recorded, even if a response contains them.
    """

    run_id: str
    tenant: str
    steps: tuple[CompiledStep, ...]
    network: Network = _DIRECT
    secrets: tuple[str, ...] = ()

    @property
    def step_names(self) -> tuple[str, ...]:
        """The names of the steps; the position of a name is the number of its step."""
        return tuple(step.name for step in self.steps)


def compile_flow(scenario: Scenario, environment: Environment, run_id: str, tenant: str) -> Flow:
    """Compile the steps of a scenario against an environment's addresses."""
    known = {"tenant": tenant, "run": run_id}
    steps = tuple(
        _compile_step(number, step, environment, known) for number, step in enumerate(scenario.flow)
    )
    return Flow(run_id, tenant, steps, environment.network, environment.secrets())


def run_iteration(
    flow: Flow, iteration: int, due_s: float, sender: Sender, recorder: Recorder
) -> bool:
    """Run the flow once, up to the first step that is not ok. Return whether all steps were ok.

    The first step is due at `due_s`, in seconds on the clock of the recorder; any other is due when
    the one before it is done. An interrupt in flight is raised again, after it is
    recorded.
    """
    generator = recorder.generator
    unique = f"{flow.run_id}-{generator}-{iteration}"
    variables: dict[str, Any] = {
        "tenant": flow.tenant, "run": flow.run_id, "iteration": iteration, "unique": unique,
    }  # fmt: skip
    for step in flow.steps:
        number = recorder.intend(iteration, step.number, due_s)
        trace = trace_id(flow.run_id, generator, number)
        sent_s, request = due_s, None
        try:
            request = Request(
                step.request_template, step.target(variables), trace,
                step.body(variables) if step.body else None,
                step.headers(variables) if step.headers else (),
            )  # fmt: skip
            sent_s = recorder.now_s()
            response = sender.send(request)
            due_s = done_s = recorder.now_s()
        except BaseException as error:
            _record_failure(flow, recorder, number, request, sent_s, error)
            if isinstance(error, TemplateError | NotSent | ResponseLost):
                return False
            raise  # killed in flight, or Ctrl-C: the service may have carried out the request
        mismatch = _check(step, response, variables, flow.secrets)
        if mismatch:
            detail = _detail(flow, request, response)
            _conclude(flow, recorder, number, (sent_s, done_s), Outcome.REJECTED, response.status,
                      mismatch, detail)  # fmt: skip
            return False
        recorder.conclude(number, sent_s, done_s, Outcome.OK, response.status)
    return True


def _record_failure(
    flow: Flow, recorder: Recorder, number: int, request: Request | None, sent_s: float,
    error: BaseException,
) -> None:  # fmt: skip
    """Record a request without a response."""
    done_s = recorder.now_s()
    not_sent = isinstance(error, TemplateError | NotSent)
    cut_off = not not_sent and not isinstance(error, ResponseLost)
    _conclude(
        flow, recorder, number, (sent_s if request else done_s, done_s),
        Outcome.NOT_SENT if not_sent else Outcome.UNKNOWN, None,
        FailureReason(CUT_OFF_REASON if cut_off else str(error)), _detail(flow, request, None),
        cut_off=cut_off,
    )  # fmt: skip


def _conclude(
    flow: Flow, recorder: Recorder, number: int, times_s: tuple[float, float], outcome: Outcome,
    status: int | None, reason: FailureReason, detail: dict[str, Any], *,
    cut_off: bool = False,
) -> None:  # fmt: skip
    text, group = (redact(each, flow.secrets) for each in reason)
    recorder.conclude(
        number, *times_s, outcome, status, text, detail, cut_off=cut_off, group=group
    )  # fmt: skip


def _detail(flow: Flow, request: Request | None, response: Response | None) -> dict[str, Any]:
    """Return what explains a failure. No header is kept, since headers may contain tokens."""
    kept: dict[str, str | None] = {}
    if request:
        body = None if request.body is None else request.body.decode(errors="replace")
        kept = {"method": request.template.method, "url": request.url, "body": body}
    if response:
        kept["answer_head"] = response.body.decode(errors="replace")
    return {
        name: redact(text, flow.secrets)[:_SNIPPET_CHARACTERS] if text else text
        for name, text in kept.items()
    }


def _compile_step(
    number: int, step: Step, environment: Environment, known: Variables
) -> CompiledStep:
    method, service, path = step.request_parts()
    origin, base = split_url(environment.services[service].url)
    written = {name: (TextPart(value),) for name, value in step.headers.items()}
    constant, changing = _headers({**environment.header_parts, **written}, known)
    body = None if step.body is None else compile_body(step.body, known)
    return CompiledStep(
        name=step.step,
        number=number,
        request_template=RequestTemplate(method, origin, constant, step.timeout, body is not None),
        target=compile_target(base, path, known),
        headers=changing,
        body=body,
        status=step.expect.status,
        expected=tuple(
            (path, compile_expression(path), compile_value(value, known))
            for path, value in step.expect.body_values.items()
        ),
        saved=tuple((name, path, compile_expression(path)) for name, path in step.save.items()),
        reads_body=bool(step.expect.body_values or step.save),
    )


def _headers(
    headers: Mapping[str, tuple[TextPart, ...]], known: Variables
) -> tuple[tuple[tuple[str, str], ...], Headers | None]:
    """Separate the headers with a constant value from those that change."""
    compiled = {
        name: compile_header(parts, known)
        for name, parts in headers.items()
        if name.lower() != TRACE_HEADER.lower()
    }
    constant = {
        name: template.value
        for name, template in compiled.items()
        if isinstance(template, Constant)
    }
    changing = [(name, template) for name, template in compiled.items() if name not in constant]
    if not changing:
        return tuple(constant.items()), None
    return tuple(constant.items()), lambda variables: tuple(
        (name, template(variables)) for name, template in changing
    )


def _check(
    step: CompiledStep, response: Response, variables: dict[str, Any], secrets: tuple[str, ...]
) -> FailureReason | None:
    """Return why a response is not as expected, or None; save its values into the variables."""
    if response.status != step.status:
        return FailureReason(f"status {response.status}, expected {step.status}")
    if response.body_error or not step.reads_body:
        return FailureReason(response.body_error) if response.body_error else None
    try:
        content = _decode(response.body)
    except (ValueError, RecursionError):
        what = f"{response.content_type or 'no content type'}, {len(response.body):,} bytes"
        return FailureReason(f"not JSON: {what if response.body else 'an empty body'}", "not JSON")
    try:
        return _check_content(step, content, variables, secrets)
    except (JMESPathError, TemplateError) as error:
        group = "the response does not fit the expectation"
        return FailureReason(f"{group}: {_short(str(error), secrets)}", group)


def _check_content(
    step: CompiledStep, content: Any, variables: dict[str, Any], secrets: tuple[str, ...]
) -> FailureReason | None:
    for path, expression, template in step.expected:
        found, expected = expression(content), template(variables)
        if not _same(found, expected):
            text = f"{path} is {_short(found, secrets)}, expected {_short(expected, secrets)}"
            return FailureReason(text, f"{path} is not as expected")
    for name, path, expression in step.saved:
        found = expression(content)
        if found is None:
            return FailureReason(f"the response has no {path}")
        variables[name] = found
    return None


def _same(found: Any, expected: Any) -> bool:
    """Compare JSON values: 1 equals 1.0, but unlike in Python not true."""
    if isinstance(found, list) and isinstance(expected, list):
        return len(found) == len(expected) and all(map(_same, found, expected))
    if isinstance(found, dict) and isinstance(expected, dict):
        return found.keys() == expected.keys() and all(
            _same(found[key], expected[key]) for key in found
        )
    return bool(found == expected) and isinstance(found, bool) == isinstance(expected, bool)


def _short(value: Any, secrets: tuple[str, ...]) -> str:
    """Return a value as JSON, redacted before it is cut."""
    text = redact(json.dumps(value, default=str), secrets)
    return text if len(text) <= _VALUE_CHARACTERS else f"{text[:_VALUE_CHARACTERS]}…"
