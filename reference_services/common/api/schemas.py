"""Types that the request and response bodies of the three services share."""

from collections.abc import Mapping
from typing import Annotated, Literal, get_args
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    WithJsonSchema,
)
from pydantic.json_schema import SkipJsonSchema
from pydantic_core import PydanticCustomError, to_json
from starlette.responses import Response

CALL_LIMIT = 100

CardType = Literal["company", "audience", "voice", "insight"]
CARD_TYPES: tuple[CardType, ...] = get_args(CardType)

# Unicode whitespace and control characters, spelled out: patterns appear in the OpenAPI document,
# and the meaning of \s differs between the languages of its readers.
BLANK = r"\x00-\x20\x7f-\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"

# Marks a field that may be omitted but not sent as null.
Absent = SkipJsonSchema[None]

Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Id = Annotated[str, WithJsonSchema({"type": "string", "format": "uuid"})]
CardIdsOrEmpty = Annotated[list[Identifier], Field(max_length=CALL_LIMIT)]
# The routes reject an empty list themselves, with 400 as for a list over the limit.
CardIds = Annotated[CardIdsOrEmpty, Field(json_schema_extra={"minItems": 1})]
Label = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
# Stripped after the pattern is checked, so that the pattern in OpenAPI says what is accepted.
SingleLine = Annotated[
    str,
    StringConstraints(
        min_length=1, max_length=500, pattern=rf"^[^\x00-\x1f]*[^{BLANK}][^\x00-\x1f]*$"
    ),
    AfterValidator(str.strip),
]
# No blank at either end: HTTP strips header values.
Key = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]([\x20-\x7e]{0,253}[\x21-\x7e])?$")]


# Of one content as JSON: a page of a list has up to CALL_LIMIT of them.
CONTENT_BYTES = 128 * 1024
CONTENT_TOO_LARGE = "content_too_large"


def require_small(value: JsonValue) -> JsonValue:
    """Reject a value of more than `CONTENT_BYTES`. Raises PydanticCustomError."""
    if len(to_json(value)) > CONTENT_BYTES:
        raise PydanticCustomError(CONTENT_TOO_LARGE, f"more than {CONTENT_BYTES} bytes as JSON")
    return value


# What the values of a body may be at all is checked while it is parsed: `json_body`.
Small = AfterValidator(require_small)
JsonObject = dict[str, JsonValue]
Content = Annotated[JsonObject, Small]


class StoredRecord(BaseModel):
    """Base of rows read from a database; its validation errors, which get logged, omit values."""

    model_config = ConfigDict(hide_input_in_errors=True)


class RequestBody(BaseModel):
    """Base of request bodies; `tenant_id` is optional and has to equal the header's tenant."""

    tenant_id: UUID | None = None


def json_response(
    body: BaseModel,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    *,
    exclude_none: bool = False,
) -> Response:
    """Render a body as JSON, without the second validation that FastAPI would do."""
    text = body.model_dump_json(exclude_none=exclude_none)
    return Response(text, status, headers, media_type="application/json")
