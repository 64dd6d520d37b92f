"""Drive the journeys, ask every witness, judge, report. One short function a command."""

import signal

# Until main() takes it, Ctrl-C simply ends the process: an import may swallow KeyboardInterrupt.
signal.signal(signal.SIGINT, signal.SIG_DFL)

import contextlib
import hashlib
import json
import logging
import os
import platform
import shlex
import shutil
import sys
import time
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib.metadata import version
from pathlib import Path
from tempfile import mkdtemp
from types import FrameType
from typing import Annotated, NoReturn

import typer

from checks.audit import (
    EXPECTATIONS,
    Audit,
    Audited,
    Expectation,
    audit_json,
    judge_run,
    parse_result,
    planned_runs,
)
from checks.blackbox import run_black_box
from checks.panel import panel
from checks.result import Result
from checks.verdict import Verdict, exit_code, worst
from config.environment import (
    EnvironmentFile,
    find_environment,
    read_environment,
    read_environment_file,
)
from config.errors import ConfigError, Problem
from config.units import parse_duration, parse_share
from reference_services.faults.known import FAULTS
from reference_services.spawning import StackError
from reference_services.stack import VARIABLES, local_stack
from reports.progress import Progress, Stage
from scenarios.drive import Driver, Place, ready_driver
from scenarios.evidence import (
    DrivenPhase,
    Run,
    RunFolder,
    Watch,
    create_run_folder,
    find_run,
    new_run_id,
    with_phase,
    write_whole,
)
from scenarios.flow import compile_flow
from scenarios.ledger import ledger_json, ledger_of
from scenarios.model import Scenario
from scenarios.plan import Asked, Local, Plan, read_plan, refuse_fault
from scenarios.recording import read_recordings
from scenarios.templates import compile_text
from scenarios.watching import (
    PROFILE,
    STEM,
    alone,
    point,
    unfinished,
    watch_on,
    watch_once,
)

ROOT = Path(__file__).resolve().parent
NIGHTLY = ("e2e", "benchmark")
LOCAL = Local(tuple(FAULTS), VARIABLES)
WRONG_COMMAND = 2
MOST_OF_A_RUN_S = 300.0
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
    runs: Runs = Path("runs"), fault: Fault = "", as_json: Json = False,
) -> None:  # fmt: skip
    """Drive a load and check it."""
    plan = plan_of(
        "load", env, scenario, (profile,), runs, fault, users=users, iterations=iterations
    )
    conduct(plan, as_json)


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
    from checks.doctor import examine
    from reports.checklist import render_checklist

    file = read_environment_file(find_environment(env))
    place = Path(mkdtemp(prefix="trial-balance-doctor-"))
    with variables_of(file, place, "") as variables:
        findings = examine(read_environment(file.path, variables))
    shutil.rmtree(place)  # where the stack could not be started, its logs stay
    verdict = worst(finding.verdict for finding in findings)
    document = {"verdict": verdict, "findings": [asdict(each) for each in findings]}
    print(json.dumps(document, indent=2) if as_json else render_checklist(findings))
    raise typer.Exit(exit_code(verdict))


@app.command()
def audit(only: Only = None, runs: Runs = Path("runs"), as_json: Json = False) -> None:
    """Put the harness on trial: each fault, seeded, must be caught as what it is."""
    planned = plan_audit(only or ())
    folder, told = open_audit(runs, len(planned), only or ())
    progress = Progress()
    progress.note(f"{len(planned)} runs  {folder}")
    try:
        write_audit(told, folder)
        for number, expected in enumerate(planned, 1):
            name = expected.fault or "clean"
            with progress.stage(f"{number} of {len(planned)} {name}") as stage:
                audited = audit_one(expected, folder, f"{number:02}-{name}")
                stage.is_well = audited.is_caught
                stage.words.append("as expected" if audited.is_caught else "not as expected")
            for trouble in audited.troubles:
                progress.note(f"{name}: {trouble}")
            told = replace(told, runs=(*told.runs, audited), finished_at=datetime.now(UTC))
            write_audit(told, folder)
    except KeyboardInterrupt:
        pass  # what was done stands, and its verdict says that it is not all
    publish_audit(replace(told, finished_at=datetime.now(UTC)), folder, as_json)


@app.command()
def watch(
    *, env: Env = "staging", scenario: ScenarioName = "usage_tracking",
    length: Annotated[str, typer.Option("--for", help="How long, as 10m, 24h or 30d.")] = "24h",
    every: Annotated[str, typer.Option(help="Between probes; with --once, between calls.")] = "",
    flow_every: Annotated[str, typer.Option(help="Between two passes of the flow.")] = "1m",
    objective: Annotated[str, typer.Option(help="The share of the time to be there.")] = "99.9%",
    once: Annotated[bool, typer.Option("--once", help="Look once, as cron calls it.")] = False,
    runs: Runs = Path("runs"), as_json: Json = False,
) -> None:  # fmt: skip
    """Probe health and pass through the flow at an interval; reckon availability and budget.

    A watch that was ended before its time is taken up again.
    """
    usual = "5m" if once else "500ms"
    wanted = read_watch(length, every or usual, flow_every, objective)
    words = ["--for", length, "--every", every or usual, "--flow-every", flow_every]
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


def conduct(plan: Plan, as_json: bool) -> None:
    """Tell the story of a run: look, drive, wait until all is counted, look again, judge."""
    progress = Progress()
    folder, run = open_run(plan)
    progress.note(f"{plan.scenario.scenario} -> {run.environment}  run {run.run_id}")
    try:
        with ExitStack() as held:
            with progress.stage("stack"):
                place = held.enter_context(deployed(plan, folder, run))
            run = describe(run, place, plan)
            driver = held.enter_context(ready_driver(place, plan.profiles))
            witnesses = held.enter_context(
                panel(plan.scenario, place.environment, run.tenant, folder, plan.file.starts_stack)
            )
            with progress.stage("look"):
                well = witnesses.look_before()
            for name in plan.profiles if well else ():
                phase = phase_of(plan, name)
                run = drive(driver, phase, run, folder, progress)
            write_ledger(plan.scenario, folder, run)
            if well:
                with progress.stage("settle"):
                    witnesses.look_after(time.time())
            with progress.stage("stop"):
                held.close()
    except KeyboardInterrupt:
        run = replace(folder.read_run(), interrupted="interrupted by a signal")
    except (ConfigError, StackError):
        raise
    except Exception as error:
        logging.getLogger("trial_balance").exception("the harness failed")
        run = replace(folder.read_run(), interrupted=f"the harness failed: {error}")
    finish(folder, replace(run, finished_at=datetime.now(UTC)))
    conclude(folder, as_json, progress)


def finish(folder: RunFolder, run: Run) -> None:
    """Write how a run ended, and what it can be compared with."""
    from checks.history import history_path, keep_history

    folder.write_run(run)
    keep_history(history_path(folder), folder, run)


def read_watch(length: str, every: str, flow_every: str, objective: str) -> Watch:
    """Read what a watch is asked to do, from now on. Raises ConfigError with every mistake."""
    read: dict[str, float] = {}
    problems = []
    for name, text, parse in (
        ("--for", length, parse_duration), ("--every", every, parse_duration),
        ("--flow-every", flow_every, parse_duration), ("--objective", objective, parse_share),
    ):  # fmt: skip
        try:
            read[name] = parse(text)
        except ValueError as error:
            problems.append(Problem(None, None, f"{name}: {error}"))
    if problems:
        raise ConfigError(*problems)
    until = datetime.now(UTC) + timedelta(seconds=read["--for"])
    return Watch(until, read["--every"], read["--flow-every"], read["--objective"])


def keep_watch(plan: Plan, wanted: Watch, once: bool, as_json: bool) -> None:
    """Take a watch up again, or begin one; watch, and conclude what was seen by now."""
    progress = Progress()
    folder, run = open_watch(plan, wanted, progress)
    with deployed(plan, folder, run) as place:
        run = begin_watch(describe(run, place, plan), folder)
        flow = compile_flow(place.scenario, place.environment, run.run_id, run.tenant)
        try:
            with progress.stage("watch") as stage:
                passes: list[bool] = []
                hear = partial(hear_pass, passes, progress, stage)
                if once:
                    watch_once(place.environment, flow, folder, hear)
                elif run.watch:
                    watch_on(run.watch, place.environment, flow, folder, hear)
        except KeyboardInterrupt:
            progress.note("the watch goes on when it is called again")
    if run.watch and datetime.now(UTC) >= run.watch.until:
        finish(folder, replace(run, finished_at=run.watch.until))
    conclude(folder, as_json, progress)


def open_watch(plan: Plan, wanted: Watch, progress: Progress) -> tuple[RunFolder, Run]:
    """Return the watch of this environment that is not at its end, or a new one."""
    digest = hashlib.sha256(plan.scenario_path.read_bytes()).hexdigest()
    found = unfinished(plan.asked.runs, plan.file.name, digest)
    if found:
        folder, run = found
        if run.watch and datetime.now(UTC) < run.watch.until:
            log_to(folder)
            progress.note(f"going on with the watch of {run.environment}  run {run.run_id}, "
                          f"until {run.watch.until:%Y-%m-%d %H:%M} UTC")  # fmt: skip
            return found
        if run.watch:
            finish(folder, replace(run, finished_at=run.watch.until))
            progress.note(f"the watch {run.run_id} came to its end: run.py check {run.run_id}")
    folder, run = open_run(plan)
    phase = DrivenPhase(PROFILE, STEM, datetime.now(UTC))
    run = replace(run, watch=wanted, phases=(phase,))
    folder.write_run(run)
    point(plan.asked.runs, plan.file.name, run.run_id)
    progress.note(f"watching {run.environment}  run {run.run_id}, "
                  f"until {wanted.until:%Y-%m-%d %H:%M} UTC")  # fmt: skip
    return folder, run


def begin_watch(run: Run, folder: RunFolder) -> Run:
    """Have a new watch begin now that all is there, and end as much later."""
    if run.watch is None or (folder.evidence / "probes").exists():
        return run
    now = datetime.now(UTC)
    until = run.watch.until + (now - run.started_at)
    run = replace(run, started_at=now, watch=replace(run.watch, until=until))
    folder.write_run(run)
    return run


def hear_pass(passes: list[bool], progress: Progress, stage: Stage, went_well: bool) -> None:
    """Count the passes of the flow, and show how far it has come."""
    passes.append(went_well)
    stage.words[:] = [f"{len(passes):,} passes, {passes.count(False):,} not as expected"]
    progress.count(len(passes), None)


def plan_audit(only: Sequence[str]) -> list[Expectation]:
    """Return the runs of an audit. Raises ConfigError for a fault without an expectation."""
    known = [each.fault for each in EXPECTATIONS]
    for fault in only:
        if fault not in known:
            message = f"unknown fault {fault!r}; there are {', '.join(known)}"
            raise ConfigError(Problem(None, None, message))
    return planned_runs(only or tuple(FAULTS))


def open_audit(runs: Path, planned: int, only: Sequence[str]) -> tuple[Path, Audit]:
    """Make the audit's folder, and its record without any run. Raises ConfigError."""
    now = datetime.now(UTC)
    folder = runs / f"audit-{new_run_id(now)}"
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        message = f"the audit's folder cannot be made here: {error.strerror}"
        raise ConfigError(Problem(runs, None, message)) from error
    words = [python_here(), "run.py", "audit"]
    for fault in only:
        words += ["--only", fault]
    return folder, Audit(now, now, (), planned, versions(), shlex.join(words))


def audit_one(expected: Expectation, folder: Path, name: str) -> Audited:
    """Make one run of an audit as anybody would, and hold what it says against what it must."""
    runs = folder / name
    runs.mkdir()
    command = [sys.executable, str(ROOT / "run.py"), "nightly", "--json", "--runs", str(runs)]
    command += ["--fault", expected.fault] if expected.fault else []
    # the CI job's summary is for the audit, not for failures made on purpose
    environ = {name: value for name, value in os.environ.items() if name != "GITHUB_STEP_SUMMARY"}
    ended = run_black_box(command, runs / "stderr.txt", MOST_OF_A_RUN_S, environ)
    result = parse_result(ended.stdout)
    sentence = FAULTS[expected.fault].sentence if expected.fault in FAULTS else ""
    where = f"{name}/{result.run_id}" if result else name
    audited = judge_run(expected, sentence, ended.code, result, ended.took_s, where)
    if ended.is_late:
        trouble = f"the run was stopped, since it took longer than {MOST_OF_A_RUN_S:g} s"
        audited = replace(audited, troubles=(trouble, *audited.troubles))
    return audited


def write_audit(told: Audit, folder: Path) -> None:
    """Write what is known of an audit by now, each file whole or not at all."""
    from reports.audit import render_audit_html

    write_whole(folder / "audit.json", audit_json(told).encode())
    write_whole(folder / "audit.html", render_audit_html(told).encode())


def publish_audit(told: Audit, folder: Path, as_json: bool) -> NoReturn:
    """Write and print an audit, and exit with its verdict."""
    from reports.audit import print_audit

    write_audit(told, folder)
    if as_json:
        print(audit_json(told))
    else:
        print_audit(told, folder / "audit.html", sys.stdout)
    raise typer.Exit(exit_code(told.verdict))


def plan_of(
    command: str, env: str, scenario: str, profiles: tuple[str, ...], runs: Path, fault: str,
    *, users: int | None = None, iterations: int | None = None, more: Sequence[str] = (),
) -> Plan:  # fmt: skip
    """Read what a command names, and how to repeat it. Raises ConfigError with every mistake."""
    words = [python_here(), "run.py", command, "--env", env, "--scenario", scenario]
    words += ["--fault", fault] if fault else []
    words += ["--profile", *profiles] if command in ("e2e", "load") else []
    words += ["--users", str(users)] if users else []
    words += ["--iterations", str(iterations)] if iterations else []
    repeat = shlex.join([*words, *more])
    asked = Asked(env, scenario, profiles, runs, fault, repeat, users, iterations)
    return read_plan(asked, LOCAL)


def python_here() -> str:
    """Return the interpreter as one types it here."""
    path = Path(sys.executable)
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else "python"


def open_run(plan: Plan) -> tuple[RunFolder, Run]:
    """Make the run's folder and its record. Raises ConfigError."""
    now = datetime.now(UTC)
    run_id = new_run_id(now)
    folder = create_run_folder(plan.asked.runs, run_id, plan.scenario_path, plan.file.path)
    log_to(folder)
    run = Run(
        run_id=run_id,
        environment=plan.file.name,
        scenario=plan.scenario.scenario,
        scenario_sha256=hashlib.sha256(plan.scenario_path.read_bytes()).hexdigest(),
        tenant="",
        exclusive=False,
        services={},
        headers={},
        started_at=now,
        repeat=plan.asked.repeat,
        versions=versions(),
        fault=plan.asked.fault or None,
    )
    folder.write_run(run)
    return folder, run


@contextmanager
def deployed(plan: Plan, folder: RunFolder, run: Run) -> Iterator[Place]:
    """Have the services up: started here for the local environment, elsewhere as they are."""
    with variables_of(plan.file, folder.path / "stack", plan.asked.fault) as variables:
        environment = read_environment(plan.file.path, variables)
        yield Place(
            plan.scenario, environment, plan.file.path, folder, run.run_id,
            environment.tenant_of_run(), {**os.environ, **variables},
        )  # fmt: skip


@contextmanager
def variables_of(file: EnvironmentFile, folder: Path, fault: str) -> Iterator[Mapping[str, str]]:
    """Start the stack that an environment asks for, and yield the variables of its addresses."""
    if not file.starts_stack:
        yield {}
        return
    with local_stack(folder, fault or None) as variables:
        yield variables


def describe(run: Run, place: Place, plan: Plan) -> Run:
    """Complete the record with what is known once the services are up, and write it."""
    headers = {
        name: compile_text(value)({"tenant": place.tenant})
        for name, value in plan.file.headers.items()
    }
    services = {name: each.url for name, each in place.environment.services.items()}
    run = replace(
        run, tenant=place.tenant, services=services, headers=headers,
        exclusive=place.environment.exclusive,
    )  # fmt: skip
    place.folder.write_run(run)
    return run


def phase_of(plan: Plan, name: str) -> DrivenPhase:
    """Return the record of a profile that is driven from now on."""
    asked = plan.asked
    return DrivenPhase(
        name, name, datetime.now(UTC), users=asked.users, iterations=asked.iterations
    )


def drive(
    driver: Driver, phase: DrivenPhase, run: Run, folder: RunFolder, progress: Progress
) -> Run:
    """Drive one profile, and keep its record before and after."""
    name = phase.profile
    folder.write_run(with_phase(run, phase))
    before = run.phases[-1].profile if run.phases else None
    if before and not driver.went_well(before):
        trouble = f"not driven, since nothing of {before} went well"
    else:
        with progress.stage(name) as stage:
            trouble = driver.drive(name, progress.count)
            stage.words.append(driver.summary(name))
    phase = replace(phase, finished_at=datetime.now(UTC), trouble=trouble)
    run = with_phase(run, phase)
    folder.write_run(run)
    return run


def write_ledger(scenario: Scenario, folder: RunFolder, run: Run) -> None:
    """Write the ledger of the whole run beside the exchanges that it sums up."""
    exchanges = (
        exchange
        for phase in run.phases
        for recording in read_recordings(folder.exchanges, phase.stem)
        for exchange in recording.exchanges
    )
    content = ledger_json(ledger_of(scenario, exchanges))
    write_whole(folder.evidence / "ledger.json", content)


def log_to(folder: RunFolder) -> None:
    """Send what the harness logs, tracebacks of its own faults included, to the run's log."""
    logging.basicConfig(filename=folder.path / "run.log", force=True, level=logging.WARNING)


def conclude(folder: RunFolder, as_json: bool, progress: Progress | None = None) -> NoReturn:
    """Judge a run by its evidence, write and print what came of it, and exit with the verdict."""
    from checks.history import remember
    from checks.suite import judge

    log_to(folder)
    with progress.stage("judge") if progress else contextlib.nullcontext():
        result = judge(folder)
        write_report(result, folder)
        remember(folder, result, is_new=progress is not None)
    if progress:
        progress.note(f"{progress.total_s:.1f} s, {progress.total_s - load_s(result):.1f} s "
                      "beyond the load")  # fmt: skip
    publish(result, folder, as_json)


def load_s(result: Result) -> float:
    """Return how long the services were driven, in seconds."""
    return sum(phase.elapsed_s for phase in result.phases)


def write_report(result: Result, folder: RunFolder) -> None:
    """Render a result into its files."""
    from reports.render import render_all

    render_all(result, folder.path)


def publish(result: Result, folder: RunFolder, as_json: bool) -> NoReturn:
    """Print a result, and exit with its verdict."""
    from checks.result import to_json
    from reports.terminal import print_result

    if as_json:
        print(to_json(result))
    else:
        print_result(result, folder.path / "report.html", sys.stdout)
    raise typer.Exit(exit_code(result.verdict))


def write_environment(folder: Path, variables: Mapping[str, str]) -> Path:
    """Write an environment file for a stack that stays up, its addresses put in."""
    text = find_environment("local").read_text(encoding="utf-8")
    for name, value in variables.items():
        text = text.replace(f"${{{name}}}", value)
    file = folder / "environment.yaml"
    lines = [line for line in text.splitlines() if not line.startswith("stack:")]
    write_whole(file, "\n".join([*lines, ""]).encode())
    return file


def versions() -> dict[str, str]:
    """Return the versions of what measures."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    packages = ("locust", "httpx", "prometheus-api-client", "pydantic")
    return {
        "trial-balance": project["version"],
        "python": platform.python_version(),
        "system": platform.platform(),
        **{name: version(name) for name in packages},
    }


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
        words = f"the harness itself failed, and nothing is proven: {type(error).__name__}: {error}"
    return refuse([words], as_json, exit_code(Verdict.INCONCLUSIVE))


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
