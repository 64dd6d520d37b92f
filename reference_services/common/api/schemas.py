"""What may a body be made of? The types that the three services' bodies and answers share."""

import json
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
from starlette.responses import Response

CALL_LIMIT = 100

CardType = Literal["company", "audience", "voice", "insight"]
CARD_TYPES: tuple[CardType, ...] = get_args(CardType)

# Every blank of Unicode, and the controls: what \s means differs from one language to the next, and
# a pattern is read by those of all clients.
BLANK = r"\x00-\x20\x7f-\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"

# What may be left out, and is not to be sent as null.
Absent = SkipJsonSchema[None]

Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Id = Annotated[str, WithJsonSchema({"type": "string", "format": "uuid"})]
MaybeCardIds = Annotated[list[Identifier], Field(max_length=CALL_LIMIT)]
# An empty list is refused by the routes: with 400, as one over the limit is.
CardIds = Annotated[MaybeCardIds, Field(json_schema_extra={"minItems": 1})]
Label = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
# Stripped at the end: before the pattern is looked at, OpenAPI could not tell what is accepted.
Line = Annotated[
    str,
    StringConstraints(
        min_length=1, max_length=500, pattern=rf"^[^\x00-\x1f]*[^{BLANK}][^\x00-\x1f]*$"
    ),
    AfterValidator(str.strip),
]
# HTTP takes the blanks at the ends of a header away.
Key = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]([\x20-\x7e]{0,253}[\x21-\x7e])?$")]


def require_sendable(value: JsonValue) -> JsonValue:
    """Refuse what Python reads as JSON and nobody can send: NaN, infinity, half a surrogate."""
    json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    return value


Sendable = AfterValidator(require_sendable)
Content = Annotated[dict[str, JsonValue], Sendable]


class Record(BaseModel):
    """What was read from a database; a complaint about it, for the log, shows no part of it."""

    model_config = ConfigDict(hide_input_in_errors=True)


class Body(BaseModel):
    """A request's body; it may name the tenant, and then has to name the right one."""

    tenant_id: UUID | None = None


def answer(
    body: BaseModel,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    *,
    exclude_none: bool = False,
) -> Response:
    """Render a body that was built from checked values; FastAPI would check it a second time."""
    text = body.model_dump_json(exclude_none=exclude_none)
    return Response(text, status, headers, media_type="application/json")
