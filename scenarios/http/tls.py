"""TLS over memory buffers, without a socket: bytes go in, and bytes come out."""

import ssl

_READ_BYTES = 32_768


class Tls:
    """One side of an encrypted connection; bytes go in and come out, no socket is touched."""

    def __init__(self, context: ssl.SSLContext, host: str) -> None:
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._object = context.wrap_bio(self._in, self._out, server_hostname=host)

    def shake_hands(self) -> bool:
        """Go on with the handshake; tell whether it is over. Raises ssl.SSLError (an OSError)."""
        try:
            self._object.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True

    def incoming(self, data: bytes) -> None:
        """Take what came over the network."""
        self._in.write(data)

    def outgoing(self) -> bytes:
        """Return what has to go over the network."""
        return self._out.read()

    def encrypted(self, data: bytes) -> bytes:
        """Return what has to go over the network so that this arrives."""
        self._object.write(data)
        return self._out.read()

    def decrypted(self, data: bytes) -> bytes:
        """Return what arrived; b"" at the end. Raises BlockingIOError while nothing is whole."""
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
