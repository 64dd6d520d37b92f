"""Obtain OAuth 2.0 access tokens, and renew each before it expires.

One token serves all virtual users of a process. While one of them renews it, the others go on with
the token that they have, and wait only where there is none:

    obtained                        renewal                expires
       |────────── all use it ─────────|── one renews it, ────|── all wait for it ──
                                       |   others use it      |
"""

from collections.abc import Callable
from threading import Lock
from typing import Any

from config.auth import Auth
from config.clock import CLOCK
from config.network import Network
from config.redaction import OBTAINED, ObtainedTokens
from scenarios.http.token_request import Token, TokenRefused, request_token

# Before it expires, a token is renewed by this part of its lifetime, but by no more than a minute:
# a request that carries it has to arrive in time.
_MARGIN_RATIO, _MAX_MARGIN_S = 0.1, 60.0
# After a refusal the endpoint is left alone, for longer each time.
_RETRY_S, _MAX_RETRY_S = 1.0, 30.0


class TokenSource:
    """The current token of one client, shared by threads or greenlets."""

    def __init__(
        self, request: Callable[[], Token], monotonic: Callable[[], float] = CLOCK.monotonic,
        obtained: ObtainedTokens = OBTAINED,
    ) -> None:  # fmt: skip
        """Request nothing yet; `request` raises TokenRefused."""
        self._request_token = request
        self._monotonic = monotonic
        self._obtained = obtained
        self._lock = Lock()
        self._authorization = ""
        self._renew_s = self._expires_s = self._retry_s = float("-inf")
        self._refusals, self._refusal = 0, ""

    def authorization(self, _: object = None) -> str:
        """Return the value of the header Authorization. Raises TokenRefused.

        This is called for each request; its argument makes it a template.
        """
        if self._monotonic() < self._renew_s:
            return self._authorization
        is_expired = self._monotonic() >= self._expires_s
        if self._lock.acquire(blocking=is_expired):
            try:
                self._renew()
            finally:
                self._lock.release()
        return self._authorization

    def discard(self, authorization: str) -> None:
        """Forget a token that was refused, unless it has been renewed since."""
        with self._lock:
            if authorization == self._authorization:
                self._renew_s = self._expires_s = float("-inf")

    def _renew(self) -> None:
        """Renew the token, unless another user has just done it."""
        now_s = self._monotonic()
        if now_s < self._renew_s:
            return
        if now_s >= self._retry_s:
            self._request(now_s)
        if self._monotonic() >= self._expires_s:
            raise TokenRefused(self._refusal)

    def _request(self, now_s: float) -> None:
        try:
            token = self._request_token()
        except TokenRefused as error:
            wait_s = min(_RETRY_S * 2**self._refusals, _MAX_RETRY_S)
            self._refusals, self._refusal = self._refusals + 1, str(error)
            self._retry_s = self._monotonic() + wait_s
            return
        self._obtained.learn(token.text)
        self._authorization, self._refusals = f"Bearer {token.text}", 0
        # counted from before the request: the endpoint counts from some time after that
        self._expires_s = now_s + token.lifetime_s
        self._renew_s = self._expires_s - min(_MARGIN_RATIO * token.lifetime_s, _MAX_MARGIN_S)
        if (arrived_s := self._monotonic()) >= self._expires_s:
            self._refusal = f"no token: one of {token.lifetime_s:g} s expired before it arrived"
            self._retry_s = arrived_s + _RETRY_S


Sources = Callable[[Auth, Network], TokenSource]


class TokenSources:
    """The token sources of a process: one per client, endpoint and network."""

    def __init__(self) -> None:
        """Have none yet."""
        self._lock = Lock()
        self._sources: dict[Any, TokenSource] = {}

    def __call__(self, auth: Auth, network: Network) -> TokenSource:
        """Return the source of the tokens of some credentials."""
        routes = tuple(sorted(network.connect_to.items()))
        key = (auth.oauth2, auth.certificate, network.ca_file, routes)
        with self._lock:
            if key not in self._sources:
                self._sources[key] = TokenSource(lambda: request_token(auth, network))
            return self._sources[key]


TOKEN_SOURCES = TokenSources()
