"""Bearer tokens that a service accepts, and the checks that reject requests without one."""

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
    """Accepted tokens, kept as digests of equal length so that timing does not reveal a length."""

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
        """Return whether the token is accepted, in constant time."""
        digest = _digest(offered)
        # Compare with every token: the time must not reveal which one matched.
        return sum(self._compare(digest, accepted) for accepted in self._digests) > 0


async def require_token(
    request: Request, offered: Annotated[HTTPAuthorizationCredentials | None, Depends(_header)]
) -> None:
    """Reject a request without an accepted token. Raises HTTPException 401."""
    tokens: Tokens = request.app.state.tokens
    if offered is None or not tokens.accept(offered.credentials):
        raise HTTPException(
            401, "The Authorization header holds no accepted token.", {"WWW-Authenticate": "Bearer"}
        )


async def require_token_before_body(scope: Scope) -> None:
    """Apply `require_token` before the body is read; FastAPI resolves dependencies only after."""
    request = Request(scope)
    if request.app.state.tokens:
        await require_token(request, await _header(request))


def _digest(text: str) -> bytes:
    return sha256(text.encode()).digest()
