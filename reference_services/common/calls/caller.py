"""How does one service call another? Pooled, bounded in time, retried, behind a circuit breaker."""

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
from reference_services.common.calls.deadline import deadline_transport, ending_at
from reference_services.common.calls.errors import CallFailed, CircuitOpen
from reference_services.common.settings import Settings

ATTEMPTS = 3
ATTEMPT_S = 2.0
CONNECT_S = 1.0
FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 1.0
# Below the 5 s after which uvicorn closes an idle connection, lest a call meets a closed one.
LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=40, keepalive_expiry=2.0)

TOO_MANY_REQUESTS = 429
SERVER_ERRORS = 500

_backoff = wait_exponential_jitter(
    multiplier=FIRST_PAUSE_S, max=LONGEST_PAUSE_S, jitter=FIRST_PAUSE_S
)


@dataclass(frozen=True)
class Wire:
    """What calls go over and what time they take; tests bring their own."""

    transport: httpx.BaseTransport | None = None
    pause: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.monotonic


class Caller:
    """The connections to one other service."""

    def __init__(
        self,
        settings: Settings,
        on_circuit: Callable[[CircuitState], None] = lambda _state: None,
        wire: Wire | None = None,
    ) -> None:
        """Call Cards as the settings say; `on_circuit` is told each new state of the breaker."""
        wire = wire or Wire()
        token = settings.cards_token
        self._client = httpx.Client(
            base_url=settings.cards_url,
            headers={"Authorization": f"Bearer {token.get_secret_value()}"} if token else {},
            timeout=httpx.Timeout(ATTEMPT_S, connect=CONNECT_S),
            limits=LIMITS,
            transport=wire.transport or deadline_transport(LIMITS),
        )
        self._deadline_s = settings.cards_deadline_s
        self._breaker = CircuitBreaker(
            settings.circuit_failures, settings.circuit_open_s, on_circuit, wire.now
        )
        self._pause = wire.pause

    def post(
        self,
        path: str,
        body: Any,
        headers: Mapping[str, str],
        tenant_id: str,
        on_retry: Callable[[str], None] = lambda _reason: None,
    ) -> httpx.Response:
        """Send one request and return its answer, whatever its status below 500 but 429.

        The request has to be idempotent: connection errors, 429 and 5xx are retried, each time
        after telling `on_retry` the reason, until the deadline. Raises CallFailed when attempts
        or time are used up, CircuitOpen when no call may be made.
        """
        request = self._client.build_request(
            "POST", path, json=body, headers={**headers, **_context(tenant_id)}
        )
        ends_at = time.monotonic() + self._deadline_s
        return self._retrying(on_retry)(self._attempt, request, ends_at)

    def is_answering(self) -> bool:
        """Ask the other service for its health, once."""
        try:
            with ending_at(time.monotonic() + ATTEMPT_S):
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
                raise _refused(response)
        # It answers, so the circuit stays closed: it only wants fewer calls.
        if response.status_code == TOO_MANY_REQUESTS:
            raise _refused(response)
        return response

    def _send(self, request: httpx.Request, ends_at: float) -> httpx.Response:
        try:
            with ending_at(ends_at):
                return self._client.send(request)
        except httpx.TimeoutException as error:
            raise CallFailed("timeout") from error
        except (httpx.RequestError, httpx.InvalidURL) as error:
            raise CallFailed("connection") from error

    def _retrying(self, on_retry: Callable[[str], None]) -> Retrying:
        def tell(state: RetryCallState) -> None:
            on_retry(_failure_of(state).reason)

        return Retrying(
            stop=stop_after_attempt(ATTEMPTS) | stop_before_delay(self._deadline_s),
            wait=_pause_s,
            retry=retry_if_exception(_is_worth_a_retry),
            before_sleep=tell,
            sleep=self._pause,
            reraise=True,
        )


def retry_after_s(response: httpx.Response) -> float | None:
    """Return for how many seconds the header `Retry-After` asks to wait, in either of its forms."""
    text = response.headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def _refused(response: httpx.Response) -> CallFailed:
    return CallFailed(f"status_{response.status_code}", retry_after_s(response))


def _is_worth_a_retry(failure: BaseException) -> bool:
    return isinstance(failure, CallFailed) and not isinstance(failure, CircuitOpen)


def _failure_of(state: RetryCallState) -> CallFailed:
    failure = state.outcome.exception() if state.outcome else None
    return failure if isinstance(failure, CallFailed) else CallFailed("none")


def _pause_s(state: RetryCallState) -> float:
    return max(_backoff(state), _failure_of(state).retry_after_s or 0.0)


def _context(tenant_id: str) -> dict[str, str]:
    return {TENANT_HEADER: tenant_id, TRACE_HEADER: current_trace_id()}
