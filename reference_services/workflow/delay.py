"""Optional artificial delay of generation, so that a benchmark has realistic durations."""

import math
import time
from collections.abc import Callable
from random import Random
from statistics import NormalDist
from threading import Lock

from reference_services.common.settings import Settings

_P95_DEVIATIONS = NormalDist().inv_cdf(0.95)


class GenerationDelay:
    """Log-normal delay; equal seeds draw equal sequences of durations.

    With z = 1.645, the 95 % quantile of the standard normal distribution:
    mu = ln(median), sigma = ln(p95 / median) / z.
    """

    def __init__(
        self,
        median_s: float,
        p95_s: float,
        seed: int,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._mu = math.log(median_s)
        self._sigma = math.log(p95_s / median_s) / _P95_DEVIATIONS
        self._random = Random(seed)  # noqa: S311 - reproducible on purpose
        self._sleep = sleep
        self._lock = Lock()
        self.note = (
            f"artificial generation delay: median {median_s:g} s, p95 {p95_s:g} s, log-normal, "
            f"seed {seed} in each worker"
        )

    def draw_s(self) -> float:
        """Draw the next duration in seconds."""
        with self._lock:
            return self._random.lognormvariate(self._mu, self._sigma)

    def wait(self) -> None:
        """Sleep for the next duration."""
        self._sleep(self.draw_s())


def read_delay(settings: Settings) -> GenerationDelay | None:
    """Build the delay that the settings configure, or return None."""
    median_s, p95_s = settings.generation_delay_median_s, settings.generation_delay_p95_s
    if median_s is None or p95_s is None:
        return None
    return GenerationDelay(median_s, p95_s, settings.generation_delay_seed)
