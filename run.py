"""Drive user journeys, collect from every witness, judge, and report."""

import sys

from commands.shared.interrupts import INTERRUPTS

# First of all, and without KeyboardInterrupt: an import may swallow that.
if __name__ == "__main__":
    INTERRUPTS.install(is_json="--json" in sys.argv)

import json
import logging
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from checks.verdict import Verdict, exit_code
from commands.shared.command_line import (
    StrictCommand,
    sentences,
    unknown_command,
    unnamed_files,
    whole_number,
)
from commands.shared.options import (
    COUNT,
    Env,
    Fault,
    Iterations,
    Json,
    Live,
    Only,
    ProfileName,
    RunName,
    Runs,
    ScenarioName,
    Users,
    Version,
    Watched,
)
from config.errors import ConfigError
from config.program import NAME
from reports.standard_streams import outlive_readers

NIGHTLY = ("e2e", "benchmark")
WRONG_COMMAND, INTERRUPTED = 2, 130  # Typer makes 130 of a KeyboardInterrupt

app = typer.Typer(add_completion=False, help=__doc__, pretty_exceptions_enable=False)
subcommand = partial(app.command, cls=StrictCommand)


# A command imports what it needs when it runs, so that `--help` and a mistake are told at once.


@app.callback()
def options_before_the_command(_version: Version = False) -> None:
    """Without a command: the nightly job of the project."""


@subcommand()
def nightly(
    *, env: Env, scenario: ScenarioName, runs: Runs,
    fault: Fault = "", as_json: Json = False, live: Live = False,
) -> None:  # fmt: skip
    """Drive the flow once, then the benchmark; check everything; write the report."""
    from commands.shared.run_setup import plan_of

    plan = plan_of("nightly", env, scenario, NIGHTLY, runs, fault)
    from commands.run import run

    run(plan, as_json, live)


@subcommand()
def e2e(
    *, env: Env, scenario: ScenarioName, profile: ProfileName = "e2e",
    runs: Runs, fault: Fault = "", as_json: Json = False,
) -> None:  # fmt: skip
    """Drive the flow once and check it."""
    from commands.shared.run_setup import plan_of

    plan = plan_of("e2e", env, scenario, (profile,), runs, fault)
    from commands.run import run

    run(plan, as_json)


@subcommand()
def load(
    *, env: Env, scenario: ScenarioName,
    profile: ProfileName = "benchmark", users: Users = None, iterations: Iterations = None,
    rate: Annotated[
        str, typer.Option(help="Open model: iterations arrive at this rate, as 20/s.")
    ] = "",
    duration: Annotated[str, typer.Option(help="Instead of the profile's, as 5m.")] = "",
    workers: Annotated[
        int, typer.Option(parser=COUNT, metavar="N", help="Number of local worker processes.")
    ] = 0,
    expect: Annotated[
        int, typer.Option(parser=COUNT, metavar="N", help="Number of remote workers to wait for.")
    ] = 0,
    bind: Annotated[str, typer.Option(help="Address for remote workers: HOST:PORT.")] = "",
    runs: Runs, fault: Fault = "", as_json: Json = False, live: Live = False,
) -> None:  # fmt: skip
    """Drive a load and check it."""
    from commands.shared.run_setup import plan_of
    from scenarios.driver.load_process import Workers

    plan = plan_of(
        "load", env, scenario, (profile,), runs, fault, users=users, iterations=iterations,
        rate=rate, duration=duration, workers=Workers(workers, expect, bind),
    )  # fmt: skip
    from commands.run import run

    run(plan, as_json, live)


@subcommand()
def worker(
    *,
    master: Annotated[str, typer.Option(help="Address of `load --expect`: HOST:PORT.")],
    env: Env,
    runs: Runs,
) -> None:
    """Take part in a load that another machine drives; end with it."""
    from commands import worker as command

    command.worker(master, env, runs)


@subcommand()
def check(*, run: RunName = "latest", runs: Runs, as_json: Json = False) -> None:
    """Judge a run again, from its evidence alone."""
    from commands import check as command

    command.check(run, runs, as_json)


@subcommand()
def report(*, run: RunName = "latest", runs: Runs, as_json: Json = False) -> None:
    """Render a run's report again, from its result."""
    from commands import report as command

    command.report(run, runs, as_json)


@subcommand()
def export(
    *, run: RunName = "latest", runs: Runs,
    form: Annotated[
        str, typer.Option("--format", help="csv, jsonl, parquet, xlsx or otava.")
    ] = "parquet",
    table: Annotated[
        list[str] | None, typer.Option(help="A table to write; may be given again. Default: all.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="The folder to write to. Default: export/ of the run.")
    ] = None,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Write a run's exchanges, iterations, findings, balance and time series as tables."""
    from commands import export as command

    command.export(run, runs, command.format_of(form), table or (), output, as_json)


@subcommand()
def compare(
    *, names: Annotated[
        list[str], typer.Argument(metavar="A B", help="The run before, and the run after.")
    ],
    last: Annotated[
        int,
        typer.Option(
            parser=COUNT, metavar="N", help="Instead of A: the last N comparable runs before B."
        ),
    ] = 0,
    at_least: Annotated[str, typer.Option(help="Smallest change of interest.")] = "5%",
    level: Annotated[str, typer.Option(help="Probability of a false regression.")] = "5%",
    run_noise: Annotated[
        str,
        typer.Option(help="Coefficient of variation between runs of one build. Default: measured."),
    ] = "",
    output: Annotated[
        Path | None, typer.Option(help="The folder of page and summary. Default: that of B.")
    ] = None,
    runs: Runs, as_json: Json = False,
) -> None:  # fmt: skip
    """Compare two runs: response times, findings, quantities, errors, environment."""
    from commands import compare as command

    rule = command.rule_of(at_least, level, run_noise)
    command.compare(names, runs, command.ComparisonOptions(last, rule, output, as_json))


@subcommand()
def trends(
    *,
    runs: Runs,
    days: Annotated[
        int,
        typer.Option(
            parser=whole_number(1, 0, 90), metavar="N", help="Days before the newest run."
        ),
    ] = 90,
    as_json: Json = False,
) -> None:
    """Render one page over all runs: verdicts, percentiles, shifts, flaky checks."""
    from commands import trends as command

    command.trends(runs, days, as_json)


@subcommand()
def validate(
    *,
    scenario: Annotated[
        str, typer.Option(help="A scenario of the project, or a YAML file. Default: all of them.")
    ] = "",
    env: Env,
    profile: Annotated[
        list[str] | None, typer.Option(help="A profile to validate; may be given again.")
    ] = None,
    allow_unset: Annotated[
        bool, typer.Option("--allow-unset", help="Accept variables without a value.")
    ] = False,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Check scenario and environment files, and report every mistake. Nothing is sent."""
    from commands import validate as command

    command.validate(scenario, env, as_json, profile or (), allow_unset=allow_unset)


@subcommand()
def doctor(
    *,
    env: Env,
    scenario: Annotated[
        str,
        typer.Option(
            help="A scenario whose counters, labels and queries to check. "
            "Default: that of the project file."
        ),
    ] = "",
    as_json: Json = False,
) -> None:
    """Check that services, Prometheus and databases can be reached and read."""
    from commands import doctor as command

    command.doctor(env, as_json, scenario)


@subcommand()
def audit(*, only: Only = None, runs: Runs, as_json: Json = False) -> None:
    """Test the harness itself: each seeded fault must be caught as what it is."""
    from commands import audit as command

    command.audit(only or (), runs, as_json)


@subcommand()
def watch(
    *, env: Watched, scenario: ScenarioName,
    length: Annotated[str, typer.Option("--for", help="Duration, as 10m, 24h or 30d.")] = "24h",
    every: Annotated[
        str, typer.Option(help="Interval between probes (default: 500ms, longer in a long watch).")
    ] = "",
    flow_every: Annotated[str, typer.Option(help="Interval between passes of the flow.")] = "1m",
    objective: Annotated[str, typer.Option(help="Availability objective (SLO).")] = "99.9%",
    once: Annotated[bool, typer.Option("--once", help="Probe once and exit, for cron.")] = False,
    on_change: Annotated[
        str, typer.Option(help="Command to call when a service goes down or comes up.")
    ] = "",
    runs: Runs, as_json: Json = False,
) -> None:  # fmt: skip
    """Probe health and run the flow at an interval; compute availability and error budget.

    A watch that was interrupted is resumed.
    """
    from commands import watch as command
    from commands.shared.run_setup import plan_of
    from commands.shared.state_changes import read_command
    from scenarios.driver.watch import lock_watch

    called = read_command(on_change)
    every = every or command.usual_pace(length, once)
    wanted = command.read_watch(length, every, flow_every, objective)
    plan = plan_of("watch", env, scenario, (), runs, "")
    with lock_watch(runs, plan.file.name):
        command.watch(plan, wanted, once, as_json, called)


@subcommand()
def schema() -> None:
    """Print the JSON Schema of result.json."""
    from commands import schema as command

    command.schema()


@subcommand()
def up(*, runs: Runs, fault: Fault = "", as_json: Json = False) -> None:
    """Start the local stack and keep it up until stopped."""
    from commands import up as command

    command.up(runs, fault, as_json)


def main(arguments: list[str]) -> int:
    """Run one command; a mistake of the user is reported in sentences, with exit code 2."""
    logging.getLogger().addHandler(logging.NullHandler())  # a traceback is for a run's log only
    as_json = "--json" in arguments
    if problems := unnamed_files(arguments):
        return refuse(problems, as_json, WRONG_COMMAND)
    known = [each.callback.__name__ for each in app.registered_commands if each.callback]
    if problem := unknown_command(arguments, known):
        return refuse([f"{problem} (see {NAME} --help)"], as_json, WRONG_COMMAND)
    try:
        code = int(app(arguments or ["nightly"], standalone_mode=False, prog_name=NAME) or 0)
        if code != INTERRUPTED:
            return code
        words = "interrupted, and nothing is proven"
    except (ConfigError, typer.TyperException) as error:
        return refuse(sentences(error), as_json, WRONG_COMMAND)
    except Exception as error:
        logging.getLogger("trial_balance").exception("the harness failed")
        from config.failures import failure_of

        ours = "" if isinstance(error, OSError) and error.errno else "the harness itself failed: "
        words = f"{ours}{failure_of(error)}; nothing is proven"
    return refuse([words], as_json, exit_code(Verdict.INCONCLUSIVE))


def refuse(problems: list[str], as_json: bool, code: int) -> int:
    """Print what is wrong, one sentence per line; return the exit code."""
    from reports.formatting import clean

    for problem in problems:
        print(clean(problem), file=sys.stderr)
    if as_json and not INTERRUPTS.has_printed:
        INTERRUPTS.print_document(json.dumps({"exit_code": code, "problems": problems}))
    return code


if __name__ == "__main__":
    outlive_readers()
    sys.exit(main(sys.argv[1:]))
