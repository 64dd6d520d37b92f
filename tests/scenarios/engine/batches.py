"""A batch of a worker that has nothing new, as the master receives it."""

from typing import Any

EMPTY_BATCH: dict[str, Any] = {
    "batch": 1,
    "numbers": b"",
    "rows": b"",
    "notes": b"",
    "amounts": b"",
    "streams": b"",
    "health": b"",
    "ended": 0,
}
