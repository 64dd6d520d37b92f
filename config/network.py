"""Route hosts to other addresses, and validate the certificates to trust."""

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import AfterValidator, BeforeValidator

PORTS = range(1, 65_536)

_HOST_PORT = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s:/\[\]@]+)(:(?P<port>[0-9]{1,5}))?")


class HostPort(NamedTuple):
    """A host (an IPv6 address has no brackets), and the port or None."""

    host: str
    port: int | None


def parse_host_port(text: str) -> HostPort | None:
    """Parse HOST or HOST:PORT; return None for anything else. The port may lie outside `PORTS`.

    >>> parse_host_port("[::1]:5557")
    HostPort(host='::1', port=5557)
    """
    found = _HOST_PORT.fullmatch(text)
    if found is None:
        return None
    host = found["host"].strip("[]")
    try:
        host.encode("idna")  # as the resolver does, which raises the same error
    except UnicodeError:
        return None
    return HostPort(host, int(found["port"]) if found["port"] else None)


def certificate_file(path: str) -> str:
    """Return the path if it is a PEM file of certificates, else raise ValueError."""
    if not Path(path).is_file():
        raise ValueError(f"there is no file {path}")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=path)
    except ssl.SSLError as error:
        raise ValueError(f"{path} holds no certificate in PEM form") from error
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from error
    return path


def _pairs(value: object) -> object:
    """Turn `host=address host=address`, the form that fits into a variable, into a mapping."""
    if not isinstance(value, str):
        return value
    pairs = [pair.partition("=") for pair in value.split()]
    return {host: address for host, _, address in pairs}


def _check_routes(routes: dict[str, str]) -> dict[str, str]:
    for host, address in routes.items():
        if not parse_host_port(host) or not parse_host_port(address):
            raise ValueError(f"{host}={address} is not HOST=ADDRESS or HOST:PORT=ADDRESS:PORT")
    return routes


# An empty text is None, so that a variable with an empty default can stand for no file.
CertificateFile = Annotated[
    Annotated[str, AfterValidator(certificate_file)] | None,
    BeforeValidator(lambda path: path or None),
]
Routes = Annotated[dict[str, str], AfterValidator(_check_routes), BeforeValidator(_pairs)]


@dataclass(frozen=True)
class Network:
    """The routes and the trusted certificates of an environment.

    `connect_to` maps HOST or HOST:PORT to the address to connect to instead, like curl's
    `--connect-to`: the Host header and the name in the certificate stay. `ca_file` is a PEM file
    that replaces the system's certificates.
    """

    connect_to: Mapping[str, str] = field(default_factory=dict)
    ca_file: str | None = None

    def route(self, host: str, port: int) -> tuple[str, int]:
        """Return the host and port to connect to. A route for HOST:PORT wins over one for HOST.

        >>> Network({"shop.example": "127.0.0.1:8443"}).route("shop.example", 443)
        ('127.0.0.1', 8443)
        """
        # A route for the port is more specific than one for the host.
        address = self.connect_to.get(f"{host}:{port}") or self.connect_to.get(host)
        target = parse_host_port(address or "")
        if target is None:
            return host, port
        return target.host, port if target.port is None else target.port
