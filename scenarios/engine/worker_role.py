"""The role of a process that drives its part of a load as one of Locust's workers."""

import atexit
import shutil
import sys
import tempfile
from argparse import Namespace
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import gevent
from locust.env import Environment
from locust.runners import WorkerRunner

from config.environment import find_environment
from config.errors import ConfigError, Problem
from scenarios.driver.arrivals import LoadPart
from scenarios.driver.load_state import LoadAssignment
from scenarios.engine import parent_channel
from scenarios.engine.file_transfer import FileInbox
from scenarios.engine.load_runner import LoadRunner
from scenarios.engine.load_task import RUNS, LoadTask, digest_of
from scenarios.engine.messages import (
    Assignment,
    Confirmation,
    FileChunk,
    MessageError,
    SharedVariables,
    StopMessage,
    read_message,
)
from scenarios.engine.recording_sender import (
    CONFIRMATION_TIMEOUT_S,
    SEND_INTERVAL_S,
    RecordingSender,
)
from scenarios.evidence.recording import Stop, StopReason

_SILENT_CHECKS, _CHECK_S = 10, 1.0
_LEAVE_S = 1.5
_OTHER_ENVIRONMENT = (
    "differs from the environment of the master; copy its file here, and name it by --env"
)


class WorkerRole:
    """Takes an assignment from the master, drives it, and sends the recording to the master."""

    load_runner: LoadRunner | None = None
    _assignment: LoadAssignment | None = None
    _sender: RecordingSender | None = None
    _stopped: Stop | None = None
    _folder: Path | None = None

    def __init__(self, locust: Environment, runner: WorkerRunner, options: Namespace) -> None:
        """Listen to the master."""
        self._locust = locust
        self._runner = runner
        self._files = FileInbox()
        # read now: later, Locust replaces the options by those of the master
        self._recordings = Path(options.evidence or RUNS) / "workers"
        self._environment = find_environment(options.environment)
        for name in ("file_chunk", "assignment", "confirmation", "shared", "stop_load"):
            runner.register_message(name, self._handle)
        atexit.register(self._remove_unused)
        gevent.spawn(self._leave_with_master)
        if options.on_order:
            gevent.spawn(parent_channel.wait_for_parent_exit, self._leave)

    def begin(self) -> None:
        """Start the load, if there is an assignment."""
        if self._assignment is None:
            print(
                "this worker connected too late: the load has started without it", file=sys.stderr
            )
            self._runner.quit()
            return
        self.load_runner = load_runner = LoadRunner(self._assignment, self._report_abort)
        self._sender = RecordingSender(self._locust, self._runner, load_runner.load)
        if self._stopped:  # while the users were being started
            load_runner.stop(self._stopped)
        gevent.spawn(self._send_recording, load_runner, self._sender)

    def end(self) -> None:
        """End the recording and send the rest; `_send_recording` may not get to it any more.

        A load that is not over then was interrupted here: Ctrl-C in the worker's own terminal.
        """
        if self.load_runner and self._sender:
            if not self.load_runner.is_closed:
                if not self.load_runner.load.is_over(self.load_runner.load.recorder.now_s()):
                    self._stop(Stop(StopReason.INTERRUPTED, "the worker was interrupted"))
                self.load_runner.close()
                self._sender.send_last()
            self._remove_if_confirmed(self.load_runner, self._sender, timeout_s=0.0)

    def _handle(self, environment: Environment, msg: Any) -> None:  # Locust's keywords
        if msg.type == "file_chunk":
            with suppress(MessageError):  # its file then is not whole, and the assignment refused
                self._files.take(read_message(FileChunk, msg.data))
        elif msg.type == "assignment":
            self._accept(msg.data)
        elif msg.type == "shared":
            if self._assignment:
                self._assignment.flow.share(read_message(SharedVariables, msg.data).read())
        elif msg.type == "stop_load":
            self._stop(read_message(StopMessage, msg.data).to_stop())
        elif self._sender:
            self._sender.confirm(read_message(Confirmation, msg.data).batch)

    def _accept(self, data: Any) -> None:
        """Read an assignment; reply whether this worker can do it.

        The environment is this machine's own file: a master cannot choose where the values of the
        variables here are sent, nor which files are read.
        """
        folder, problem = None, ""
        try:
            part = read_message(Assignment, data)
            if part.environment_sha256 != digest_of(self._environment):
                raise ConfigError(Problem(self._environment, None, _OTHER_ENVIRONMENT))
            self._recordings.mkdir(parents=True, exist_ok=True)
            folder = Path(tempfile.mkdtemp(prefix="worker-", dir=self._recordings))
            self._folder = folder
            (folder / "scenario.yaml").write_text(part.scenario, encoding="utf-8")
            task = LoadTask(
                scenario=folder / "scenario.yaml", environment=self._environment,
                profile=part.profile, run_id=part.run_id, tenant=part.tenant, users=part.users,
                iterations=part.iterations, rate_per_s=part.rate_per_s,
                duration_s=part.duration_s, stem=part.generator, exchanges=folder,
                files=self._files.hand_over(part.files), earlier=tuple(part.earlier),
                variables=part.variables,
            )  # fmt: skip
            self._assignment = _make_assignment(task, LoadPart(part.index, part.of))
        except MessageError as error:
            problem = f"{self._runner.client_id}: not understood ({error}); same version?"
        except ConfigError as error:
            problem = f"{self._runner.client_id}: {error}"
        except OSError as error:
            problem = (f"{self._runner.client_id}: cannot record ({error.strerror}) "
                       f"in {self._recordings}")  # fmt: skip
        reply = {"problem": problem, "folder": folder.name if folder else ""}
        self._runner.send_message("assignment_reply", reply)

    def _stop(self, stop: Stop) -> None:
        self._stopped = self._stopped or stop
        if self.load_runner:
            self.load_runner.stop(stop)

    def _report_abort(self, stop: Stop) -> None:
        self._stop(stop)
        self._runner.send_message("abort", asdict(stop))

    def _leave(self) -> None:
        """Stop at once, and send the rest while the master is still running."""
        self._stop(Stop(StopReason.INTERRUPTED, "interrupted"))
        self._runner.stop()
        if self._sender:
            self._sender.wait_for_confirmation(_LEAVE_S)
        self._runner.quit()

    def _leave_with_master(self) -> None:
        """Stop when the master has been silent for long: nothing else may end this process."""
        heard, silent = self._runner.last_heartbeat_timestamp, 0
        # count checks, not seconds: a suspended worker has heard nothing in the meantime either
        while silent < _SILENT_CHECKS:
            gevent.sleep(_CHECK_S)
            before, heard = heard, self._runner.last_heartbeat_timestamp
            silent = silent + 1 if heard and heard == before else 0
        kept = f"; its recording is in {self._assignment.exchanges}" if self._assignment else ""
        print(f"lost the master; this worker stops{kept}", file=sys.stderr, flush=True)
        self._stop(Stop(StopReason.MASTER_LOST, "lost the master"))
        self._locust.process_exit_code = 1
        self._runner.quit()

    def _send_recording(self, load_runner: LoadRunner, sender: RecordingSender) -> None:
        """Send the recording to the end of the load, then remove it here."""
        load = load_runner.load
        now_s = load.recorder.now_s
        while not load.is_over(now_s()) and now_s() < load.deadline_s():
            gevent.sleep(SEND_INTERVAL_S)
            if load_runner.is_closed:  # `end` has sent the rest, and may have removed it
                break
            sender.send()
        if not load_runner.is_closed:
            load_runner.close()
            sender.send_last()
        if not self._remove_if_confirmed(load_runner, sender):
            print(f"the master has not confirmed everything; the recording is in "
                  f"{load.assignment.exchanges}", file=sys.stderr)  # fmt: skip

    def _remove_unused(self) -> None:
        """Remove the folder of an assignment that was not driven."""
        if self._folder and self.load_runner is None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _remove_if_confirmed(
        self,
        load_runner: LoadRunner,
        sender: RecordingSender,
        timeout_s: float = CONFIRMATION_TIMEOUT_S,
    ) -> bool:
        """Remove the recording once the master has all of it; return whether it has in time."""
        if not sender.wait_for_confirmation(timeout_s):
            return False
        shutil.rmtree(load_runner.load.assignment.exchanges, ignore_errors=True)
        return True


def _make_assignment(task: LoadTask, part: LoadPart) -> LoadAssignment:
    """Make an assignment in a thread: heartbeats go on while many rows are read.

    Raises ConfigError, which is returned by the thread: gevent would print what a thread raises.
    """

    def make() -> LoadAssignment | ConfigError:
        try:
            return task.make_assignment(part, is_shipped=True)
        except ConfigError as error:
            return error

    made: LoadAssignment | ConfigError = gevent.get_hub().threadpool.apply(make)
    if isinstance(made, ConfigError):
        raise made
    return made
