"""Bodies that are no JSON, or too much of it."""

import json
from collections.abc import Callable

from tests.hostile.case import typed

_DEEP = 100_000
JSON_BODIES: dict[str, Callable[[], bytes]] = {
    "lists 100,000 deep": lambda: b"[" * _DEEP + b"]" * _DEEP,
    "lists 100,000 deep and open": lambda: b"[" * _DEEP,
    "objects 100,000 deep": lambda: b'{"a":' * _DEEP + b"1" + b"}" * _DEEP,
    "both 100,000 deep": lambda: b'[{"a":' * _DEEP + b"1" + b"}]" * _DEEP,
    "lists 900 deep": lambda: b"[" * 900 + b"]" * 900,
    "objects 900 deep": lambda: b'{"a":' * 900 + b"1" + b"}" * 900,
    "lists 101 deep": lambda: b"[" * 101 + b"]" * 101,
    "a deep value beside a text of brackets": lambda: (
        b'{"a":"]]]]\\\\","b":' + b"[" * 200 + b"]" * 200 + b"}"
    ),
    "three million lists": lambda: b"[" + b"[]," * 3_000_000 + b"[]]",
    "a million objects": lambda: b"[" + b'{"a":1},' * 1_000_000 + b"{}]",
    "four million numbers": lambda: b"[" + b"1," * 4_000_000 + b"1]",
    "a million keys": lambda: json.dumps(dict.fromkeys(map(str, range(600_000)), 1)).encode(),
    "an integer of a million digits": lambda: b"9" * 1_000_000,
    "no UTF-8": lambda: b'{"a":"\xff"}',
    "a text without end": lambda: b'"' + b"x" * 1_000_000,
    "backslashes without end": lambda: b'"' + b"\\" * 1_000_001,
    "HTML": lambda: b"<html>" * 100_000,
    "zeros": lambda: bytes(1_000_000),
    "an empty body": lambda: b"",
}
JSON = [typed(f"JSON: {name}", build, "application/json") for name, build in JSON_BODIES.items()]
