from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import httpx

from benchmarks.watch import SERVICE, wait_until_up
from tests.staging.stack import HOSTS, Staging


class RestartingService:
    """A deployment whose service responds with 502 some times, and then with 200."""

    def __init__(self, failures: int) -> None:
        self.statuses = [502] * failures + [200]
        self.urls: list[str] = []

    @contextmanager
    def client(self) -> Iterator[httpx.Client]:
        def respond(request: httpx.Request) -> httpx.Response:
            self.urls.append(str(request.url))
            return httpx.Response(self.statuses.pop(0))

        with httpx.Client(transport=httpx.MockTransport(respond)) as client:
            yield client


def test_a_service_is_up_at_its_first_successful_response() -> None:
    service: Any = RestartingService(failures=2)
    wait_until_up(cast(Staging, service))
    assert service.urls == [f"https://{HOSTS[SERVICE]}/health"] * 3
