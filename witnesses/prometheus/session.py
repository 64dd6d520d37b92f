"""The HTTP session of Prometheus queries: authenticated, routed, without redirects."""

import socket
from functools import cached_property
from typing import Any, TypedDict

import msgspec
import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.util import Retry

from config.network import Network
from config.prometheus import Prometheus
from config.secrets import basic_credentials


class ScrapeTargetJson(TypedDict, total=False):
    """One target of /api/v1/targets, as far as it is read."""

    labels: dict[str, str]
    discoveredLabels: dict[str, str]
    scrapeInterval: str


class QueryData(TypedDict, total=False):
    """The data of any response; a query's result is not decoded."""

    result: msgspec.Raw
    activeTargets: list[ScrapeTargetJson]
    version: str


class ApiBody(TypedDict, total=False):
    """The body of an API response, as far as it is read."""

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


class PrometheusSession(requests.Session):
    """A session with one server: no proxy, no netrc, and no redirect is followed."""

    def __init__(self, settings: Prometheus, network: Network) -> None:
        """Connect at the first request."""
        super().__init__()
        self.trust_env = False
        self.verify = settings.ca_file or network.ca_file or True
        self.headers.update(settings.headers)
        if settings.bearer_token:
            self.headers["Authorization"] = f"Bearer {settings.bearer_token}"
        if settings.basic_auth:
            self.headers["Authorization"] = f"Basic {basic_credentials(settings.basic_auth)}"
        self.hooks["response"].append(self._keep)
        self.last: ApiResponse | None = None

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Follow no redirect: a login page is no response, and no token goes to another host."""

    def _keep(self, response: requests.Response, *_: object, **__: object) -> ApiResponse:
        self.last = ApiResponse()
        self.last.__dict__.update(response.__dict__)
        return self.last


class RoutedAdapter(HTTPAdapter):
    """Connects to the address that the environment routes a host to."""

    def __init__(self, network: Network, retries: Retry) -> None:
        """Connect to nothing yet."""
        self._network = network
        super().__init__(max_retries=retries)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """Create the pools of routed connections."""
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = {
            "http": _pool(HTTPConnectionPool, self._network),
            "https": _pool(HTTPSConnectionPool, self._network),
        }


def _pool(kind: type[HTTPConnectionPool], network: Network) -> type[HTTPConnectionPool]:
    connection_class: Any = kind.ConnectionCls

    class RoutedConnection(connection_class):  # type: ignore[misc]
        """A connection to the routed address; the host name stays, for the certificate."""

        _dns_host: str
        port: int

        def _new_conn(self) -> socket.socket:
            named = self._dns_host, self.port
            self._dns_host, self.port = network.route(*named)
            try:
                connected: socket.socket = super()._new_conn()
            finally:
                self._dns_host, self.port = named
            return connected

    return type(kind.__name__, (kind,), {"ConnectionCls": RoutedConnection})
