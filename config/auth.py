"""The credentials of a service: what authenticates its requests.

One of `basic`, `bearer`, `api_key` and `oauth2`, or a client `certificate`, alone or with one of
them. Secrets come from variables; `config.plaintext` refuses them in the file.
"""

import base64
from functools import partial
from typing import Annotated, Literal, Self
from urllib.parse import quote, quote_plus

from pydantic import Field, model_validator

from config.client_certificate import ClientCertificate
from config.headers import FlowHeaderName, HeaderValue
from config.models import StrictModel
from config.other_names import OF_API_KEY, OF_AUTH, OF_BASIC, OF_OAUTH2
from config.requirements import matches
from config.urls import Url

AUTHORIZATION = "Authorization"

_IS_BEARER = matches(r"[!-~]+", "not a token: one word of visible ASCII, without Bearer")
_IS_VISIBLE = matches(
    r"[^\x00-\x1f\x7f]+",
    "must not be empty or contain a line break or another control character",
)
_MAY_BE_EMPTY = matches(  # where the username is the key
    r"[^\x00-\x1f\x7f]*", "must not contain a line break or another control character"
)
_HAS_NO_COLON = matches("[^:]*", "a username must not contain a colon")
_IS_PARAMETER = matches(r"[^\s&=#?]+", "{0!r} is not the name of a query parameter")

_quoted = partial(quote, safe="")


class BasicAuth(StrictModel):
    """Username and password of HTTP basic authentication."""

    other_names = OF_BASIC

    username: Annotated[str, _HAS_NO_COLON, _IS_VISIBLE, Field(examples=["ann"])]
    password: Annotated[str, _MAY_BE_EMPTY, Field(repr=False, examples=["${PASSWORD}"])]


class ApiKey(StrictModel):
    """A key, and the header or the query parameter that carries it."""

    other_names = OF_API_KEY

    header: FlowHeaderName | None = None
    query: Annotated[str, _IS_PARAMETER] | None = None
    value: Annotated[HeaderValue, Field(repr=False, examples=["${API_KEY}"])]

    @model_validator(mode="after")
    def _has_one_place(self) -> Self:
        if (self.header is None) == (self.query is None):
            raise ValueError("an API key has one place; write either header: NAME or query: NAME")
        return self


class OAuth2(StrictModel):
    """A client of an OAuth 2.0 token endpoint, by the grant `client_credentials`.

    `style` is where the client authenticates itself: in the header, as in basic authentication, or
    in the body of the token request.
    """

    other_names = OF_OAUTH2

    token_url: Annotated[Url, Field(examples=["https://login.example/token"])]
    client_id: Annotated[str, _IS_VISIBLE, Field(examples=["load-test"])]
    client_secret: Annotated[str, _IS_VISIBLE, Field(repr=False, examples=["${CLIENT_SECRET}"])]
    scope: Annotated[str, _IS_VISIBLE] | None = None
    audience: Annotated[str, _IS_VISIBLE] | None = None
    style: Literal["header", "body"] = "header"

    def basic_credentials(self) -> str:
        """Return client id and secret for the header: encoded as forms are, by RFC 6749, 2.3.1."""
        return basic_credentials(quote_plus(self.client_id), quote_plus(self.client_secret))


class Auth(StrictModel):
    """The credentials of the requests to one service."""

    other_names = OF_AUTH

    basic: BasicAuth | None = None
    bearer: Annotated[Annotated[str, _IS_BEARER] | None, Field(repr=False)] = None
    api_key: ApiKey | None = None
    oauth2: OAuth2 | None = None
    certificate: ClientCertificate | None = None

    @model_validator(mode="after")
    def _has_one_credential(self) -> Self:
        keys = [key for key in ("basic", "bearer", "api_key", "oauth2") if getattr(self, key)]
        if len(keys) > 1:
            raise ValueError(f"{' and '.join(keys)} exclude each other; keep one of them")
        if not keys and not self.certificate:
            raise ValueError("write one of basic, bearer, api_key, oauth2 and certificate")
        return self

    @property
    def header_name(self) -> str | None:
        """The header that carries the credentials, if one does."""
        if self.api_key:
            return self.api_key.header
        return AUTHORIZATION if self.basic or self.bearer or self.oauth2 else None

    @property
    def header_value(self) -> str | None:
        """The value of that header, unless it is a token that is fetched, and expires."""
        if self.basic:
            return f"Basic {basic_credentials(self.basic.username, self.basic.password)}"
        if self.api_key:
            return self.api_key.value if self.api_key.header else None
        return f"Bearer {self.bearer}" if self.bearer else None

    @property
    def query(self) -> str:
        """The query parameter that carries the credentials, encoded, or "".

        >>> Auth(api_key=ApiKey(query="key", value="a b&c")).query
        'key=a%20b%26c'
        """
        if self.api_key and self.api_key.query:
            return f"{_quoted(self.api_key.query)}={_quoted(self.api_key.value)}"
        return ""


NO_AUTH = Auth.model_construct()


def basic_credentials(username: str, password: str) -> str:
    """Return username and password in the Base64 form of HTTP basic authentication."""
    both = f"{username}:{password}".encode(errors="surrogatepass")
    return base64.b64encode(both).decode()
