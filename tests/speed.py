"""Which findings of a run rest on the speed of the machine, so that a test cannot assert them."""

from collections.abc import Mapping
from typing import Any

_OF_SPEED = (
    "latency",
    "server_latency",
    "validity/generator-not-saturated",
    "validity/no-coordinated-omission",
)


def unproven(result: Mapping[str, Any]) -> dict[str, str]:
    """Return the verdict of each finding that is not a pass, except those that rest on speed.

    >>> unproven({"findings": [{"id": "latency/iteration/p95", "verdict": "fail"},
    ...                        {"id": "usage/cards", "verdict": "fail"}]})
    {'usage/cards': 'fail'}
    """
    return {
        each["id"]: each["verdict"]
        for each in result["findings"]
        if each["verdict"] != "pass" and not each["id"].startswith(_OF_SPEED)
    }
