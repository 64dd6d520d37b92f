"""How does one process drive all of a load?"""

import sys
from argparse import Namespace

import gevent
from locust.env import Environment

from config.errors import ConfigError
from scenarios.driver.load_state import Load
from scenarios.engine import parent_channel
from scenarios.engine.load_runner import Driving
from scenarios.engine.load_task import read_task
from scenarios.engine.locust_statistics import Page

_TICK_S = 0.02
_SHOW_S = 1.0


class Alone:
    """The only process."""

    driving: Driving | None = None

    def __init__(self, locust: Environment, options: Namespace) -> None:
        """Read all that can be wrong, and wait for the word. Raises ConfigError."""
        self._locust = locust
        self._options = options
        self._order = read_task(options).order()
        if options.on_order:
            parent_channel.await_word()

    def begin(self) -> None:
        """Begin to drive."""
        if not self._options.on_order and not self._read_anew():
            return
        self.driving = driving = Driving(self._order)
        self._page = Page(self._locust, driving.load)
        gevent.spawn(self._show, driving, self._page)
        if self._options.on_order:
            gevent.spawn(self._stop_when_over, driving.load)
            gevent.spawn(parent_channel.when_left_alone, self._halt)

    def end(self) -> None:
        """Record the end."""
        if self.driving and not self.driving.is_closed:
            self.driving.close()
            self._page.show_fresh()
            self._page.close()

    def _read_anew(self) -> bool:
        """Take what Locust's page may have changed; tell whether it can be driven."""
        self.driving = None
        try:
            task = read_task(self._options)
            self._order = task.order()
        except ConfigError as error:
            print(error, file=sys.stderr, flush=True)
            return False
        task.exchanges.mkdir(parents=True, exist_ok=True)
        print(f"recording to {task.exchanges}", file=sys.stderr, flush=True)
        return True

    def _show(self, driving: Driving, page: Page) -> None:
        while not driving.is_closed:
            page.show_fresh()
            gevent.sleep(_SHOW_S)

    def _stop_when_over(self, load: Load) -> None:
        said_s = 0.0
        while not load.is_over(now_s := load.recorder.now_s()) and now_s < load.bound_s():
            gevent.sleep(_TICK_S)
            if now_s - said_s > parent_channel.PROGRESS_S:
                said_s = now_s
                parent_channel.say(ended=load.ended, scheduled=load.order.scheduled)
        parent_channel.say(ended=load.ended, scheduled=load.order.scheduled)
        self._quit()

    def _halt(self) -> None:
        if self.driving:
            self.driving.stop("it was interrupted")
        self._quit()

    def _quit(self) -> None:
        if self._locust.runner:
            self._locust.runner.quit()
