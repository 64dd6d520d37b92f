from pathlib import Path
from typing import Any

import pytest

from scenarios.language.payload import compile_payload
from scenarios.language.steps import Step
from scenarios.language.templates import TemplateError


def payload_of(files: dict[str, bytes] | None = None, **keys: Any) -> tuple[str, bytes] | None:
    step = Step.model_validate({"step": "s", "request": "POST shop /", **keys})
    payload = compile_payload(step, {"tenant": "t"}, files or {})
    return (payload.content_type, payload.render({"v": "R&D"})) if payload else None


@pytest.mark.parametrize(
    ("keys", "content_type", "body"),
    [
        ({"json": {"a": "{{ v }}"}}, "application/json", b'{"a":"R&D"}'),
        ({"json": None}, "application/json", b"null"),
        ({"form": {"a": "{{ v }}"}}, "application/x-www-form-urlencoded", b"a=R%26D"),
        ({"form": {}}, "application/x-www-form-urlencoded", b""),
        ({"text": "é {{ v }}"}, "text/plain; charset=utf-8", "é R&D".encode()),
        ({"text": "{{ tenant }}"}, "text/plain; charset=utf-8", b"t"),
        ({"file": "p"}, "application/octet-stream", b"\0{{ v }}"),
        ({"file": {"path": "p", "type": "image/png"}}, "image/png", b"\0{{ v }}"),
    ],
)
def test_each_kind_of_body_is_sent_as_its_type(
    keys: dict[str, Any], content_type: str, body: bytes
) -> None:
    assert payload_of({"p": b"\0{{ v }}"}, **keys) == (content_type, body)


def test_a_multipart_form_is_sent_with_its_boundary() -> None:
    payload = payload_of(multipart={"a": 1})
    assert payload is not None
    kind, _, boundary = payload[0].partition("; boundary=")
    assert kind == "multipart/form-data"
    assert payload[1].startswith(f"--{boundary}\r\n".encode())
    assert payload_of(multipart={"a": 1}) != payload


def test_a_step_without_a_body_has_none() -> None:
    assert payload_of() is None


def test_half_a_character_cannot_be_sent(tmp_path: Path) -> None:
    step = Step.model_validate({"step": "s", "request": "POST shop /", "text": "{{ v }}"})
    payload = compile_payload(step, {}, {})
    assert payload is not None
    with pytest.raises(TemplateError, match="cannot be sent as UTF-8"):
        payload.render({"v": "\ud800"})
