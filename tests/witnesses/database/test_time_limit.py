import socket
from threading import Event

import pytest

from witnesses.database.time_limit import TimeLimit, Watchdog

_HANGING_S = 60


def test_a_limit_of_a_batch_is_restarted_but_not_that_of_the_whole() -> None:
    limit = TimeLimit(batch_s=3600, whole_s=0.0)
    limit.renew()
    assert limit.is_over
    assert limit.passed_s == 0.0


def test_a_limit_that_has_not_passed_is_not_over() -> None:
    limit = TimeLimit(batch_s=3600, whole_s=7200)
    assert not limit.is_over
    assert limit.passed_s == 3600


def test_the_grace_prolongs_the_batch() -> None:
    assert TimeLimit(batch_s=0, whole_s=7200).is_over
    assert not TimeLimit(batch_s=0, whole_s=7200, grace_s=3600).is_over


def test_a_connection_is_cut_and_then_the_rest_is_done() -> None:
    done = Event()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(_HANGING_S)
        watchdog = Watchdog(TimeLimit(batch_s=0, whole_s=3600), done.set)
        watchdog.watch(ours.fileno())
        assert ours.recv(1) == b""
        assert done.wait(_HANGING_S)
        assert watchdog.was_cut
        watchdog.close()


def test_a_connection_that_ends_in_time_is_not_cut() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        watchdog = Watchdog(TimeLimit(batch_s=3600, whole_s=3600), lambda: pytest.fail("cut"))
        watchdog.watch(ours.fileno())
        watchdog.close()
        assert not watchdog.was_cut
        theirs.sendall(b"x")
        assert ours.recv(1) == b"x"


def test_what_watches_nothing_can_be_closed() -> None:
    Watchdog(TimeLimit(batch_s=1, whole_s=1), lambda: None).close()
