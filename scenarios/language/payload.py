"""Compile the body of a step's request, whatever its kind, with the type that it is sent as."""

from dataclasses import dataclass

from scenarios.language.attachments import Attachments
from scenarios.language.multipart import compile_multipart, new_boundary
from scenarios.language.request_body import BodyTemplate, compile_body
from scenarios.language.steps import Step
from scenarios.language.templates import Constant, Template, TemplateError, Variables, compile_text
from scenarios.language.urlencoded import compile_form

JSON_TYPE = "application/json"
FORM_TYPE = "application/x-www-form-urlencoded"
_TEXT_TYPE = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Payload:
    """A body, and its media type."""

    content_type: str
    render: BodyTemplate


def compile_payload(step: Step, known: Variables, files: Attachments) -> Payload | None:
    """Compile the body of a step, or return None if it has none. Raises TemplateError."""
    match step.body_keys:
        case ("form",):
            return Payload(FORM_TYPE, _encoded(compile_form(step.form, known)))
        case ("multipart",):
            boundary = new_boundary()
            render = compile_multipart(step.multipart, files, boundary, known)
            return Payload(f"multipart/form-data; boundary={boundary}", render)
        case ("text",):
            return Payload(_TEXT_TYPE, _encoded(compile_text(step.text, known)))
        case ("file",) if step.file_body:
            return Payload(step.file_body.type, _constant(files[step.file_body.path]))
        case ("json",):
            return Payload(JSON_TYPE, compile_body(step.json_body, known))
    return None


def _constant(content: bytes) -> BodyTemplate:
    return lambda _: content


def _encoded(template: Template) -> BodyTemplate:
    def render(variables: Variables) -> bytes:
        try:
            encoded: bytes = template(variables).encode()
        except UnicodeEncodeError as error:
            raise TemplateError(f"cannot be sent as UTF-8: {error.reason}") from error
        return encoded

    return _constant(render({})) if isinstance(template, Constant) else render
