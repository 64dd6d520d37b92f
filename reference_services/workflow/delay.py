"""How long does generation take? No time at all, unless a benchmark is to have a lifelike shape."""

import math
import time
from collections.abc import Callable
from random import Random
from statistics import NormalDist
from threading import Lock

from reference_services.common.settings import Settings

_P95_DEVIATIONS = NormalDist().inv_cdf(0.95)


class GenerationDelay:
    """Durations of a log-normal distribution; the same seed draws the same ones in order."""

    def __init__(
        self,
        median_s: float,
        p95_s: float,
        seed: int,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._mu = math.log(median_s)
        self._sigma = math.log(p95_s / median_s) / _P95_DEVIATIONS
        self._random = Random(seed)  # noqa: S311 - a benchmark wants the same durations again
        self._pause = pause
        self._lock = Lock()
        self.note = (
            f"generation is delayed: median {median_s:g} s, p95 {p95_s:g} s, log-normal, "
            f"seed {seed} in each worker"
        )

    def draw_s(self) -> float:
        """Draw the next duration."""
        with self._lock:
            return self._random.lognormvariate(self._mu, self._sigma)

    def wait(self) -> None:
        """Let the next duration pass."""
        self._pause(self.draw_s())


def read_delay(
    settings: Settings, pause: Callable[[float], None] = time.sleep
) -> GenerationDelay | None:
    """Build the delay that the settings ask for, if they ask for one."""
    median_s, p95_s = settings.generation_delay_median_s, settings.generation_delay_p95_s
    if median_s is None or p95_s is None:
        return None
    return GenerationDelay(median_s, p95_s, settings.generation_delay_seed, pause)
