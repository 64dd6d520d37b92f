"""What may a body be made of? The types that the three services' bodies and answers share."""

import json
from collections.abc import Mapping
from typing import Annotated, Literal, get_args
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field, JsonValue, StringConstraints
from starlette.responses import Response

CALL_LIMIT = 100

CardType = Literal["company", "audience", "voice", "insight"]
CARD_TYPES: tuple[CardType, ...] = get_args(CardType)

Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
CardIds = Annotated[list[Identifier], Field(max_length=CALL_LIMIT)]
Label = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
Line = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, min_length=1, max_length=500, pattern=r"^[^\x00-\x1f]+$"
    ),
]
Key = Annotated[str, StringConstraints(pattern=r"^[\x20-\x7e]{1,255}$")]


def require_sendable(value: JsonValue) -> JsonValue:
    """Refuse what Python reads as JSON and nobody can send: NaN, infinity, half a surrogate."""
    json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    return value


Sendable = AfterValidator(require_sendable)
Content = Annotated[dict[str, JsonValue], Sendable]


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
