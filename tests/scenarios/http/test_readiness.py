import math
import socket
import time

from scenarios.http.readiness import PollingReadiness


def test_a_socket_is_readable_once_there_is_something_to_read() -> None:
    here, there = socket.socketpair()
    with here, there:
        readiness = PollingReadiness(here.fileno())
        assert not readiness.readable(time.monotonic() + 0.001)
        there.send(b"x")
        assert readiness.readable(time.monotonic() + 60)


def test_a_socket_whose_buffer_is_full_is_not_writable_until_it_is_read() -> None:
    here, there = socket.socketpair()
    with here, there:
        here.setblocking(False)
        readiness = PollingReadiness(here.fileno())
        assert readiness.writable(time.monotonic() + 60)
        sent = 0
        while readiness.writable(time.monotonic() + 0.001):
            sent += here.send(bytes(65_536))
        while sent:
            sent -= len(there.recv(sent))
        assert readiness.writable(time.monotonic() + 60)


def test_a_socket_that_is_full_is_ready_once_there_is_something_to_read() -> None:
    here, there = socket.socketpair()
    with here, there:
        here.setblocking(False)
        readiness = PollingReadiness(here.fileno())
        while readiness.ready(time.monotonic() + 0.001):
            here.send(bytes(65_536))
        there.send(b"x")
        assert readiness.ready(time.monotonic() + 60)


def test_a_socket_is_quiet_until_data_has_arrived() -> None:
    here, there = socket.socketpair()
    with here, there:
        readiness = PollingReadiness(here.fileno())
        assert readiness.is_quiet()
        there.send(b"x")
        assert not readiness.is_quiet()


def test_a_socket_is_not_quiet_once_the_other_side_has_closed() -> None:
    here, there = socket.socketpair()
    with here:
        there.close()
        assert not PollingReadiness(here.fileno()).is_quiet()


def test_after_the_deadline_nothing_is_ready() -> None:
    here, there = socket.socketpair()
    with here, there:
        assert not PollingReadiness(here.fileno()).writable(-math.inf)
