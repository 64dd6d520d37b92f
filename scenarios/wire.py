"""How is a connection made? To where the environment says, trusting whom it says.

No proxy, no netrc and no redirect: what is asked is asked of that address alone.
"""

import functools
import ssl
from collections.abc import Mapping
from typing import Any

import httpcore
import httpx

from config.network import Network


@functools.cache
def tls_of(ca_file: str | None) -> ssl.SSLContext:
    """Return the TLS settings that all connections share, since making them is slow."""
    if ca_file is None:
        return httpx.create_ssl_context(trust_env=False)
    return ssl.create_default_context(cafile=ca_file)


class RoutedBackend(httpcore.SyncBackend):
    """Connects to where the environment says that a host is."""

    def __init__(self, network: Network) -> None:
        """Connect to nothing yet."""
        self._network = network

    def connect_tcp(
        self, host: str, port: int, *args: Any, **options: Any
    ) -> httpcore.NetworkStream:
        """Connect to a host, wherever it is."""
        return super().connect_tcp(*self._network.route(host, port), *args, **options)


def open_transport(
    network: Network, backend: httpcore.NetworkBackend, keepalive_s: float, kept: int | None = None
) -> httpx.HTTPTransport:
    """Return a transport over a backend that keeps idle connections so long, and so many."""
    tls = tls_of(network.ca_file)
    transport = httpx.HTTPTransport(verify=tls, trust_env=False)
    # httpx passes no network backend on, so its pool is replaced by one that has ours
    transport._pool = httpcore.ConnectionPool(
        ssl_context=tls,
        keepalive_expiry=keepalive_s,
        max_keepalive_connections=kept,
        network_backend=backend,
    )
    return transport


def open_client(
    network: Network,
    timeout_s: float,
    headers: Mapping[str, str] | None = None,
    kept: int | None = None,
) -> httpx.Client:
    """Return a client for single questions; `kept` bounds the idle connections, 0 keeps none."""
    transport = open_transport(network, RoutedBackend(network), timeout_s, kept)
    return httpx.Client(
        transport=transport, timeout=timeout_s, headers=dict(headers or {}), trust_env=False
    )
