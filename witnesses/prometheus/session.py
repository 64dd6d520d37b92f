"""How does a question go out, and how is its answer read? With what shows who asks, and once."""

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


class Target(TypedDict, total=False):
    """What is told of one target, as far as it is read."""

    labels: dict[str, str]
    discoveredLabels: dict[str, str]
    scrapeInterval: str


class Found(TypedDict, total=False):
    """What any of the questions may find; a query's result is left unread."""

    result: msgspec.Raw
    activeTargets: list[Target]
    version: str


class Body(TypedDict, total=False):
    """An answer of the query interface, as far as it is read."""

    data: Found
    warnings: list[str] | None
    isPartial: bool


_BODY = msgspec.json.Decoder(Body)


class Answer(requests.Response):
    """An answer whose JSON is read once, and what a query found left as it is, however large."""

    @cached_property
    def body(self) -> Body:
        """The whole answer. Raises ValueError."""
        try:
            return _BODY.decode(self.content)
        except RecursionError as error:
            raise ValueError("nested without end") from error

    def json(self, **_: object) -> Body:
        """Return the whole answer. Raises ValueError."""
        return self.body


class Session(requests.Session):
    """Asks one server and nobody else: no proxy, no netrc, and no redirect is followed."""

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
        self.last: Answer | None = None

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Lead nowhere: a login page is no answer, and no token goes to another host."""

    def _keep(self, response: requests.Response, *_: object, **__: object) -> Answer:
        self.last = Answer()
        self.last.__dict__.update(response.__dict__)
        return self.last


class RoutedAdapter(HTTPAdapter):
    """Connects to where the environment says that a host is."""

    def __init__(self, network: Network, retries: Retry) -> None:
        """Connect to nothing yet."""
        self._network = network
        super().__init__(max_retries=retries)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """Make the pools of connections that are routed."""
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = {
            "http": _pool(HTTPConnectionPool, self._network),
            "https": _pool(HTTPSConnectionPool, self._network),
        }


def _pool(kind: type[HTTPConnectionPool], network: Network) -> type[HTTPConnectionPool]:
    made_of: Any = kind.ConnectionCls

    class Routed(made_of):  # type: ignore[misc]
        """A connection to where the host is; its name stays, for the certificate."""

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

    return type(kind.__name__, (kind,), {"ConnectionCls": Routed})
