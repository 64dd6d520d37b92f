"""Forms with files; Python's own parser of MIME messages reads what was written."""

from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

import pytest

from scenarios.language.bodies import FilePart
from scenarios.language.multipart import compile_multipart, new_boundary
from scenarios.language.templates import TemplateError


def parts_of(body: bytes, boundary: str) -> list[Any]:
    head = f"Content-Type: multipart/form-data; boundary={boundary}\r\n\r\n".encode()
    return list(BytesParser(policy=HTTP).parsebytes(head + body).iter_parts())


def sent(fields: dict[str, list[Any]], files: dict[str, bytes], **variables: Any) -> list[Any]:
    boundary = new_boundary()
    return parts_of(compile_multipart(fields, files, boundary, {})(variables), boundary)


def shown(part: Any) -> tuple[object, object, object, bytes]:
    parameters = part["Content-Disposition"].params
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    return parameters.get("name"), parameters.get("filename"), part["Content-Type"], content


def test_each_field_is_a_part_and_a_list_is_several() -> None:
    fields: dict[str, list[Any]] = {"a": ["{{ v }}"], "ids": ["{{ ids }}"], "b": [1, True]}
    assert [shown(part) for part in sent(fields, {}, v="R&D\r\n1 é", ids=["x", 2])] == [
        ("a", None, None, "R&D\r\n1 é".encode()),
        ("ids", None, None, b"x"), ("ids", None, None, b"2"),
        ("b", None, None, b"1"), ("b", None, None, b"true"),
    ]  # fmt: skip


def test_a_file_is_a_part_as_it_is_with_its_name_and_type() -> None:
    content = bytes(range(256)) + b"\r\n--trial-balance--\r\n"
    fields: dict[str, list[Any]] = {
        "report": [FilePart(file="more/june.csv", type="text/csv")],
        "photo": [FilePart(file="p", filename="{{ id }}.png")],
    }
    files = {"more/june.csv": b"a;b", "p": content}
    assert [shown(each) for each in sent(fields, files, id=7)] == [
        ("report", "june.csv", "text/csv", b"a;b"),
        ("photo", "7.png", "application/octet-stream", content),
    ]  # fmt: skip


def test_a_name_cannot_end_its_header() -> None:
    fields = {'a"; x="\r\nX-Evil: 1': [FilePart(file="p", filename='{{ v }}"\r\nX-Evil: 2')]}
    (part,) = sent(fields, {"p": b""}, v="p")
    assert set(part.keys()) == {"Content-Disposition", "Content-Type"}
    assert part.get_payload(decode=True) == b""


def test_a_value_without_a_text_is_an_error_that_names_its_field() -> None:
    for value in (None, [None], float("nan")):
        with pytest.raises(TemplateError, match="the field 'a'"):
            sent({"a": ["{{ v }}"]}, {}, v=value)
