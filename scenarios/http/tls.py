"""TLS: the context of an environment, and TLS over memory buffers instead of a socket."""

import functools
import ssl

import httpx

from config.client_certificate import ClientCertificate

# the alerts with which a server refuses a client's certificate, or the lack of one
REFUSED_CERTIFICATE = (
    "TLSV13_ALERT_CERTIFICATE_REQUIRED", "SSLV3_ALERT_BAD_CERTIFICATE", "TLSV1_ALERT_UNKNOWN_CA",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED", "SSLV3_ALERT_CERTIFICATE_REVOKED",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN", "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE",
)  # fmt: skip

_READ_BYTES = 32_768


@functools.cache
def tls_context(
    ca_file: str | None, certificate: ClientCertificate | None = None
) -> ssl.SSLContext:
    """Return the context that trusts the certificates of a file, or the well-known ones.

    It shows a client certificate, if there is one. All connections share it: creating one takes
    tens of milliseconds.
    """
    if ca_file is None:
        context = httpx.create_ssl_context(trust_env=False)
    else:
        context = ssl.create_default_context(cafile=ca_file)
    if certificate:
        certificate.load_into(context)
    return context


class Tls:
    """The client's side of an encrypted connection.

        request ─→ encrypted() ─→ bytes for the socket
        response ←─ decrypted() ←─ bytes from the socket

    During the handshake, `outgoing` and `incoming` exchange the bytes. No method touches a socket,
    so that the caller decides how to wait for it.
    """

    def __init__(self, context: ssl.SSLContext, host: str) -> None:
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._object = context.wrap_bio(self._in, self._out, server_hostname=host)

    def shake_hands(self) -> bool:
        """Continue the handshake; return whether it is complete. Raises ssl.SSLError."""
        try:
            self._object.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True

    def incoming(self, data: bytes) -> None:
        """Take bytes of the handshake from the socket."""
        self._in.write(data)

    def outgoing(self) -> bytes:
        """Return the bytes of the handshake for the socket."""
        return self._out.read()

    def encrypted(self, data: bytes) -> bytes:
        """Return the bytes for the socket that carry this data."""
        self._object.write(data)
        return self._out.read()

    def decrypted(self, data: bytes) -> bytes:
        """Return the data in bytes from the socket; b"" at the end of the connection.

        Raises BlockingIOError until a record is complete.
        """
        self._in.write(data)
        pieces = []
        try:
            while piece := self._object.read(_READ_BYTES):
                pieces.append(piece)
        except ssl.SSLWantReadError:
            if not pieces:
                raise BlockingIOError from None
        except ssl.SSLZeroReturnError:
            pass
        return b"".join(pieces)
