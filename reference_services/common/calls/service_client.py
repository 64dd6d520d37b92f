"""HTTP client for another service: pooled, with deadline, retries and a circuit breaker.

One call makes at most `ATTEMPTS` attempts, all within `cards_deadline_s`:

    |<------------------------- cards_deadline_s ------------------------->|
    | attempt (<= ATTEMPT_S) | pause | attempt | longer pause | attempt    |

A pause is the exponential backoff or the response's `Retry-After`, whichever is longer. No retry
starts if its pause would end after the deadline.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    stop_after_attempt,
    stop_before_delay,
    wait_exponential_jitter,
)

from reference_services.common.api.tenants import TENANT_HEADER
from reference_services.common.api.trace import TRACE_HEADER, current_trace_id
from reference_services.common.calls.circuit_breaker import CircuitBreaker, CircuitState
from reference_services.common.calls.deadline import deadline_at, deadline_transport
from reference_services.common.calls.errors import CallFailed, CircuitOpen
from reference_services.common.settings import Settings

ATTEMPTS = 3
ATTEMPT_S = 2.0
CONNECT_S = 1.0
FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 1.0
# Less than the 5 s after which uvicorn closes idle connections: a call must not hit a closed one.
LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=40, keepalive_expiry=2.0)

TOO_MANY_REQUESTS = 429
SERVER_ERRORS = 500

_backoff = wait_exponential_jitter(
    multiplier=FIRST_PAUSE_S, max=LONGEST_PAUSE_S, jitter=FIRST_PAUSE_S
)


@dataclass(frozen=True)
class CallRuntime:
    """Transport, sleep and clock of a client; tests inject their own."""

    transport: httpx.BaseTransport | None = None
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.monotonic


class ServiceClient:
    """Client for one other service, which is Cards."""

    def __init__(
        self,
        settings: Settings,
        on_circuit: Callable[[CircuitState], None] = lambda _state: None,
        runtime: CallRuntime | None = None,
    ) -> None:
        """Take address, token and limits from the settings; `on_circuit` gets each new state."""
        runtime = runtime or CallRuntime()
        token = settings.cards_token
        self._client = httpx.Client(
            base_url=settings.cards_url,
            headers={"Authorization": f"Bearer {token.get_secret_value()}"} if token else {},
            timeout=httpx.Timeout(ATTEMPT_S, connect=CONNECT_S),
            limits=LIMITS,
            transport=runtime.transport or deadline_transport(LIMITS),
        )
        self._deadline_s = settings.cards_deadline_s
        self._breaker = CircuitBreaker(
            settings.circuit_failures, settings.circuit_open_s, on_circuit, runtime.now
        )
        self._sleep = runtime.sleep

    def post(
        self,
        path: str,
        body: Any,
        headers: Mapping[str, str],
        tenant_id: str,
        on_retry: Callable[[str], None] = lambda _reason: None,
    ) -> httpx.Response:
        """Send one request and return the response, of any status below 500 except 429.

        The request has to be idempotent: connection errors, 429 and 5xx are retried until the
        deadline; `on_retry` gets the reason before each retry. Raises CallFailed when attempts or
        time are used up, CircuitOpen when the breaker admits no call.
        """
        request = self._client.build_request(
            "POST",
            path,
            json=body,
            headers={**headers, TENANT_HEADER: tenant_id, TRACE_HEADER: current_trace_id()},
        )
        ends_at = time.monotonic() + self._deadline_s
        return self._retrying(on_retry)(self._attempt, request, ends_at)

    def is_reachable(self) -> bool:
        """Return whether `/health` of the other service succeeds, without a retry."""
        try:
            with deadline_at(time.monotonic() + ATTEMPT_S):
                return self._client.get("/health").is_success
        except httpx.HTTPError:
            return False

    def close(self) -> None:
        """Close every connection."""
        self._client.close()

    def _attempt(self, request: httpx.Request, ends_at: float) -> httpx.Response:
        with self._breaker.admitted():
            response = self._send(request, min(ends_at, time.monotonic() + ATTEMPT_S))
            if response.status_code >= SERVER_ERRORS:
                raise _failed_status(response)
        # Outside of the breaker: a service that limits its callers is up.
        if response.status_code == TOO_MANY_REQUESTS:
            raise _failed_status(response)
        return response

    def _send(self, request: httpx.Request, ends_at: float) -> httpx.Response:
        try:
            with deadline_at(ends_at):
                return self._client.send(request)
        except httpx.TimeoutException as error:
            raise CallFailed("timeout") from error
        except (httpx.RequestError, httpx.InvalidURL) as error:
            raise CallFailed("connection") from error

    def _retrying(self, on_retry: Callable[[str], None]) -> Retrying:
        def report(state: RetryCallState) -> None:
            on_retry(_failure_of(state).reason)

        return Retrying(
            stop=stop_after_attempt(ATTEMPTS) | stop_before_delay(self._deadline_s),
            wait=_pause_s,
            retry=retry_if_exception(_is_retryable),
            before_sleep=report,
            sleep=self._sleep,
            reraise=True,
        )


def retry_after_s(response: httpx.Response) -> float | None:
    """Return the pause that `Retry-After` asks for, given in seconds or as a date (RFC 9110)."""
    text = response.headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def _failed_status(response: httpx.Response) -> CallFailed:
    return CallFailed(f"status_{response.status_code}", retry_after_s(response))


def _is_retryable(failure: BaseException) -> bool:
    return isinstance(failure, CallFailed) and not isinstance(failure, CircuitOpen)


def _failure_of(state: RetryCallState) -> CallFailed:
    failure = state.outcome.exception() if state.outcome else None
    return failure if isinstance(failure, CallFailed) else CallFailed("none")


def _pause_s(state: RetryCallState) -> float:
    return max(_backoff(state), _failure_of(state).retry_after_s or 0.0)
