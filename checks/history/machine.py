"""Identify the machine of this process, enough to know two that cannot be compared."""

import os
import platform
from pathlib import Path

_CPU_FACTS = Path("/proc/cpuinfo")
_MODEL_NAMES = ("model name", "Model")  # on x86, and on some others
_MOST_CHARACTERS = 60


def machine_here() -> str:
    """Return this machine's fingerprint: architecture, cores for this process, processor.

    Two with the same fingerprint need not be equally fast.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    core_words = f"{cores} core{'' if cores == 1 else 's'}"
    try:
        # platform.processor() is empty on most Linux distributions.
        facts = _CPU_FACTS.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        facts = []
    pairs = (fact.partition(":") for fact in facts)
    models = (value.strip() for name, _, value in pairs if name.strip() in _MODEL_NAMES)
    processor = next(models, platform.processor())[:_MOST_CHARACTERS]
    return ", ".join(filter(None, [platform.machine(), core_words, processor]))
