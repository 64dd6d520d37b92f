"""The role of a process that drives a whole load by itself."""

import sys
from argparse import Namespace

import gevent
from locust.env import Environment

from config.errors import ConfigError, Problem
from scenarios.driver.load_state import Load
from scenarios.engine import parent_channel
from scenarios.engine.load_runner import LoadRunner
from scenarios.engine.load_task import NEEDS_RUN, read_task
from scenarios.engine.locust_statistics import LocustStatistics
from scenarios.engine.plain_run import PlainRun, open_plain_run
from scenarios.evidence.recording import Stop, StopReason
from scenarios.language.reader import find_scenario

_POLL_S = 0.02
_STATISTICS_S = 1.0


class LocalRole:
    """Drives the load and feeds Locust's statistics.

    Started by `run.py` (`--on-order`), it starts and stops with the parent channel; under plain
    Locust, with Locust's own start and stop.
    """

    load_runner: LoadRunner | None = None
    _plain_run: PlainRun | None = None
    _is_quitting = False

    def __init__(self, locust: Environment, options: Namespace) -> None:
        """Read the task, and wait for the start. Raises ConfigError."""
        self._locust = locust
        self._options = options
        self._assignment = read_task(options).make_assignment()
        if options.on_order:
            self._assignment.flow.share(parent_channel.wait_for_start())
        elif self._assignment.flow.setup or self._assignment.flow.teardown:
            raise ConfigError(Problem(find_scenario(options.scenario), None, NEEDS_RUN))

    def begin(self) -> None:
        """Start the load."""
        if not self._options.on_order and not self._read_options_again():
            return
        self.load_runner = load_runner = LoadRunner(self._assignment)
        self._statistics = LocustStatistics(self._locust, load_runner.load)
        gevent.spawn(self._update_statistics, load_runner, self._statistics)
        if self._options.on_order:
            gevent.spawn(self._stop_when_over, load_runner.load)
            gevent.spawn(parent_channel.wait_for_parent_exit, self._leave, self._stop)

    def end(self) -> None:
        """End the recording; a load that is not over was interrupted here, by a signal."""
        if self.load_runner and not self.load_runner.is_closed:
            load = self.load_runner.load
            is_over = self._is_quitting or load.is_over(load.recorder.now_s())
            if self._options.on_order and not is_over:
                self.load_runner.stop(
                    Stop(StopReason.INTERRUPTED, "the load generator was interrupted")
                )
            self.load_runner.close()
            self._statistics.add_new_rows()
            self._statistics.close()
            if self._plain_run:
                self._plain_run.end()

    def _read_options_again(self) -> bool:
        """Read the options again, since Locust's web page may have changed them.

        Return whether they are valid.
        """
        self.load_runner = None
        try:
            task = read_task(self._options)
            self._assignment = task.make_assignment()
            if not self._options.evidence:
                self._plain_run = open_plain_run(task, sys.argv[1:])
        except ConfigError as error:
            print(error, file=sys.stderr, flush=True)
            return False
        return True

    def _update_statistics(self, load_runner: LoadRunner, statistics: LocustStatistics) -> None:
        while not load_runner.is_closed:
            statistics.add_new_rows()
            gevent.sleep(_STATISTICS_S)

    def _stop_when_over(self, load: Load) -> None:
        reported_s = 0.0
        while not load.is_over(now_s := load.recorder.now_s()) and now_s < load.deadline_s():
            gevent.sleep(_POLL_S)
            if now_s - reported_s > parent_channel.PROGRESS_S:
                reported_s = now_s
                parent_channel.report(
                    ended=load.ended, scheduled=load.assignment.scheduled, dropped=load.dropped
                )
        parent_channel.report(learned=list(load.assignment.flow.secrets.learned))
        parent_channel.report(ended=load.ended, scheduled=load.assignment.scheduled)
        self._quit()

    def _stop(self) -> None:
        """Start no further iteration; `_stop_when_over` waits for those that are running."""
        if self.load_runner:
            self.load_runner.stop(Stop(StopReason.INTERRUPTED, "interrupted"))

    def _leave(self) -> None:
        self._stop()
        self._quit()

    def _quit(self) -> None:
        self._is_quitting = True
        if self._locust.runner:
            self._locust.runner.quit()
