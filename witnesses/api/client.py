"""Ask a usage API for one response, again where it is busy, and renew a token that it refuses.

request ── 429, Retry-After: 2 ── wait 2 s ── request ── 200
└─────────────────── one deadline ─────────────────────────┘
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from config.apis import Api
from config.clock import CLOCK
from config.network import Network
from scenarios.http.bounded_json import decode_json
from scenarios.http.fetch import Fetched, FetchFailed, ResponseLate, fetch
from scenarios.http.service_auth import ServiceAuth
from scenarios.http.token_request import TokenRefused
from scenarios.http.transport import BoundedClient, open_client
from witnesses.api.request import SentRequest
from witnesses.connection_errors import Asked, redirect_target, refusal_of
from witnesses.figure import Reason

# Of all pages of one response, with what is waited for and asked again.
WHOLE_S = 60.0
MAX_BYTES = 16 * 1024 * 1024
# The credentials are refused.
UNAUTHORIZED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)

_ATTEMPTS = 4
_PAUSE_S = 0.25
_BUSY = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS,
         HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE,
         HTTPStatus.GATEWAY_TIMEOUT)  # fmt: skip
_MAX_MESSAGE_CHARACTERS = 300
_MESSAGES = ("message", "detail", "error_description", "reason", "title", "error")


class UsageUnknown(Exception):
    """An API gave no usable response: for which reason, with a sentence; `status` if it has one."""

    def __init__(self, reason: Reason, sentence: str, status: int = 0) -> None:
        super().__init__(sentence)
        self.reason = reason
        self.status = status


@dataclass
class Patience:
    """How much time is left of a response with all of its pages; the seam for clocks of tests."""

    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    whole_s: float = WHOLE_S
    waited_s: float = 0.0
    _begun_s: float = 0.0

    def __post_init__(self) -> None:
        """Begin the first response."""
        self.begin()

    def begin(self) -> None:
        """Begin a response."""
        self._begun_s, self.waited_s = self.monotonic(), 0.0

    @property
    def left_s(self) -> float:
        """The seconds that are left."""
        return self._begun_s + self.whole_s - self.monotonic()

    def wait(self, seconds: float) -> None:
        """Wait before a further attempt."""
        self.waited_s += seconds
        self.sleep(seconds)

    def sleep_until(self, at_s: float) -> None:
        """Wait for an instant, if it is yet to come, before a response."""
        if (left_s := at_s - self.monotonic()) > 0:
            self.sleep(left_s)


class ApiClient:
    """The connection to one API."""

    def __init__(self, name: str, api: Api, client: BoundedClient, patience: Patience) -> None:
        """Connect at the first request."""
        self.name, self.url = name, api.url
        self.patience = patience
        self._api = api
        self._client = client

    def ask(self, request: SentRequest, url: str = "") -> Fetched:
        """Return a response with a status of 2xx. Raises UsageUnknown.

        `url` is that of a further page, instead of the target of the request.
        """
        attempt = 0
        while True:
            attempt += 1
            answer = self._attempt(request, url or f"{self.url}{request.target}")
            if isinstance(answer, Fetched):
                return answer
            failure, wait_s = answer
            pause_s = _PAUSE_S * 2 ** (attempt - 1) if wait_s is None else wait_s
            if wait_s is not None and pause_s > self.patience.left_s:
                asks = f"{failure}, asks for a pause of {pause_s:,.0f} s (Retry-After)"
                raise UsageUnknown(failure.reason, f"{asks}, which is too long", failure.status)
            if attempt == _ATTEMPTS or pause_s > self.patience.left_s:
                raise failure
            self.patience.wait(pause_s)

    def _attempt(
        self, request: SentRequest, url: str
    ) -> Fetched | tuple[UsageUnknown, float | None]:
        """Return a response, or why there is none and how long to wait before asking again.

        Raises UsageUnknown where asking again is in vain.
        """
        try:
            response = fetch(
                self._client, url, method=request.method, headers=request.headers,
                content=request.body,
                deadline_s=min(self._api.timeout, max(0.001, self.patience.left_s)),
            )  # fmt: skip
        except ResponseLate:
            what = f"did not respond within {self._api.timeout:g} s; raise apis.{self.name}.timeout"
            if self.patience.left_s <= 0:
                whole_s = self.patience.whole_s
                what = f"took over {whole_s:g} s with its pages and pauses; ask for less"
            return UsageUnknown(Reason.API_DOWN, f"{self._who} {what}, or see why"), None
        except FetchFailed as error:
            failure = self._refusal(error)
            if isinstance(error.__cause__, TokenRefused):
                raise failure from error
            return failure, None
        if HTTPStatus.OK <= response.status < HTTPStatus.MULTIPLE_CHOICES:
            return response
        failure = self._of_status(response)
        if response.status in _BUSY:
            return failure, retry_after_s(response.headers.get("Retry-After", ""))
        raise failure

    @property
    def _who(self) -> str:
        return f"the API {self.name!r}"

    @property
    def _key(self) -> str:
        return f"apis.{self.name}.url"

    def _refusal(self, error: FetchFailed) -> UsageUnknown:
        keys = self._key, f"apis.{self.name}.ca_file"
        refusal = refusal_of(error, Asked(self.url, *keys, has_ca=self._api.ca_file is not None))
        remedy = f"; {refusal.remedy}" if refusal.remedy else ""
        return UsageUnknown(Reason.API_DOWN, f"{self._who} {refusal.what}{remedy}")

    def _of_status(self, response: Fetched) -> UsageUnknown:
        status = response.status
        said = message_of(response)
        what = f"{self._who} responded with status {status}{f': {said}' if said else ''}"
        if status in UNAUTHORIZED:
            return UsageUnknown(
                Reason.API_REFUSED, f"{what}; renew the credentials in apis.{self.name}.auth",
                status,
            )  # fmt: skip
        if location := response.headers.get("Location", ""):
            what += f"; it leads to {redirect_target(self.url, location)}, so correct {self._key}"
        reason = Reason.API_DOWN if status in _BUSY else Reason.API_REFUSED
        return UsageUnknown(reason, what, status)


def is_mistake(failure: UsageUnknown) -> bool:
    """Return whether a refusal shows a mistake in the request: not in its credentials."""
    is_refused = failure.reason is Reason.API_REFUSED
    return is_refused and failure.status not in (0, *UNAUTHORIZED)


@contextmanager
def open_api(name: str, api: Api, network: Network, patience: Patience) -> Iterator[ApiClient]:
    """Yield a client of an API: over the environment's network, with the API's own CA."""
    routed = Network(network.connect_to, api.ca_file or network.ca_file)
    headers = {"Accept": "application/json", **api.headers}
    with open_client(
        routed, api.timeout, headers, max_bytes=MAX_BYTES, certificate=api.auth.certificate,
        auth=ServiceAuth(api.auth, routed, renews=True),
    ) as client:  # fmt: skip
        yield ApiClient(name, api, client, patience)


def retry_after_s(header: str) -> float | None:
    """Return how long a `Retry-After` header asks to wait, in seconds, or None.

    >>> retry_after_s("2"), retry_after_s("Wed, 21 Oct 2015 07:28:00 GMT"), retry_after_s("soon")
    (2.0, 0.0, None)
    """
    if header.isascii() and header.isdigit():
        return float(header)
    try:
        return max(0.0, parsedate_to_datetime(header).timestamp() - CLOCK.now_at())
    except ValueError:
        return None


def message_of(response: Fetched) -> str:
    """Return the message of an error as most APIs write it, if it is short, or "".

    It is never cut: half of a secret would not be redacted.
    """
    try:
        content: Any = decode_json(response.body)
    except ValueError:
        return ""
    for _ in range(2):
        members = content if isinstance(content, dict) else {}
        found = next((members[key] for key in _MESSAGES if members.get(key)), "")
        if isinstance(found, str):
            return " ".join(found.split()) if len(found) <= _MAX_MESSAGE_CHARACTERS else ""
        content = found
    return ""
