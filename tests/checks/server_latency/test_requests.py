"""What the client knows of the requests that a histogram of one step times."""

import math

import numpy as np
import pytest

from checks.server_latency.requests import StepRequests
from checks.timings import Timings

NONE = np.empty(0)


def requests(
    served: int, timed_out: int = 0, elsewhere: int = 0, unsure: int = 0, *, strangers: bool = False
) -> StepRequests:
    timings = Timings(np.full(served, 0.1), np.full(timed_out, 3.0), NONE)
    return StepRequests(timings, elsewhere, unsure, strangers)


def test_a_service_has_timed_what_was_served_and_at_most_what_was_sent() -> None:
    known = requests(35, timed_out=2, elsewhere=10, unsure=65)
    assert (known.least, known.most) == (45, 112)
    assert requests(35, strangers=True).most == math.inf


@pytest.mark.parametrize(
    ("known", "count", "most"),
    [
        (requests(40), 40, 0),
        (requests(40, elsewhere=10), 50, 10),
        (requests(35, unsure=65), 100, 65),
        (requests(35, unsure=65), 35, 0),
        (requests(35, unsure=65), 40, 5),
        (requests(37, timed_out=3), 40, 0),
        (requests(37, timed_out=3, unsure=1), 40, 1),
        (requests(40, strangers=True), 63, 23),
        (requests(40), 80, 40),
        (requests(37, timed_out=3, unsure=1), 80, 43),
    ],
)
def test_what_a_count_leaves_room_for_may_be_of_others(
    known: StepRequests, count: float, most: float
) -> None:
    assert known.foreign_most(count) == most


def test_the_share_of_the_client_is_of_what_was_served_or_timed_out() -> None:
    assert requests(3, timed_out=1).client_ratio(2.5) == 0.75
    assert requests(0).client_ratio(2.5) is None
