"""Who reaches whom over the worker channel, with which keys."""

from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.engine.locust_child import in_locust_child
from tests.secured_servers import free_port

KEY, OTHER = "0123456789abcdef", "fedcba9876543210"


def exchange(port: int, master: str, worker: str, size: int = 3) -> list[Any]:
    """Send one message each way, between sockets with these keys; return what arrived."""
    import os

    import gevent
    from locust import rpc

    from scenarios.driver.worker_key import KEY as VARIABLE
    from scenarios.engine import secure_channel

    secure_channel.install()
    zmqrpc: Any = rpc.rpc
    made: Any = rpc.Message
    os.environ[VARIABLE] = master
    server = zmqrpc.Server("127.0.0.1", port)
    os.environ[VARIABLE] = worker
    client = zmqrpc.Client("127.0.0.1", port, "worker-1")
    arrived: list[Any] = []
    client.send(made("batch", "x" * size, "worker-1"))
    with gevent.Timeout(2.0, False):
        name, received = server.recv_from_client()
        arrived.append([name, received.type, len(received.data)])
        server.send_to_client(made("confirmation", 1, "worker-1"))
        arrived.append(client.recv().type)
    return arrived


def test_a_worker_and_a_master_with_the_same_key_reach_each_other() -> None:
    arrived = in_locust_child(exchange, free_port(), KEY, KEY)
    assert arrived == [["worker-1", "batch", 3], "confirmation"]


def test_on_loopback_they_reach_each_other_without_a_key() -> None:
    assert len(in_locust_child(exchange, free_port(), "", "")) == 2


@pytest.mark.parametrize(
    ("master", "worker"), [(KEY, OTHER), (KEY, ""), ("", KEY)],
    ids=["another key", "a worker without", "a master without"],
)  # fmt: skip
def test_with_different_keys_nothing_arrives(master: str, worker: str) -> None:
    assert in_locust_child(exchange, free_port(), master, worker) == []


def test_a_message_that_is_too_large_does_not_arrive() -> None:
    assert in_locust_child(exchange, free_port(), KEY, KEY, 8_000_001) == []


def open_without_key(port: int) -> list[str]:
    from locust import rpc

    from config.errors import ConfigError
    from scenarios.engine import secure_channel

    secure_channel.install()
    zmqrpc: Any = rpc.rpc
    errors: list[str] = []
    for socket, place in ((zmqrpc.Server, ("*", port)), (zmqrpc.Client, ("10.0.0.5", port, "w"))):
        try:
            socket(*place)
        except ConfigError as error:
            errors.append(str(error))
    return errors


def test_a_socket_that_others_reach_is_not_opened_without_a_key() -> None:
    server, client = in_locust_child(open_without_key, free_port())
    assert server.startswith("workers at * need a key; set TRIAL_BALANCE_WORKER_KEY")
    assert client.startswith("workers at 10.0.0.5 need a key")


def read_on_the_wire(folder: str, port: int) -> bool:
    """Return whether what crosses a plain relay shows the message."""
    import os

    import gevent
    from gevent import socket
    from locust import rpc

    from scenarios.driver.worker_key import KEY as VARIABLE
    from scenarios.engine import secure_channel

    secure_channel.install()
    zmqrpc: Any = rpc.rpc
    made: Any = rpc.Message
    os.environ[VARIABLE] = KEY
    server, seen = zmqrpc.Server("127.0.0.1", port), bytearray()
    listener = socket.create_server(("127.0.0.1", 0))

    def copy(source: Any, target: Any) -> None:
        while piece := source.recv(65_536):
            seen.extend(piece)
            target.sendall(piece)

    def relay() -> None:
        near, _ = listener.accept()
        far = socket.create_connection(("127.0.0.1", port))
        gevent.spawn(copy, near, far)
        gevent.spawn(copy, far, near)

    gevent.spawn(relay)
    client = zmqrpc.Client("127.0.0.1", listener.getsockname()[1], "worker-1")
    client.send(made("batch", "a text that nobody else reads", "worker-1"))
    with gevent.Timeout(10.0):
        server.recv_from_client()
    public = secure_channel.master_keys(KEY)[1]
    import zmq.utils.z85

    return b"nobody else" in seen or zmq.utils.z85.decode(public) in seen or b"CURVE" not in seen


def test_neither_messages_nor_the_key_are_readable_on_the_wire(tmp_path: Path) -> None:
    assert in_locust_child(read_on_the_wire, tmp_path, free_port()) is False
