"""Compare two runs, or a run with the last ones before it."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import typer

from checks.case import read_case
from checks.comparison import ComparisonRule
from checks.differences import (
    Comparison,
    JudgedRun,
    compare_runs,
    compare_with_last,
    comparison_json,
)
from checks.evidence import judge_evidence
from checks.history.store import history_of
from checks.verdict import exit_code
from commands.shared.interrupts import INTERRUPTS
from commands.shared.judged_run import read_judged
from config.errors import ConfigError, Problem
from config.units import parse_share
from reports.comparison import (
    print_comparison,
    render_comparison_html,
    render_comparison_markdown,
)
from scenarios.evidence.files import write_atomically
from scenarios.evidence.run_folder import RunFolder, find_run_folder

PAGE, SUMMARY = "comparison.html", "comparison.md"
_PAIR = 2


@dataclass(frozen=True, slots=True)
class ComparisonOptions:
    """The options of the command; `last` is 0 for two runs, `output` None for the run's folder."""

    last: int
    rule: ComparisonRule
    output: Path | None
    as_json: bool


def compare(names: Sequence[str], runs: Path, options: ComparisonOptions) -> None:
    """Compare, write page and summary, print, exit with the verdict. Raises ConfigError."""
    if len(names) != (1 if options.last else _PAIR):
        message = "compare needs two runs, or one with --last N: compare A B, compare --last 5 B"
        raise ConfigError(Problem(None, None, message))
    folders = [find_run_folder(runs, name) for name in names]
    if len({folder.path for folder in folders}) < len(folders):
        message = f"{names[0]} and {names[1]} are the same run: name two"
        raise ConfigError(Problem(folders[0].path, None, message))
    judged = [_read(folder) for folder in folders]
    after = judged[-1]
    earlier = history_of(folders[-1]).entries
    if options.last:
        comparison = compare_with_last(earlier, after, options.last, options.rule)
    else:
        comparison = compare_runs(judged[0], after, options.rule, earlier)
    page = _write(comparison, options.output or folders[-1].path)
    if options.as_json:
        INTERRUPTS.print_document(comparison_json(comparison))
    else:
        INTERRUPTS.write_whole(lambda: print_comparison(comparison, str(page), sys.stdout))
    raise typer.Exit(exit_code(comparison.verdict))


def rule_of(at_least: str, level: str, run_noise: str) -> ComparisonRule:
    """Return the rule that the options ask for; without a noise, it is assumed or measured.

    Raises ConfigError, for every mistake at once.
    """
    shares, problems = [], []
    given = [("--at-least", at_least), ("--level", level)]
    given += [("--run-noise", run_noise)] if run_noise else []
    for option, text in given:
        try:
            shares.append(parse_share(text))
        except ValueError as error:
            problems.append(Problem(None, None, f"{option}: {error}"))
    if problems:
        raise ConfigError(*problems)
    at_least_ratio, level_ratio, *noise = shares
    if not noise:
        return ComparisonRule(at_least_ratio, level_ratio, is_noise_assumed=True)
    return ComparisonRule(at_least_ratio, level_ratio, noise[0])


def _read(folder: RunFolder) -> JudgedRun:
    case = read_case(folder)
    finding = judge_evidence(folder, case.run)
    if finding:
        message = f"its evidence {finding.observed}: copy the run again, or run again"
        raise ConfigError(Problem(folder.evidence, None, message))
    return JudgedRun(read_judged(folder), case)


def _write(comparison: Comparison, folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / SUMMARY, render_comparison_markdown(comparison).encode())
        write_atomically(folder / PAGE, render_comparison_html(comparison).encode())
    except OSError as error:
        message = f"the comparison cannot be written here: {error.strerror or error}"
        raise ConfigError(Problem(folder, None, message)) from error
    return folder / PAGE
