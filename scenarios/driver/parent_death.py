"""Have the kernel end a child process when its parent ends, however the parent ends.

The end of a pipe ends a child, too, but not one that is suspended or still importing. Outside
Linux, the pipe is all there is.
"""

import ctypes
import os
import signal
import sys
import threading
from collections.abc import Callable

_SET_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2)
_KERNEL = ctypes.CDLL(None) if sys.platform == "linux" else None


def dies_with_parent() -> Callable[[], None]:
    """Return a `preexec_fn` for a child of this process: SIGKILL when this process ends.

    The kernel sends it when the *thread* that started the child ends, so a child that another
    thread than the main one starts is left to its pipe.
    """
    parent, is_main = os.getpid(), threading.current_thread() is threading.main_thread()

    def end_with_parent() -> None:
        if _KERNEL is None or not is_main:
            return
        _KERNEL.prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
        # a parent that ended before the call above sends no signal any more
        if os.getppid() != parent:
            os._exit(1)

    return end_with_parent
