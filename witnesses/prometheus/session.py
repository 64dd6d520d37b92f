"""The HTTP session of Prometheus queries: authenticated, routed, without redirects."""

from dataclasses import replace
from functools import cached_property
from http import HTTPStatus
from typing import TypedDict

import msgspec
import requests
from requests.adapters import BaseAdapter

from config.auth import basic_credentials
from config.network import Network
from config.prometheus import Prometheus
from scenarios.http.fetch import Fetched, FetchFailed, ResponseLate, fetch
from scenarios.http.service_auth import ServiceAuth
from scenarios.http.transport import BoundedClient, open_client

# Prometheus' largest response here is one window of samples with the labels of their series.
MAX_RESPONSE_BYTES = 64 * 1024 * 1024

_MAX_ERROR_BYTES = 65_536


class ScrapeTargetJson(TypedDict, total=False):
    """One target of /api/v1/targets, as far as it is read."""

    labels: dict[str, str]
    discoveredLabels: dict[str, str]
    scrapeUrl: str
    scrapeInterval: str


class QueryData(TypedDict, total=False):
    """The data of any response; a query's result is not decoded."""

    result: msgspec.Raw
    resultType: str
    activeTargets: list[ScrapeTargetJson]
    version: str


class ApiBody(TypedDict, total=False):
    """The body of an API response, as far as it is read."""

    status: str
    data: QueryData
    warnings: list[str] | None
    isPartial: bool


_BODY = msgspec.json.Decoder(ApiBody)


class ApiResponse(requests.Response):
    """A response whose JSON is decoded once, except the result of a query, however large."""

    @cached_property
    def body(self) -> ApiBody:
        """The whole body. Raises ValueError."""
        try:
            return _BODY.decode(self.content)
        except RecursionError as error:
            raise ValueError("nested without end") from error

    def json(self, **_: object) -> ApiBody:
        """Return the whole body. Raises ValueError."""
        return self.body


class BoundedAdapter(BaseAdapter):
    """Sends the requests of a session by `fetch`: one deadline and one size for each call."""

    def __init__(self, settings: Prometheus, network: Network, max_bytes: int) -> None:
        """Connect to nothing yet."""
        super().__init__()
        self._max_bytes = max_bytes
        self._network = replace(network, ca_file=settings.ca_file or network.ca_file)
        self._certificate = settings.certificate
        # the token endpoint has the certificates of the environment
        self._auth = ServiceAuth(settings.fetched, network) if settings.oauth2 else None
        self._timeout_s = settings.timeout
        self._client: BoundedClient | None = None

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: float | tuple[float, float] | tuple[float, None] | None = None,
        *_: object,
        **__: object,
    ) -> requests.Response:
        """Send a request. Raises OSError, as requests does."""
        if self._client is None:  # the certificates are read here
            self._client = open_client(
                self._network, self._timeout_s, max_bytes=self._max_bytes,
                certificate=self._certificate, auth=self._auth,
            )  # fmt: skip
        deadline_s = timeout if isinstance(timeout, int | float) else None
        body = request.body.encode() if isinstance(request.body, str) else request.body
        try:
            fetched = fetch(
                self._client, str(request.url), method=str(request.method), content=body,
                headers=request.headers, deadline_s=deadline_s,
            )  # fmt: skip
        except ResponseLate as error:
            raise requests.Timeout(request=request) from error
        except FetchFailed as error:
            raise requests.ConnectionError(request=request) from error
        return _response(request, fetched)

    def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            self._client.close()
        self._client = None  # a session can be used again


class PrometheusSession(requests.Session):
    """A session with one server: no proxy, no netrc, and no redirect is followed."""

    def __init__(
        self, settings: Prometheus, network: Network, max_bytes: int = MAX_RESPONSE_BYTES
    ) -> None:
        """Connect at the first request."""
        super().__init__()
        self.trust_env = False
        self._adapter = BoundedAdapter(settings, network, max_bytes)
        self.headers.update(settings.headers)
        if settings.bearer_token:
            self.headers["Authorization"] = f"Bearer {settings.bearer_token}"
        if basic := settings.basic_auth:
            credentials = basic_credentials(basic.username, basic.password)
            self.headers["Authorization"] = f"Basic {credentials}"
        self.headers["Accept-Encoding"] = "gzip, deflate"
        self.hooks["response"].append(self._keep)
        self.last: ApiResponse | None = None

    def get_adapter(self, url: str) -> BoundedAdapter:
        """Return the one adapter, whatever PrometheusConnect mounts."""
        return self._adapter

    def close(self) -> None:
        """Close the connections."""
        self._adapter.close()
        super().close()

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Follow no redirect: a login page is no response, and no token goes to another host."""

    def _keep(self, response: requests.Response, *_: object, **__: object) -> None:
        self.last = response if isinstance(response, ApiResponse) else None


def _response(request: requests.PreparedRequest, fetched: Fetched) -> ApiResponse:
    response = ApiResponse()
    response.status_code = fetched.status
    response.headers.update(fetched.headers)
    response.request, response.url = request, str(request.url)
    is_well = fetched.status == HTTPStatus.OK
    # the exception of prometheus_api_client for an error quotes the whole content
    response._content = fetched.body if is_well else fetched.body[:_MAX_ERROR_BYTES]
    return response
