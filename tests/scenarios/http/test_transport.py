"""Clients for single requests: their deadline, routes and connections."""

import socket

import httpx
import pytest

from config.network import Network
from scenarios.http.transport import Deadline, open_client
from tests.scenarios.sockets import Server, answering, free_url, http, serving

QUICK_S = 0.2
HANGS_S = 60.0
AN_HOUR_OF_TICKS = 72_000


def test_a_response_that_trickles_ends_at_the_timeout() -> None:
    """Each byte comes soon after the one before, so httpx alone would wait for an hour."""

    def behave(server: Server, connection: socket.socket) -> None:
        server.receive(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % AN_HOUR_OF_TICKS)
        server.trickle(connection, b"x" * AN_HOUR_OF_TICKS)

    with (
        serving(behave) as server,
        open_client(Network(), QUICK_S) as client,
        pytest.raises(httpx.ReadTimeout),
    ):
        client.get(server.url)


def test_a_request_that_is_received_slowly_ends_at_the_timeout() -> None:
    def behave(server: Server, connection: socket.socket) -> None:
        while connection.recv(500_000):
            server.stopping.wait(QUICK_S / 4)

    with (
        serving(behave) as server,
        open_client(Network(), QUICK_S) as client,
        pytest.raises(httpx.WriteTimeout),
    ):
        client.post(server.url, content=b"x" * 40_000_000)


def test_each_exchange_has_a_deadline_of_its_own() -> None:
    deadline = Deadline()
    assert deadline.left_s(None, httpx.ReadTimeout) is None
    deadline.begin(0.0)
    with pytest.raises(httpx.ReadTimeout, match="deadline"):
        deadline.left_s(HANGS_S, httpx.ReadTimeout)
    deadline.begin(HANGS_S)
    assert deadline.left_s(QUICK_S, httpx.ReadTimeout) == QUICK_S
    left_s = deadline.left_s(None, httpx.ReadTimeout)
    assert left_s is not None
    assert 0 < left_s <= HANGS_S


def test_a_request_goes_to_the_address_that_its_host_is_mapped_to() -> None:
    with serving(answering(http("200 OK"))) as server:
        network = Network({"shop.invalid": server.url[7:]})
        with open_client(network, HANGS_S) as client:
            assert client.get("http://shop.invalid/").status_code == 200
    assert b"host: shop.invalid\r\n" in server.received[0].lower()


@pytest.mark.parametrize(("kept", "connections"), [(None, 1), (0, 3)])
def test_connections_are_kept_unless_none_may_be(kept: int | None, connections: int) -> None:
    with serving(answering(http("200 OK"))) as server:
        with open_client(Network(), HANGS_S, kept=kept) as client:
            for _ in range(3):
                client.get(server.url)
        assert server.connections == connections


def test_no_proxy_of_the_process_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, free_url())
    with serving(answering(http("200 OK"))) as server, open_client(Network(), HANGS_S) as client:
        assert client.get(server.url).status_code == 200


def test_a_redirect_is_not_followed() -> None:
    with (
        serving(answering(http("302 Found", b"", "Location: /elsewhere"))) as server,
        open_client(Network(), HANGS_S) as client,
    ):
        assert client.get(server.url).status_code == 302
        assert len(server.received) == 1


def test_headers_are_sent_with_every_request() -> None:
    with (
        serving(answering(http("200 OK"))) as server,
        open_client(Network(), HANGS_S, {"Authorization": "Bearer t"}) as client,
    ):
        client.get(server.url)
    assert b"authorization: bearer t\r\n" in server.received[0].lower()
