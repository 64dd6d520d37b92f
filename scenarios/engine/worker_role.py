"""How does a process drive its part of a load, as a worker of Locust's?"""

import platform
import shutil
import sys
import tempfile
from argparse import Namespace
from pathlib import Path
from typing import Any

import gevent
from locust.env import Environment
from locust.runners import WorkerRunner

from config.errors import ConfigError
from scenarios.driver.arrivals import Part
from scenarios.driver.load_state import Order
from scenarios.engine import parent_channel
from scenarios.engine.load_runner import Driving
from scenarios.engine.load_task import Task
from scenarios.engine.recording_sender import FAREWELL_S, SHIP_S, Courier

_SILENCE_LOOKS, _LOOK_S = 10, 1.0
_LEAVE_S = 1.5
_GIVEN = ("profile", "run_id", "tenant", "users", "iterations")


class AsWorker:
    """One of several: takes its order from the master, and brings it what it records."""

    driving: Driving | None = None
    _order: Order | None = None
    _courier: Courier | None = None

    def __init__(self, locust: Environment, runner: WorkerRunner, options: Namespace) -> None:
        """Listen to the master."""
        self._locust = locust
        self._runner = runner
        runner.register_message("order", lambda environment, msg: self._take_order(msg.data))
        runner.register_message("kept", lambda environment, msg: self._confirm(msg.data["batch"]))
        runner.register_message("halt", lambda environment, msg: self._halt(msg.data["reason"]))
        gevent.spawn(self._leave_with_master)
        if options.on_order:
            gevent.spawn(parent_channel.when_left_alone, self._leave)

    def begin(self) -> None:
        """Begin to drive."""
        if self._order is None:
            print("this worker came too late: the load has begun without it", file=sys.stderr)
            self._runner.quit()
            return
        self.driving = driving = Driving(self._order, self._report_collapse)
        self._courier = Courier(self._locust, self._runner, driving.load)
        gevent.spawn(self._ship, driving, self._courier)

    def end(self) -> None:
        """Record the end, and send the rest; this process may end before anybody else tidies up."""
        if self.driving and self._courier:
            if not self.driving.is_closed:
                self.driving.close()
                self._courier.finish()
            self._forget_what_arrived(self.driving, self._courier, most_s=0.0)

    def _take_order(self, data: dict[str, Any]) -> None:
        """Read what the master sends; tell it whether that can be driven here."""
        folder, problem = Path(), ""
        try:
            folder = Path(tempfile.mkdtemp(prefix="trial-balance-"))
            for name in ("scenario", "environment"):
                (folder / f"{name}.yaml").write_text(data[name], encoding="utf-8")
            task = Task(scenario=folder / "scenario.yaml", environment=folder / "environment.yaml",
                        stem=data["generator"], exchanges=folder,
                        **{key: data[key] for key in _GIVEN})  # fmt: skip
            self._order = task.order(Part(data["index"], data["of"]), ships=True)
        except ConfigError as error:
            problem = f"{self._runner.client_id}: {error}"
        except OSError as error:
            problem = (f"{self._runner.client_id}: it cannot record ({error.strerror}); "
                       f"name a folder with room by TMPDIR")  # fmt: skip
        told = {"problem": problem, "folder": str(folder), "machine": platform.node()}
        self._runner.send_message("ordered", told)

    def _confirm(self, number: int) -> None:
        if self._courier:
            self._courier.confirm(number)

    def _halt(self, reason: str) -> None:
        if self.driving:
            self.driving.stop(reason)

    def _report_collapse(self, reason: str) -> None:
        self._halt(reason)
        self._runner.send_message("collapse", {"reason": reason})

    def _leave(self) -> None:
        """End here and now, and bring the master the rest while it is there."""
        self._halt("it was interrupted")
        self._runner.stop()
        if self._courier:
            self._courier.await_confirmation(_LEAVE_S)
        self._runner.quit()

    def _leave_with_master(self) -> None:
        """Stop when the master has been silent for long: nobody else may be there to do it."""
        heard, silent = self._runner.last_heartbeat_timestamp, 0
        # looks are counted, not seconds: a worker that was halted itself has heard nothing either
        while silent < _SILENCE_LOOKS:
            gevent.sleep(_LOOK_S)
            before, heard = heard, self._runner.last_heartbeat_timestamp
            silent = silent + 1 if heard and heard == before else 0
        kept = f"; its recording is in {self._order.exchanges}" if self._order else ""
        print(f"the master is gone, and this worker stops{kept}", file=sys.stderr, flush=True)
        self._halt("the master is gone")
        self._locust.process_exit_code = 1
        self._runner.quit()

    def _ship(self, driving: Driving, courier: Courier) -> None:
        """Bring the master what is recorded, to the end; then nothing of it is needed here."""
        load = driving.load
        now_s = load.recorder.now_s
        while not driving.is_closed and not load.is_over(now_s()) and now_s() < load.bound_s():
            gevent.sleep(SHIP_S)
            courier.ship()
        if not driving.is_closed:
            driving.close()
            courier.finish()
        if not self._forget_what_arrived(driving, courier):
            print(f"the master did not take all: what is missing there is in "
                  f"{load.order.exchanges}", file=sys.stderr)  # fmt: skip

    def _forget_what_arrived(
        self, driving: Driving, courier: Courier, most_s: float = FAREWELL_S
    ) -> bool:
        """Remove the recording once the master has all of it; tell whether it has by then."""
        if not courier.await_confirmation(most_s):
            return False
        shutil.rmtree(driving.load.order.exchanges, ignore_errors=True)
        return True
