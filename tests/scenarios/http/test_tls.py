import ssl
from contextlib import suppress
from pathlib import Path

import pytest

from scenarios.http.tls import Tls
from tests.secured_servers import sign


class ServerSide:
    """The server's end of a connection, over memory buffers as well."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._in, self._out, server_side=True)

    def exchange(self, data: bytes) -> bytes:
        """Take bytes, go on with the handshake, and return bytes."""
        self._in.write(data)
        with suppress(ssl.SSLWantReadError):
            self.tls.do_handshake()
        return self._out.read()

    def send(self, data: bytes) -> bytes:
        self.tls.write(data)
        return self._out.read()

    def receive(self, data: bytes) -> bytes:
        self._in.write(data)
        return self.tls.read(100_000)


def connected(folder: Path, host: str) -> tuple[Tls, ServerSide]:
    """Connect a client that trusts the server's CA to a server at 127.0.0.1."""
    made = sign(folder)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(made.certificate, made.key)
    client = Tls(ssl.create_default_context(cafile=str(made.ca)), host)
    server = ServerSide(context)
    while not client.shake_hands():
        client.incoming(server.exchange(client.outgoing()))
    client.incoming(server.exchange(client.outgoing()))  # session tickets
    return client, server


def test_what_one_side_sends_arrives_at_the_other(tmp_path: Path) -> None:
    client, server = connected(tmp_path, "127.0.0.1")
    assert server.receive(client.encrypted(b"request")) == b"request"
    assert client.decrypted(server.send(b"x" * 50_000)) == b"x" * 50_000


def test_a_record_that_is_not_whole_is_waited_for(tmp_path: Path) -> None:
    client, server = connected(tmp_path, "127.0.0.1")
    record = server.send(b"response")
    with pytest.raises(BlockingIOError):
        client.decrypted(record[:10])
    assert client.decrypted(record[10:]) == b"response"


def test_a_certificate_for_another_host_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        connected(tmp_path, "other.example")
