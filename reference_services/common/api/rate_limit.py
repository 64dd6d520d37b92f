"""Rate limit per tenant, counted in this worker process only."""

import math
import time

from limits import RateLimitItem
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter


class RateLimit:
    """Moving-window limit on the requests of one tenant; `None` means no limit."""

    def __init__(self, rate: RateLimitItem | None) -> None:
        self._rate = rate
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def check(self, tenant_id: str) -> int | None:
        """Count one request; return None if it is allowed, else the seconds to wait."""
        if self._rate is None or self._limiter.hit(self._rate, tenant_id):
            return None
        reset_at = self._limiter.get_window_stats(self._rate, tenant_id).reset_time
        return max(1, math.ceil(reset_at - time.time()))
