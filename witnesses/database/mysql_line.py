"""One connection to MySQL or MariaDB: its address, its encryption, and how much is read from it."""

import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pymysql
from pymysql.cursors import Cursor, SSCursor
from sqlalchemy import URL

from witnesses.database.dialect import MAX_ROW_BYTES, DatabaseDown

# Of one row: its values, and a few bytes before each.
_MAX_PACKET_BYTES = MAX_ROW_BYTES + 1_024
_PORT, _MAX_PORT = 3306, 65_535
_PARAMETERS = ("charset", "ssl_ca", "ssl_cert", "ssl_key", "ssl_mode", "unix_socket")
_MODES = ("disabled", "preferred", "required", "verify_ca", "verify_identity")
_OTHER_MODES = {"disable": "disabled", "prefer": "preferred", "require": "required",
                "verify_full": "verify_identity"}  # fmt: skip


# Ways to log in that send the password as it is, or as good as.
_PLAIN_TEXT = (b"dialog", b"mysql_clear_password", b"mysql_old_password")
_NEEDS_ENCRYPTION = "the server asks for the password in plain text; write ssl_mode=required"


class PacketTooLarge(pymysql.err.InternalError):
    """The server sends a row, or another message, that is larger than any may be."""


class MysqlLine(pymysql.Connection):
    """A connection that reads no large message, and that is dropped rather than tidied up."""

    _secure: bool

    def cursor(self, cursor: Any = None) -> Any:
        """Return a cursor; a streaming one leaves unread rows where they are."""
        return _StreamingCursor(self) if cursor else Cursor(self)

    def rollback(self) -> None:
        """Do nothing: the server rolls back when the connection ends."""

    def _process_auth(self, plugin_name: bytes, *others: Any) -> Any:
        """Log in as the server asks, unless that sends the password in plain text to everybody."""
        if plugin_name in _PLAIN_TEXT and not self._secure:
            raise pymysql.err.OperationalError(0, _NEEDS_ENCRYPTION)
        return super()._process_auth(plugin_name, *others)  # type: ignore[misc]

    def _read_bytes(self, num_bytes: int) -> bytes:
        if num_bytes > _MAX_PACKET_BYTES:
            raise PacketTooLarge(0, f"a message of {num_bytes:,} bytes")
        data: bytes = super()._read_bytes(num_bytes)  # type: ignore[misc]
        return data


class _StreamingCursor(SSCursor):
    """A cursor that does not read to the end of its rows to be closed: they may have no end."""

    def close(self) -> None:
        """Leave the rows that nobody has read."""
        result = getattr(self, "_result", None)
        if result is not None:
            result.unbuffered_active = False


def open_line(address: URL, timeout_s: float, watch: Callable[[int], None]) -> MysqlLine:
    """Connect and log in; `watch` gets the file descriptor before anything is read.

    Raises DatabaseDown, and pymysql.err.Error.
    """
    parameters = _parameters(address)
    line = MysqlLine(
        host=address.host or "localhost",
        port=address.port or _PORT,
        user=address.username,
        password=(address.password or "").encode(),
        database=address.database or None,
        charset="utf8mb4",
        # `watch` comes first; these are for a connection that nobody watches
        read_timeout=2 * timeout_s,
        write_timeout=2 * timeout_s,
        defer_connect=True,
        **_encryption(parameters),
    )
    connected = _connect(address, parameters.get("unix_socket"), timeout_s)
    watch(connected.fileno())
    try:
        line.connect(connected)
    except RuntimeError as error:  # of the driver, where it would have to encrypt by itself
        raise DatabaseDown(_NEEDS_ENCRYPTION) from error
    return line


def _connect(address: URL, unix_socket: str | None, timeout_s: float) -> socket.socket:
    host, port = address.host or "localhost", address.port or _PORT
    if port > _MAX_PORT:
        raise DatabaseDown(f"its address has an invalid port number: {port}")
    place = unix_socket or f"{host}:{port}"
    try:
        return _unix(unix_socket, timeout_s) if unix_socket else _tcp(host, port, timeout_s)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DatabaseDown(f"no connection to {place}: {reason}") from error


def _tcp(host: str, port: int, timeout_s: float) -> socket.socket:
    connected = socket.create_connection((host, port), timeout_s)
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connected


def _unix(path: str, timeout_s: float) -> socket.socket:
    connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connected.settimeout(timeout_s)
    try:
        connected.connect(path)
    except OSError:
        connected.close()
        raise
    return connected


def _parameters(address: URL) -> dict[str, str]:
    """Return the parameters of an address, also as other tools spell them. Raises DatabaseDown."""
    parameters = {}
    for key, value in address.query.items():
        name = key.lower().replace("-", "_").replace("sslmode", "ssl_mode")
        if name not in _PARAMETERS or not isinstance(value, str):
            raise DatabaseDown(f"its address has the parameter {key!r}; "
                               f"known are {', '.join(_PARAMETERS)}, each once")  # fmt: skip
        parameters[name] = value
    return parameters


def _encryption(parameters: dict[str, str]) -> dict[str, Any]:
    """Return how the driver encrypts: without parameters if the server can, as mysql does."""
    ca_file = parameters.get("ssl_ca")
    written = parameters.get("ssl_mode", "verify_ca" if ca_file else "preferred")
    mode = written.lower().replace("-", "_")
    mode = _OTHER_MODES.get(mode, mode)
    if mode not in _MODES:
        raise DatabaseDown(f"its address has an unknown ssl_mode; known are {', '.join(_MODES)}")
    certificate = parameters.get("ssl_cert")
    if mode == "disabled" or (mode == "preferred" and not certificate):
        return {"ssl_disabled": mode == "disabled"}
    for path in filter(None, (ca_file, certificate, parameters.get("ssl_key"))):
        if not Path(path).is_file():
            raise DatabaseDown(f"there is no file {Path(path).absolute()}")
    return {"ssl": _context(ca_file, mode, certificate, parameters.get("ssl_key"))}


def _context(
    ca_file: str | None, mode: str, certificate: str | None, key: str | None
) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=ca_file)
        # The certificates that MySQL makes for itself lack what the strict rules demand.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        context.check_hostname = mode == "verify_identity"
        if not mode.startswith("verify_"):
            context.verify_mode = ssl.CERT_NONE
        if certificate:
            context.load_cert_chain(certificate, key)
        return context
    except OSError as error:
        raise DatabaseDown(f"its certificates cannot be read: {error.strerror}") from error
