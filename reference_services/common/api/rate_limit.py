"""Does a tenant call too often? A limit for each tenant, counted in this worker process."""

import math
import time

from limits import RateLimitItem
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter


class RateLimit:
    """At most so many requests of one tenant in any window of time; without a rate, no limit."""

    def __init__(self, rate: RateLimitItem | None) -> None:
        self._rate = rate
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def pause_s(self, tenant_id: str) -> int | None:
        """Count one request of the tenant, or return after how many seconds one may be made."""
        if self._rate is None or self._limiter.hit(self._rate, tenant_id):
            return None
        reset_at = self._limiter.get_window_stats(self._rate, tenant_id).reset_time
        return max(1, math.ceil(reset_at - time.time()))
