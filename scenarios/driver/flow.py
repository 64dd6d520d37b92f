"""Run the steps of one iteration; the same code for one user and under load.

For each step: record the intent, send the request, compare the response, save its values, record
the outcome. The first step that is not ok ends the iteration.
"""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from jmespath.exceptions import JMESPathError

from config.environment import Environment
from config.network import Network
from config.redaction import Secrets, redact
from config.verbatim import TextPart
from scenarios.evidence.exchange import Outcome, trace_id
from scenarios.evidence.recording import CUT_OFF_REASON, Recorder
from scenarios.http.bounded_json import UnboundedJson, decode_json
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
from scenarios.language.secrets import secret_variables, secrets_of
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

    `secrets` are never recorded, even if a response contains them; the values of
    `secret_variables` become secrets when they are saved.
    """

    run_id: str
    tenant: str
    steps: tuple[CompiledStep, ...]
    network: Network = _DIRECT
    secrets: Secrets = field(default_factory=Secrets)
    secret_variables: frozenset[str] = frozenset()

    @property
    def step_names(self) -> tuple[str, ...]:
        """The names of the steps; the position of a name is the number of its step."""
        return tuple(step.name for step in self.steps)


def compile_flow(
    scenario: Scenario,
    environment: Environment,
    run_id: str,
    tenant: str,
    secrets: Secrets | None = None,
) -> Flow:
    """Compile the steps of a scenario against an environment's addresses.

    `secrets` are those of both, unless they are known already.
    """
    known = {"tenant": tenant, "run": run_id}
    steps = tuple(
        _compile_step(number, step, environment, known) for number, step in enumerate(scenario.flow)
    )
    return Flow(
        run_id, tenant, steps, environment.network,
        secrets or Secrets(secrets_of(scenario, environment)),
        secret_variables(scenario, environment),
    )  # fmt: skip


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
        mismatch = _check(flow, step, response, variables)
        if mismatch:
            _conclude(flow, recorder, number, (sent_s, done_s), Outcome.REJECTED, mismatch,
                      request, response)  # fmt: skip
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
        Outcome.NOT_SENT if not_sent else Outcome.UNKNOWN,
        FailureReason(CUT_OFF_REASON if cut_off else str(error)), request, cut_off=cut_off,
    )  # fmt: skip


def _conclude(
    flow: Flow, recorder: Recorder, number: int, times_s: tuple[float, float], outcome: Outcome,
    reason: FailureReason, request: Request | None, response: Response | None = None, *,
    cut_off: bool = False,
) -> None:  # fmt: skip
    """Record a failure; only where its detail is kept, request and response are redacted."""
    text, group = map(flow.secrets.redact_repeated, reason)
    detail = _detail(flow, request, response) if recorder.keeps_detail(text) else None
    status = response.status if response else None
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
        name: redact(text, flow.secrets, _SNIPPET_CHARACTERS) if text else text
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
    flow: Flow, step: CompiledStep, response: Response, variables: dict[str, Any]
) -> FailureReason | None:
    """Return why a response is not as expected, or None; save its values into the variables."""
    if response.status != step.status:
        _learn_unsaved(flow, step, response)
        return FailureReason(f"status {response.status}, expected {step.status}")
    if response.body_error or not step.reads_body:
        return FailureReason(response.body_error) if response.body_error else None
    try:
        content = decode_json(response.body)
    except UnboundedJson as error:
        return FailureReason(str(error))
    except ValueError:
        what = f"{response.content_type or 'no content type'}, {len(response.body):,} bytes"
        return FailureReason(f"not JSON: {what if response.body else 'an empty body'}", "not JSON")
    try:
        return _check_content(flow, step, content, variables)
    except (JMESPathError, TemplateError) as error:
        group = "the response does not fit the expectation"
        return FailureReason(f"{group}: {_short(str(error), flow.secrets)}", group)


def _check_content(
    flow: Flow, step: CompiledStep, content: Any, variables: dict[str, Any]
) -> FailureReason | None:
    for path, expression, template in step.expected:
        found, expected = expression(content), template(variables)
        if not _same(found, expected):
            _learn(flow, step, content)
            observed, wanted = (_short(value, flow.secrets) for value in (found, expected))
            text = f"{path} is {observed}, expected {wanted}"
            return FailureReason(text, f"{path} is not as expected")
    for name, path, expression in step.saved:
        found = expression(content)
        if found is None:
            return FailureReason(f"the response has no {path}")
        variables[name] = found
        if name in flow.secret_variables:
            flow.secrets.learn(found)
    return None


def _learn_unsaved(flow: Flow, step: CompiledStep, response: Response) -> None:
    """Learn the secrets of a response that is not as expected, and is kept for that."""
    if step.reads_body and flow.secret_variables:
        with suppress(ValueError, RecursionError, JMESPathError):
            _learn(flow, step, decode_json(response.body))


def _learn(flow: Flow, step: CompiledStep, content: Any) -> None:
    """Learn the secrets that a step saves, before anything of the response is quoted."""
    for name, _, expression in step.saved:
        if name in flow.secret_variables:
            flow.secrets.learn(expression(content))


def _same(found: Any, expected: Any) -> bool:
    """Compare JSON values: 1 equals 1.0, but unlike in Python not true."""
    if isinstance(found, list) and isinstance(expected, list):
        return len(found) == len(expected) and all(map(_same, found, expected))
    if isinstance(found, dict) and isinstance(expected, dict):
        return found.keys() == expected.keys() and all(
            _same(found[key], expected[key]) for key in found
        )
    return bool(found == expected) and isinstance(found, bool) == isinstance(expected, bool)


def _short(value: Any, secrets: Secrets) -> str:
    """Return a value as JSON, redacted before it is cut."""
    text = json.dumps(value, default=str)
    short = redact(text, secrets, _VALUE_CHARACTERS)
    return short if len(text) <= _VALUE_CHARACTERS else f"{short}…"
