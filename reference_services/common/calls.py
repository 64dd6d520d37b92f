"""How does one service call another? Pooled, bounded in time, retried a bounded number of times."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_exponential_jitter,
)

from reference_services.common.tenants import TENANT_HEADER
from reference_services.common.trace import TRACE_HEADER, current_trace_id

ATTEMPTS = 3
FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 1.0
TIMEOUT = httpx.Timeout(4.0, connect=1.0)
# Below the 5 s after which uvicorn closes an idle connection, lest a call meets a closed one.
LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=40, keepalive_expiry=2.0)

TOO_MANY_REQUESTS = 429
SERVER_ERRORS = 500


class CallFailed(Exception):
    """The other service gave no usable answer; `reason` is one word, fit for a label."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Caller:
    """The connections to one other service."""

    def __init__(
        self,
        base_url: str,
        transport: httpx.BaseTransport | None = None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = httpx.Client(
            base_url=base_url, timeout=TIMEOUT, limits=LIMITS, transport=transport
        )
        self._pause = pause

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
        after telling `on_retry` the reason. Raises CallFailed when the attempts are used up.
        """
        request = self._client.build_request(
            "POST", path, json=body, headers={**headers, **_context(tenant_id)}
        )
        return self._retrying(on_retry)(self._send_once, request)

    def is_answering(self) -> bool:
        """Ask the other service for its health, once."""
        try:
            return self._client.get("/health").is_success
        except httpx.HTTPError:
            return False

    def close(self) -> None:
        """Close every connection."""
        self._client.close()

    def _send_once(self, request: httpx.Request) -> httpx.Response:
        try:
            response = self._client.send(request)
        except httpx.TimeoutException as error:
            raise CallFailed("timeout") from error
        except httpx.RequestError as error:
            raise CallFailed("connection") from error
        if response.status_code == TOO_MANY_REQUESTS or response.status_code >= SERVER_ERRORS:
            raise CallFailed(f"status_{response.status_code}")
        return response

    def _retrying(self, on_retry: Callable[[str], None]) -> Retrying:
        def tell(state: RetryCallState) -> None:
            failure = state.outcome.exception() if state.outcome else None
            if isinstance(failure, CallFailed):
                on_retry(failure.reason)

        return Retrying(
            stop=stop_after_attempt(ATTEMPTS),
            wait=wait_exponential_jitter(
                multiplier=FIRST_PAUSE_S, max=LONGEST_PAUSE_S, jitter=FIRST_PAUSE_S
            ),
            retry=retry_if_exception_type(CallFailed),
            before_sleep=tell,
            sleep=self._pause,
            reraise=True,
        )


def _context(tenant_id: str) -> dict[str, str]:
    return {TENANT_HEADER: tenant_id, TRACE_HEADER: current_trace_id()}
