"""Compile the headers of a step: which it has, and which of them change from request to request."""

from collections.abc import Callable, Mapping

from config.auth import AUTHORIZATION
from config.environment import Environment
from config.headers import override
from config.verbatim import TextPart
from scenarios.driver.stream_expectations import EVENT_STREAM
from scenarios.http.streams import StreamKind
from scenarios.language.payload import JSON_TYPE, Payload
from scenarios.language.steps import Step
from scenarios.language.templates import Constant, Template, Variables, compile_header

Headers = Callable[[Variables], tuple[tuple[str, str], ...]]


def has_own_cookie(step: Step, environment: Environment) -> bool:
    """Return whether a header Cookie is written: then no other cookie is sent, if null none."""
    common = environment.headers_of(step.request_parts()[1])
    return any(name.lower() == "cookie" for name in (*common, *step.headers))


def header_parts(
    step: Step, environment: Environment, payload: Payload | None
) -> dict[str, tuple[TextPart, ...]]:
    """Return the headers of a step: its own, else those of its service, else its body's type.

    A Content-Type of a service is that of JSON bodies: it fits no form and no file.
    """
    common = environment.headers_of(step.request_parts()[1])
    if step.stream is StreamKind.SSE:
        common = override({"Accept": (TextPart(EVENT_STREAM, is_verbatim=True),)}, common)
    written = {
        name: None if value is None else (TextPart(value),) for name, value in step.headers.items()
    }
    if not payload:
        return override(common, written)
    of_body = {"Content-Type": (TextPart(payload.content_type, is_verbatim=True),)}
    if payload.content_type == JSON_TYPE:
        return override(override(of_body, common), written)
    return override(override(common, of_body), written)


def compile_headers(
    headers: Mapping[str, tuple[TextPart, ...]], known: Variables, token: Template | None
) -> tuple[tuple[tuple[str, str], ...], Headers | None]:
    """Separate the headers with a constant value from those that change, such as a token."""
    compiled = {name: compile_header(parts, known) for name, parts in headers.items()}
    constant = {
        name: template.value
        for name, template in compiled.items()
        if isinstance(template, Constant)
    }
    changing = [(name, template) for name, template in compiled.items() if name not in constant]
    changing += [(AUTHORIZATION, token)] if token else []
    if not changing:
        return tuple(constant.items()), None
    return tuple(constant.items()), lambda variables: tuple(
        (name, template(variables)) for name, template in changing
    )
