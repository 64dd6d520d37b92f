"""How does work that only takes long leave the processor to tests that look at the clock?"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

# Who steps back waits for all others: only what takes this long hangs.
HANGS_S = 3_600

_LAST = 19

T = TypeVar("T")


def patiently(work: Callable[[], T]) -> T:
    """Do it in a thread of the lowest priority; the processes that it starts have that, too.

    On Linux a priority is a thread's own, and nobody but root can raise one again.
    """
    with ThreadPoolExecutor(1, initializer=_step_back) as pool:
        return pool.submit(work).result()


def _step_back() -> None:
    os.setpriority(os.PRIO_PROCESS, 0, _LAST)
