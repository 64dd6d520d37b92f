"""Print the JSON Schema of `result.json`."""

import json

from checks.result_document import result_schema


def schema_text() -> str:
    """Return the schema as docs/result.schema.json has it."""
    return json.dumps(result_schema(), indent=2) + "\n"


def schema() -> None:
    """Print the schema."""
    print(schema_text(), end="")
