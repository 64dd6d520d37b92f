"""The names of signals, for messages."""

import signal


def signal_name(number: int) -> str:
    """Return the name of a signal.

    >>> signal_name(9), signal_name(35)
    ('SIGKILL', 'signal 35')
    """
    known = {each.value: each.name for each in signal.Signals}
    return known.get(number, f"signal {number}")
