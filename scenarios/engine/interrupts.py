"""What Ctrl-C (SIGINT) does to a Locust process: never a traceback, never in mid-request.

    imports       held: `commands/worker.py` blocks it
    until init    ends the process at once: nothing was sent
    after init    once: Locust's KeyboardInterrupt, in its main greenlet; it stops and leaves
                  twice: ends the process at once

Python's own handler raises KeyboardInterrupt in whichever greenlet is running. In a virtual user,
that tears a request, and gevent prints the traceback.
"""

import signal

import gevent

_INTERRUPT = {signal.SIGINT}


def end_on_interrupt() -> None:
    """Have SIGINT end this process from now on, also one that was held."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _INTERRUPT)


def stop_on_interrupt() -> None:
    """Have the next SIGINT stop Locust, and the one after that end this process.

    To be called in the main greenlet.
    """
    main = gevent.getcurrent()

    def interrupt() -> None:
        watcher.cancel()  # the default returns with it
        gevent.kill(main, KeyboardInterrupt)

    watcher = gevent.signal_handler(signal.SIGINT, interrupt)
