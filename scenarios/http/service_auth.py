"""Authenticate single requests beside a flow, such as probes and scrapes, for httpx."""

from collections.abc import Generator
from http import HTTPStatus

import httpx

from config.auth import Auth
from config.network import Network
from scenarios.http.tokens import TOKEN_SOURCES, Sources


class ServiceAuth(httpx.Auth):
    """Adds credentials to each request, unless it has their header already.

    A request for which there is no token fails with TokenRefused. With `renews`, one whose token is
    refused (401) is sent once more, with a new token.
    """

    def __init__(
        self, auth: Auth, network: Network, sources: Sources = TOKEN_SOURCES, *,
        renews: bool = False,
    ) -> None:  # fmt: skip
        """Request no token yet."""
        self._renews = renews
        self._auth = auth
        self._source = sources(auth, network) if auth.oauth2 else None

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Yield the request with the credentials."""
        name = self._auth.header_name
        if name and name not in request.headers:
            value = self._source.authorization() if self._source else self._auth.header_value
            request.headers[name] = value or ""
        if self._auth.query:
            query = request.url.query.decode()
            written = f"{query}&{self._auth.query}" if query else self._auth.query
            request.url = request.url.copy_with(query=written.encode())
        response = yield request
        if self._renews and self._source and response.status_code == HTTPStatus.UNAUTHORIZED:
            self._source.discard(request.headers.get(name or "", ""))
            request.headers[name or ""] = self._source.authorization()
            yield request
