"""Encrypt and authenticate the channel between a master and its workers by their shared key.

ZeroMQ's CURVE does both. The key pair of the master is derived from the shared key. A worker is
accepted only if it knows the public part, which never crosses the channel, and accepts only a
master that has the secret part. Each connection has keys of its own, so nothing can be replayed.
"""

import hashlib
from typing import Any

import zmq.green as zmq
from locust.exception import RPCError
from locust.rpc import zmqrpc
from zmq.utils import z85

from scenarios.driver.worker_key import worker_key

MAX_MESSAGE_BYTES = 8_000_000  # a batch has 1.1 MB at most, a scenario 2 MB, a chunk 1 MB

_SALT = b"trial-balance worker channel"
_SECRET_BYTES = 32


class SecureServer(zmqrpc.Server):
    """The master's socket: refuses workers without the key."""

    def __init__(self, host: str, port: int) -> None:
        """Listen there. Raises ConfigError without a key, except on loopback; RPCError."""
        # not Server.__init__, which binds before a key can be set
        base: Any = zmqrpc.BaseSocket
        base.__init__(self, zmq.ROUTER, self.ipv4_only(host, port))
        self.socket.setsockopt(zmq.MAXMSGSIZE, MAX_MESSAGE_BYTES)
        if key := worker_key(host):
            self.socket.curve_secretkey, self.socket.curve_publickey = master_keys(key)
            self.socket.curve_server = True
        try:
            self.socket.bind(f"tcp://{host}:{port}")
        except zmq.ZMQError as error:
            raise RPCError(f"Socket bind failure: {error}") from error
        self.port = port


class SecureClient(zmqrpc.Client):
    """A worker's socket: refuses a master without the key."""

    def __init__(self, host: str, port: int, identity: str) -> None:
        """Connect there. Raises ConfigError without a key, except on loopback."""
        base: Any = zmqrpc.BaseSocket
        base.__init__(self, zmq.DEALER, self.ipv4_only(host, port))
        self.socket.setsockopt(zmq.MAXMSGSIZE, MAX_MESSAGE_BYTES)
        self.socket.setsockopt(zmq.IDENTITY, identity.encode())
        if key := worker_key(host):
            self.socket.curve_publickey, self.socket.curve_secretkey = zmq.curve_keypair()
            self.socket.curve_serverkey = master_keys(key)[1]
        self.socket.connect(f"tcp://{host}:{port}")


def master_keys(key: str) -> tuple[bytes, bytes]:
    """Return the secret and the public key of the master, in Z85."""
    # scrypt: a short key must not be found by trying many
    seed = hashlib.scrypt(key.encode(), salt=_SALT, n=2**14, r=8, p=1, dklen=_SECRET_BYTES)
    secret = z85.encode(seed)
    return secret, zmq.curve_public(secret)


def install() -> None:
    """Have Locust open these sockets instead of its own."""
    vars(zmqrpc).update(Server=SecureServer, Client=SecureClient)
