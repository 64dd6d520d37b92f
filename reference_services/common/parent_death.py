"""Have the kernel end this process when its parent ends, however the parent ends."""

import ctypes
import os
import signal
import sys

_SET_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2)
_KERNEL = ctypes.CDLL(None) if sys.platform == "linux" else None


def die_with_parent(parent: int) -> None:
    """Have this process killed when its parent, with this process id, ends; Linux only.

    The kernel sends SIGKILL when the *thread* that started this process ends: that must be the
    parent's main thread.
    """
    if _KERNEL is None:
        return
    _KERNEL.prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    # A parent that ended before the call above sends no signal any more.
    if os.getppid() != parent:
        os._exit(1)
