"""Where can a fault take hold? The parts of one service that it may wrap."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any

from fastapi import FastAPI


@dataclass(frozen=True)
class Seams:
    """The parts of one service that a fault may wrap.

    All but the app are `Any`: a fault replaces a method of theirs, which their types forbid.
    `cards` is what calls Cards, where the service does.
    """

    app: FastAPI
    store: Any
    metrics: Any
    cards: Any = None


def every(turns: int) -> Callable[[], bool]:
    """Return what tells, call by call, whether it is the last of so many turns.

    >>> is_turn = every(3)
    >>> [is_turn() for _ in range(6)]
    [False, False, True, False, False, True]
    """
    turn = count(1)
    return lambda: next(turn) % turns == 0
