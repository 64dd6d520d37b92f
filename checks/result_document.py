"""`result.json`, the public document of a result: written, read, and its JSON Schema."""

from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from checks.result import Result
from config.json_text import inert_json
from scenarios.evidence.files import read_document

# A row of the balance has 1,200 bytes with three witnesses, and there may be one per label set of
# a recording: of amounts.MAX_KEYS.
MAX_RESULT_BYTES, MAX_RESULT_MEMBERS = 256_000_000, 8_000_000

_RESULT = TypeAdapter(Result)


def render_result(result: Result) -> str:
    """Render `result.json`, indented, keys in the order of the types."""
    return inert_json(_RESULT.dump_json(result, indent=2).decode())


def result_schema() -> dict[str, Any]:
    """Return the JSON Schema of `result.json`; docs/result.schema.json is this."""
    schema = _RESULT.json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def read_result(path: Path) -> Result:
    """Read a `result.json`. Raises OSError or ValueError."""
    return _RESULT.validate_json(read_document(path, MAX_RESULT_BYTES, MAX_RESULT_MEMBERS))
