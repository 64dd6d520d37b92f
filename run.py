"""Drive the journeys, ask every witness, judge, report. One short function a command."""

import signal

# Until main() takes it, Ctrl-C simply ends the process: an import may swallow KeyboardInterrupt.
signal.signal(signal.SIGINT, signal.SIG_DFL)

import contextlib
import errno
import json
import logging
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from checks.verdict import Verdict, exit_code
from commands.audit import hold_audit
from commands.doctor import examine_environment
from commands.run import conduct
from commands.shared.conclusion import conclude, publish, write_report
from commands.shared.run_setup import (
    LOCAL,
    ROOT,
    plan_of,
    python_here,
    write_environment,
)
from commands.watch import keep_watch, read_watch, usual_pace
from commands.worker import work_for
from config.environment import (
    find_environment,
    read_environment_file,
)
from config.errors import ConfigError, Problem
from reference_services.stack.local import local_stack
from reference_services.stack.processes import StackError
from scenarios.driver.load_process import Workers
from scenarios.driver.plan import refuse_fault
from scenarios.driver.watch import (
    alone,
)
from scenarios.evidence.run_folder import (
    find_run,
    new_run_id,
)

NIGHTLY = ("e2e", "benchmark")
WRONG_COMMAND = 2
INTERRUPTED = 130  # what Typer makes of a KeyboardInterrupt

app = typer.Typer(add_completion=False, help=__doc__, pretty_exceptions_enable=False)

Env = Annotated[str, typer.Option("--env", help="An environment in config/, or a YAML file.")]
ScenarioName = Annotated[str, typer.Option(help="A scenario in scenarios/, or a YAML file.")]
ProfileName = Annotated[str, typer.Option(help="One of the scenario's profiles.")]
Users = Annotated[int | None, typer.Option(min=1, max=10_000, help="Instead of the profile's.")]
Iterations = Annotated[int | None, typer.Option(min=1, help="Instead of the profile's.")]
Runs = Annotated[Path, typer.Option(help="The folder that runs are written to.")]
Fault = Annotated[str, typer.Option(help="A fault to seed into the local stack.")]
Json = Annotated[bool, typer.Option("--json", help="Print exactly one JSON document.")]
Only = Annotated[list[str] | None, typer.Option(help="A fault to seed; may be given again.")]
RunName = Annotated[str, typer.Argument(help="A run's folder, or its name in the runs folder.")]


@app.callback(invoke_without_command=True)
def main_job(context: typer.Context) -> None:
    """Without a command: the nightly job on this machine."""
    if context.invoked_subcommand is None:
        nightly()


@app.command()
def nightly(
    env: Env = "local", scenario: ScenarioName = "usage_tracking", runs: Runs = Path("runs"),
    fault: Fault = "", as_json: Json = False,
) -> None:  # fmt: skip
    """Drive the flow once, then the benchmark; check everything; write the report."""
    conduct(plan_of("nightly", env, scenario, NIGHTLY, runs, fault), as_json)


@app.command()
def e2e(
    env: Env = "local", scenario: ScenarioName = "usage_tracking", profile: ProfileName = "e2e",
    runs: Runs = Path("runs"), fault: Fault = "", as_json: Json = False,
) -> None:  # fmt: skip
    """Drive the flow once and check it."""
    conduct(plan_of("e2e", env, scenario, (profile,), runs, fault), as_json)


@app.command()
def load(
    env: Env = "local", scenario: ScenarioName = "usage_tracking",
    profile: ProfileName = "benchmark", users: Users = None, iterations: Iterations = None,
    *,
    workers: Annotated[int, typer.Option(min=0, help="Processes here that share the load.")] = 0,
    expect: Annotated[int, typer.Option(min=0, help="Workers that come from elsewhere.")] = 0,
    bind: Annotated[str, typer.Option(help="Where those come to: HOST:PORT.")] = "",
    runs: Runs = Path("runs"), fault: Fault = "", as_json: Json = False,
) -> None:  # fmt: skip
    """Drive a load and check it."""
    plan = plan_of(
        "load", env, scenario, (profile,), runs, fault, users=users, iterations=iterations,
        workers=Workers(workers, expect, bind),
    )  # fmt: skip
    conduct(plan, as_json)


@app.command()
def worker(
    master: Annotated[str, typer.Option(help="Where `load --expect` was started: HOST:PORT.")],
) -> None:
    """Take a part in a load that another machine drives; end with it."""
    work_for(master)


@app.command()
def check(run: RunName = "latest", runs: Runs = Path("runs"), as_json: Json = False) -> None:
    """Judge a run again, from its evidence alone."""
    conclude(find_run(runs, run), as_json)


@app.command()
def report(run: RunName = "latest", runs: Runs = Path("runs"), as_json: Json = False) -> None:
    """Render a run's report again, from its result."""
    from checks.result import read_result

    folder = find_run(runs, run)
    try:
        result = read_result(folder.result)
    except (OSError, ValueError) as error:
        message = f"it has no result that can be read; run: {python_here()} run.py check {run}"
        raise ConfigError(Problem(folder.result, None, message)) from error
    write_report(result, folder)
    publish(result, folder, as_json)


@app.command()
def validate(scenario: ScenarioName = "", env: Env = "local", as_json: Json = False) -> None:
    """Read the scenarios and an environment, and say every mistake. Nothing is sent."""
    names = [scenario] if scenario else sorted(map(str, (ROOT / "scenarios").glob("*.yaml")))
    valid = [plan_of("validate", env, name, (), Path("runs"), "").scenario_path for name in names]
    told = [os.path.relpath(path) for path in (*valid, find_environment(env))]
    print(json.dumps({"valid": told}) if as_json else "\n".join(f"valid: {each}" for each in told))


@app.command()
def doctor(env: Env = "local", as_json: Json = False) -> None:
    """Ask whether the services, Prometheus and the databases can be reached and read."""
    examine_environment(env, as_json)


@app.command()
def audit(only: Only = None, runs: Runs = Path("runs"), as_json: Json = False) -> None:
    """Put the harness on trial: each fault, seeded, must be caught as what it is."""
    hold_audit(only or (), runs, as_json)


@app.command()
def watch(
    *, env: Env = "staging", scenario: ScenarioName = "usage_tracking",
    length: Annotated[str, typer.Option("--for", help="How long, as 10m, 24h or 30d.")] = "24h",
    every: Annotated[
        str, typer.Option(help="Between probes (500ms, or more in a long watch), or calls (5m).")
    ] = "",
    flow_every: Annotated[str, typer.Option(help="Between two passes of the flow.")] = "1m",
    objective: Annotated[str, typer.Option(help="The share of the time to be there.")] = "99.9%",
    once: Annotated[bool, typer.Option("--once", help="Look once, as cron calls it.")] = False,
    runs: Runs = Path("runs"), as_json: Json = False,
) -> None:  # fmt: skip
    """Probe health and pass through the flow at an interval; reckon availability and budget.

    A watch that was ended before its time is taken up again.
    """
    every = every or usual_pace(length, once)
    wanted = read_watch(length, every, flow_every, objective)
    words = ["--for", length, "--every", every, "--flow-every", flow_every]
    words += ["--objective", objective, *(["--once"] if once else [])]
    plan = plan_of("watch", env, scenario, (), runs, "", more=words)
    with alone(runs, plan.file.name):
        keep_watch(plan, wanted, once, as_json)


@app.command()
def up(runs: Runs = Path("runs"), fault: Fault = "", as_json: Json = False) -> None:
    """Start the local stack and keep it up until stopped."""
    refuse_fault(fault, read_environment_file(find_environment("local")), LOCAL.faults)
    folder = runs / f"up-{new_run_id(datetime.now(UTC))}"
    with local_stack(folder, fault or None) as variables:
        file = write_environment(folder, variables)
        print(json.dumps({**variables, "environment": str(file)}) if as_json else "\n".join([
            *(f"{name}={value}" for name, value in variables.items()),
            f"in another terminal: {python_here()} run.py e2e --env {file}",
            "Ctrl-C stops it",
        ]), flush=True)  # fmt: skip
        with contextlib.suppress(KeyboardInterrupt):
            signal.pause()


def interrupt(_number: int, _frame: FrameType | None) -> None:
    """End what is under way at the first signal; at the second, this process."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    raise KeyboardInterrupt


def main(arguments: list[str]) -> int:
    """Run one command; every mistake of the user becomes sentences and exit code 2."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupt)
    logging.getLogger().addHandler(logging.NullHandler())  # a traceback is for a run's log only
    as_json = "--json" in arguments
    try:
        code = int(app(arguments, standalone_mode=False, prog_name="run.py") or 0)
        if code != INTERRUPTED:
            return code
        words = "interrupted, and nothing is proven"
    except (ConfigError, StackError, typer.TyperException) as error:
        return refuse(sentences(error), as_json, WRONG_COMMAND)
    except BrokenPipeError:
        # the interpreter flushes stdout once more at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        logging.getLogger("trial_balance").exception("the harness failed")
        words = f"{_failure(error)}; nothing is proven"
    return refuse([words], as_json, exit_code(Verdict.INCONCLUSIVE))


def _failure(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "the disk is full: make room where runs are kept, and run again"
    return f"the harness itself failed: {type(error).__name__}: {error}"


def sentences(error: Exception) -> list[str]:
    """Return what is wrong with a command, a sentence a mistake."""
    if isinstance(error, ConfigError):
        return [str(problem) for problem in error.problems]
    if isinstance(error, typer.TyperException):
        return [f"{error.format_message()} (see run.py --help)"]
    return [str(error)]


def refuse(problems: list[str], as_json: bool, code: int) -> int:
    """Say what is wrong, a sentence a line; return the exit code."""
    for problem in problems:
        print(problem, file=sys.stderr)
    if as_json:
        print(json.dumps({"exit_code": code, "problems": problems}))
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
