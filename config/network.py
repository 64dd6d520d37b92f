"""How is an address reached? Which host is really which, and whose certificates are trusted."""

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import AfterValidator, BeforeValidator

PORTS = range(1, 65_536)

_PLACE = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s:/\[\]@]+)(:(?P<port>[0-9]{1,5}))?")


class Place(NamedTuple):
    """A host, an IPv6 address without its brackets, and the port if one was written."""

    host: str
    port: int | None


def read_place(text: str) -> Place | None:
    """Read HOST or HOST:PORT; None for anything else. The port may be none of `PORTS`.

    >>> read_place("[::1]:5557")
    Place(host='::1', port=5557)
    """
    found = _PLACE.fullmatch(text)
    if found is None:
        return None
    return Place(found["host"].strip("[]"), int(found["port"]) if found["port"] else None)


def certificates(path: str) -> str:
    """Return the path of a file that holds certificates. Raises ValueError for any other."""
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
    """Read `host=address host=address`, as a variable has it, like a mapping."""
    if not isinstance(value, str):
        return value
    pairs = [each.partition("=") for each in value.split()]
    return {host: address for host, _, address in pairs}


def _places(routes: dict[str, str]) -> dict[str, str]:
    for host, address in routes.items():
        if not read_place(host) or not read_place(address):
            raise ValueError(f"{host}={address} is not HOST=ADDRESS or HOST:PORT=ADDRESS:PORT")
    return routes


def _or_none(value: object) -> object:
    return value or None


CertificateFile = Annotated[
    Annotated[str, AfterValidator(certificates)] | None, BeforeValidator(_or_none)
]
Routes = Annotated[dict[str, str], AfterValidator(_places), BeforeValidator(_pairs)]


@dataclass(frozen=True)
class Network:
    """How an environment's hosts are reached.

    `connect_to` is by host, or by host and port: the address to connect to instead, as curl's
    `--connect-to`; the name in requests and certificates stays. `ca_file` has the certificates to
    trust instead of the well-known ones.
    """

    connect_to: Mapping[str, str] = field(default_factory=dict)
    ca_file: str | None = None

    def route(self, host: str, port: int) -> tuple[str, int]:
        """Return where to connect to for a host and port.

        >>> Network({"shop.example": "127.0.0.1:8443"}).route("shop.example", 443)
        ('127.0.0.1', 8443)
        """
        address = self.connect_to.get(f"{host}:{port}") or self.connect_to.get(host)
        place = read_place(address or "")
        if place is None:
            return host, port
        return place.host, port if place.port is None else place.port
