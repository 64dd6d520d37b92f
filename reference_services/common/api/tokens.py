"""May this caller call at all? The bearer tokens that a service accepts."""

from collections.abc import Callable, Iterable
from hashlib import sha256
from hmac import compare_digest
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import SecretStr
from starlette.exceptions import HTTPException
from starlette.types import Scope

_header = HTTPBearer(scheme_name="token", auto_error=False)


class Tokens:
    """The accepted tokens, as digests of one length, so that no comparison tells of a length."""

    def __init__(
        self,
        accepted: Iterable[SecretStr],
        compare: Callable[[bytes, bytes], bool] = compare_digest,
    ) -> None:
        self._compare = compare
        self._digests = [_digest(token.get_secret_value()) for token in accepted]

    def __bool__(self) -> bool:
        return bool(self._digests)

    def accept(self, offered: str) -> bool:
        """Tell whether the token is one of the accepted, in a time that depends on neither."""
        digest = _digest(offered)
        # All of them, always: the time must not tell which one it was.
        return sum(self._compare(digest, accepted) for accepted in self._digests) > 0


async def require_token(
    request: Request, offered: Annotated[HTTPAuthorizationCredentials | None, Depends(_header)]
) -> None:
    """Refuse with 401 whoever brings no accepted token."""
    tokens: Tokens = request.app.state.tokens
    if offered is None or not tokens.accept(offered.credentials):
        raise HTTPException(
            401, "The header Authorization has no accepted token.", {"WWW-Authenticate": "Bearer"}
        )


async def require_token_first(scope: Scope) -> None:
    """Refuse likewise while nothing of the body was read: FastAPI reads it before it asks."""
    request = Request(scope)
    if request.app.state.tokens:
        await require_token(request, await _header(request))


def _digest(text: str) -> bytes:
    return sha256(text.encode()).digest()
