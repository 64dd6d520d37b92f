"""Request an access token from an OAuth 2.0 token endpoint, by the grant `client_credentials`.

The request is made by `fetch`, with its deadline and its bounds, over the environment's network.
"""

import re
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

from config.auth import Auth, OAuth2
from config.network import Network
from config.secrets import MAX_LENGTH
from scenarios.http.bounded_json import decode_json
from scenarios.http.fetch import Fetched, FetchFailed, ResponseLate, fetch
from scenarios.http.messages import NotSent
from scenarios.http.transport import open_client

TIMEOUT_S = 10.0
MAX_BYTES = 100_000

# RFC 6749 leaves it open where the endpoint does not say it
_DEFAULT_LIFETIME_S = 3_600.0
_MIN_LIFETIME_S, _MAX_LIFETIME_S = 1, 10**9
_TOKEN = re.compile(rf"[!-~]{{1,{MAX_LENGTH}}}")
_DIGITS = re.compile(r"-?[0-9]{1,4000}")
_ERROR_CODE = re.compile(r"[a-z_]{1,40}")


class Token(NamedTuple):
    """An access token, and for how long it can be used, in seconds."""

    text: str
    lifetime_s: float


class TokenRefused(NotSent):
    """There is no token; the message is a sentence that names the token endpoint."""


def request_token(auth: Auth, network: Network, timeout_s: float = TIMEOUT_S) -> Token:
    """Request a token. Raises TokenRefused."""
    if auth.oauth2 is None:
        raise TokenRefused("no token: auth has no oauth2")
    endpoint = urlsplit(auth.oauth2.token_url)._replace(query="", fragment="").geturl()
    headers, form = _request_of(auth.oauth2)
    try:
        with open_client(
            network, timeout_s, kept=0, max_bytes=MAX_BYTES, certificate=auth.certificate
        ) as client:
            response = fetch(
                client, auth.oauth2.token_url, method="POST", headers=headers,
                content=urlencode(form).encode(),
            )  # fmt: skip
        return read_token(response)
    except ResponseLate as error:
        reason = f"did not respond within {timeout_s:g} s"
        raise TokenRefused(f"no token: {endpoint} {reason}") from error
    except FetchFailed as error:
        raise TokenRefused(f"no token: {endpoint} gave no response: {error}") from error
    except ValueError as error:
        raise TokenRefused(f"no token: {endpoint} {error}") from error


def _request_of(client: OAuth2) -> tuple[dict[str, str], dict[str, str]]:
    """Return the headers and the form of a token request."""
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    form = {"grant_type": "client_credentials"}
    form |= {"scope": client.scope} if client.scope else {}
    form |= {"audience": client.audience} if client.audience else {}
    if client.style == "header":
        headers["Authorization"] = f"Basic {client.basic_credentials()}"
    else:
        form |= {"client_id": client.client_id, "client_secret": client.client_secret}
    return headers, form


def read_token(response: Fetched) -> Token:
    """Read the response of a token endpoint. Raises ValueError with the rest of a sentence."""
    try:
        content = decode_json(response.body)
    except ValueError:
        content = None
    members: dict[str, Any] = content if isinstance(content, dict) else {}
    if response.status != HTTPStatus.OK:
        code = members.get("error")
        said = f": {code}" if isinstance(code, str) and _ERROR_CODE.fullmatch(code) else ""
        raise ValueError(f"refused the client with status {response.status}{said}")
    if not members:
        raise ValueError("sent no JSON object")
    token, kind = members.get("access_token"), members.get("token_type", "Bearer")
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise ValueError("sent no access_token that a header can carry")
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise ValueError("sent a token of another type than Bearer")
    return Token(token, _lifetime_s(members.get("expires_in", _DEFAULT_LIFETIME_S)))


def _lifetime_s(written: Any) -> float:
    """Return expires_in, which some endpoints write as text."""
    if isinstance(written, str) and _DIGITS.fullmatch(written):
        written = int(written)
    if isinstance(written, bool) or not isinstance(written, int | float):
        raise ValueError("sent an expires_in that is no number of seconds")
    if not written >= _MIN_LIFETIME_S:
        raise ValueError("sent a token that has expired already")
    return float(min(written, _MAX_LIFETIME_S))
