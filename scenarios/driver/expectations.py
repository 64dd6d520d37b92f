"""Compare a response with what its step expects, and save its values."""

import json
from contextlib import suppress
from typing import Any

from jmespath.exceptions import JMESPathError

from config.redaction import Secrets, redact
from config.secrets import MAX_LENGTH, MAX_TEXTS, is_bounded
from scenarios.driver.failure_reason import FailureReason
from scenarios.driver.flow import CompiledStep, Flow
from scenarios.driver.json_expectations import JsonExpectation
from scenarios.driver.message_expectations import MessageExpectations
from scenarios.driver.stream_expectations import decode_events
from scenarios.http.bounded_json import UnboundedJson, decode_json
from scenarios.http.messages import Response
from scenarios.language.streams import EVENTS_VARIABLE
from scenarios.language.templates import TemplateError
from scenarios.language.text_pattern import PatternTooSlow

_VALUE_CHARACTERS = 200


def check_response(
    flow: Flow, step: CompiledStep, response: Response, variables: dict[str, Any]
) -> FailureReason | None:
    """Return why a response is not as expected, or None; save its values into the variables."""
    if response.status not in step.statuses:
        _learn_unsaved(flow, step, response)
        return FailureReason(f"status {response.status}, expected {step.status_text}")
    if response.body_error:
        return FailureReason(response.body_error)
    if step.message and (reason := _check_message(flow, step, step.message, response, variables)):
        return reason
    if not step.reads_json:
        return None
    try:
        content = decode_json(response.body)
    except ValueError as error:
        return _not_json(error, response)
    return _check_content(flow, step, content, variables)


def check_stream(
    flow: Flow, step: CompiledStep, response: Response, variables: dict[str, Any]
) -> FailureReason | None:
    """Return why a stream is not as expected, or None; its events become a variable.

    Expressions see `{"events": [...]}`.
    """
    variables[EVENTS_VARIABLE] = []
    if step.stream is None or response.stream is None or response.status not in step.statuses:
        return check_response(flow, step, response, variables)
    wrong = step.stream.mismatch(response, response.stream)
    try:
        events = decode_events(response.stream.events)
    except UnboundedJson as error:
        return FailureReason(*(wrong or (str(error),)))
    wrong = wrong or step.stream.wrong_line(events, response.stream)
    reason = FailureReason(*wrong) if wrong else None
    variables[EVENTS_VARIABLE], content = events, {"events": events}
    if not reason and step.message:
        reason = _check_message(flow, step, step.message, response, variables)
    if reason:
        _learn(flow, step, content)
        return reason
    return _check_content(flow, step, content, variables)


def _check_message(
    flow: Flow, step: CompiledStep, message: MessageExpectations, response: Response,
    variables: dict[str, Any],
) -> FailureReason | None:  # fmt: skip
    """Return why headers or text are not as expected, or None; save what is saved of them."""
    try:
        if wrong := message.mismatch(response, variables):
            _learn_unsaved(flow, step, response)
            return FailureReason(_cut(wrong[0], flow.secrets), wrong[1])
        for part in message.saved:
            found = part.read(response)
            if found is None:
                return FailureReason(part.missing)
            variables[part.name] = found
            if part.name in flow.secret_variables and (
                reason := _learn_saved(flow, part.name, found)
            ):
                return reason
    except (TemplateError, PatternTooSlow) as error:
        return _unfit(error, flow)
    return None


def _not_json(error: ValueError, response: Response) -> FailureReason:
    if isinstance(error, UnboundedJson):
        return FailureReason(str(error))
    what = f"{response.content_type or 'no content type'}, {len(response.body):,} bytes"
    return FailureReason(f"not JSON: {what if response.body else 'an empty body'}", "not JSON")


def _unfit(error: Exception, flow: Flow) -> FailureReason:
    group = "the response does not fit the expectation"
    return FailureReason(f"{group}: {_short(str(error), flow.secrets)}", group)


def _check_content(
    flow: Flow, step: CompiledStep, content: Any, variables: dict[str, Any]
) -> FailureReason | None:
    """Return why JSON is not as expected, or None; save its values."""
    if step.schema and (wrong := step.schema(content)):
        _learn(flow, step, content)
        group = "the body does not fit its schema"
        return FailureReason(f"{group}: {_cut(wrong, flow.secrets)}", group)
    try:
        for each in step.expected:
            if not each.is_met(content, variables):
                return _unmet(flow, step, each, content, variables)
        for name, path, expression in step.saved:
            found = expression(content)
            if found is None:
                return FailureReason(f"the response has no {path}")
            variables[name] = found
            if name in flow.secret_variables and (reason := _learn_saved(flow, name, found)):
                return reason
    except (JMESPathError, TemplateError) as error:
        return _unfit(error, flow)
    return None


def _unmet(
    flow: Flow, step: CompiledStep, unmet: JsonExpectation, content: Any, variables: dict[str, Any]
) -> FailureReason:
    _learn(flow, step, content)
    observed = _short(unmet.found(content), flow.secrets)
    expected = _short(unmet.expected(variables), flow.secrets)
    text = f"{unmet.path} is {observed}, expected {expected}"
    return FailureReason(text, f"{unmet.path} is not as expected")


def _learn_saved(flow: Flow, name: str, value: Any) -> FailureReason | None:
    """Learn a saved secret, or return why it cannot be one."""
    flow.secrets.learn(value)
    if is_bounded(value):
        return None
    most = f"{MAX_LENGTH:,} characters or {MAX_TEXTS} texts"
    return FailureReason(f"{name} is a secret of over {most}; save less, or make it public")


def _learn_unsaved(flow: Flow, step: CompiledStep, response: Response) -> None:
    """Learn the secrets of a response that is not as expected, and is kept for that."""
    if not flow.secret_variables:
        return
    for part in step.message.saved if step.message else ():
        if part.name in flow.secret_variables:
            with suppress(PatternTooSlow):
                flow.secrets.learn(part.read(response))
    if step.reads_json:
        with suppress(ValueError, RecursionError, JMESPathError):
            _learn(flow, step, decode_json(response.body))


def _learn(flow: Flow, step: CompiledStep, content: Any) -> None:
    """Learn the secrets that a step saves, before anything of the response is quoted."""
    for name, _, expression in step.saved:
        if name in flow.secret_variables:
            flow.secrets.learn(expression(content))


def _short(value: Any, secrets: Secrets) -> str:
    """Return a value as JSON, redacted before it is cut."""
    return _cut(json.dumps(value, default=str), secrets)


def _cut(text: str, secrets: Secrets) -> str:
    short = redact(text, secrets, _VALUE_CHARACTERS)
    return short if len(text) <= _VALUE_CHARACTERS else f"{short}…"
