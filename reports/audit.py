"""The report of an audit, in the terminal and as a page, in the same words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO
from urllib.parse import quote

from rich.padding import Padding
from rich.text import Text

from checks.audit import CLEAN, Audit, AuditedRun
from checks.result import Code
from checks.verdict import Verdict, exit_code
from reports import formatting as write
from reports.html_template import SizeLimits, render_page
from reports.terminal_output import (
    TerminalFormat,
    finish,
    make_console,
    make_table,
    mark,
    paper_of,
    print_banner,
    print_line,
    print_table,
    print_whole,
)
from reports.views.ordering import cut_judged, cut_rows, failing_first

_MINUTE_S = 60
_MOST_IN_A_CELL = 8
_MOST_CODES = 2
_MOST_BYTES = 240
_MOST_OPENING = 60
_THE_SAME = "the same"
_NO_RESULT = "no result"


@dataclass(frozen=True, slots=True)
class AuditOutcome:
    """What a run came to, or must come to; `findings` are checks with their codes."""

    word: str
    findings: tuple[tuple[str, str], ...]
    more: str
    in_short: str


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One run as it is shown; `verdict` is of the harness: pass where the run was as expected."""

    name: str
    sentence: str
    verdict: Verdict
    state: str
    expected: AuditOutcome
    found: AuditOutcome
    errors: tuple[str, ...]
    opening: str
    explanation: str
    took: str
    report: str


@dataclass(frozen=True, slots=True)
class AuditBanner:
    """The banner; `warnings` say what was not done."""

    verdict: Verdict
    word: str
    mark: str
    title: str
    sentence: str
    warnings: tuple[str, ...]
    tally: str


def print_audit(audit: Audit, page: Path, stream: TextIO) -> None:
    """Write the audit to a stream, and where its page is."""
    stream.write(render_audit_terminal(audit, paper_of(stream), page))
    stream.flush()


def render_audit_terminal(audit: Audit, terminal: TerminalFormat, page: Path | None = None) -> str:
    """Render the banner, one line per run, what is wrong with those missed, and the last lines."""
    banner, rows, console = tell_audit(audit), audit_rows(audit), make_console(terminal)
    table = make_table(("run", "expected", "found", "took", "result"), right=(3,), gives_way=(1, 2))
    for row in rows:
        cells = (row.name, row.expected.in_short, row.found.in_short, row.took)
        state = mark(terminal, row.verdict, row.state)
        table.add_row(*(Text(terminal.spell(cell)) for cell in cells), state)
    with console.capture() as capture:
        print_banner(
            console, terminal, banner.verdict, banner.title, (banner.sentence, *banner.warnings)
        )
        print_table(console, terminal, table)
        for line in _complaints(rows):
            console.print(Padding(Text(terminal.spell(line)), (0, 0, 0, 2)))
        console.print()
        if page is not None:
            print_whole(console, terminal, "report", str(page))
        print_whole(console, terminal, "again", audit.repeat)
        print_line(console, terminal, f"exit {exit_code(banner.verdict)}", Text(banner.tally))
    return finish(capture.get())


def render_audit_html(audit: Audit) -> str:
    """Render the page under 400 KB: no script, no network, every foreign word escaped."""
    rows = audit_rows(audit)

    def within(limits: SizeLimits) -> dict[str, object]:
        return {
            "banner": tell_audit(audit),
            "runs": cut_judged(rows, limits.rows),
            "versions": cut_rows(list(audit.versions.items()), limits.rows),
            "repeat": audit.repeat,
            "span": write.render_span(audit.started_at, audit.finished_at),
        }

    return render_page("audit.html.j2", within)


def tell_audit(audit: Audit) -> AuditBanner:
    """Put the audit into the banner's words."""
    faults = [run for run in audit.runs if run.fault != CLEAN]
    clean = [run for run in audit.runs if run.fault == CLEAN]
    missed, left = _missed(audit.runs), audit.planned - len(audit.runs)
    planned = write.render_number_of(audit.planned, "planned run")
    unmade = f"Not finished: {left:,} of {planned} {'was' if left == 1 else 'were'} not made."
    took = _duration((audit.finished_at - audit.started_at).total_seconds())
    return AuditBanner(
        verdict=audit.verdict,
        word=audit.verdict.upper(),
        mark=write.MARKS[audit.verdict],
        title=_title(audit.verdict, _missed(faults), _missed(clean)),
        sentence=f"{_share(faults)} faults caught, {_share(clean)} clean runs passed, {took}.",
        warnings=(unmade,) if left else (),
        tally=f"{missed:,} missed, {len(audit.runs) - missed:,} as expected, {left:,} not made",
    )


def audit_rows(audit: Audit) -> list[AuditRow]:
    """Return one row per run, the missed ones first."""
    clean = [run for run in audit.runs if run.fault == CLEAN]
    names = {id(run): f"clean run {place}" for place, run in enumerate(clean, 1)}
    return failing_first([_row(run, names.get(id(run), run.expected.name)) for run in audit.runs])


def _row(run: AuditedRun, name: str) -> AuditRow:
    verdict = Verdict.PASS if run.is_caught else Verdict.FAIL
    words = ("passed", "failed") if run.fault == CLEAN else ("caught", "missed")
    more = _and_more(len(run.errors) - _MOST_IN_A_CELL)
    opening = write.one_line(run.explanation)
    if len(opening) > _MOST_OPENING:
        opening = f"{opening[:_MOST_OPENING].rstrip()} …"
    same = run.verdict is run.expected.verdict and run.findings == run.expected.findings
    word = _THE_SAME if same else _NO_RESULT
    found = AuditOutcome(word, (), "", word)
    if run.verdict and not same:
        found = _outcome(run.verdict, run.findings)
    return AuditRow(
        name=name, sentence=run.sentence, verdict=verdict,
        state=f"{write.MARKS[verdict]} {words[not run.is_caught]}",
        expected=_outcome(run.expected.verdict, run.expected.findings), found=found,
        errors=(*run.errors[:_MOST_IN_A_CELL], *filter(None, [more])),
        opening=opening, explanation=run.explanation,
        took=write.render_seconds(run.duration_s),
        # a name with a colon must not become a scheme
        report=f"./{quote(run.folder, errors='replace')}/report.html" if run.verdict else "",
    )  # fmt: skip


def _outcome(verdict: Verdict, findings: Mapping[str, Code | None]) -> AuditOutcome:
    codes = list(dict.fromkeys(code for code in findings.values() if code))
    named = [*codes[:_MOST_CODES], *(["…"] if len(codes) > _MOST_CODES else [])]
    shown = [(check, str(code or "")) for check, code in findings.items()][:_MOST_IN_A_CELL]
    return AuditOutcome(
        word=str(verdict),
        findings=tuple(shown),
        more=_and_more(len(findings) - len(shown)),
        in_short=f"{write.MARKS[verdict]} {', '.join(named) or verdict}",
    )


def _complaints(rows: Sequence[AuditRow]) -> list[str]:
    """Explain each run that is not as expected, with its own explanation."""
    return [
        line
        for row in rows
        if row.errors
        for line in (
            f"{row.name}: {write.one_line('; '.join(row.errors), _MOST_BYTES)}",
            f"{row.name}, explanation: {write.one_line(row.explanation, _MOST_BYTES)}",
        )[: 1 + bool(row.explanation)]
    ]


def _and_more(number: int) -> str:
    return f"and {number:,} more" if number > 0 else ""


def _missed(runs: Sequence[AuditedRun]) -> int:
    return sum(not run.is_caught for run in runs)


def _share(runs: Sequence[AuditedRun]) -> str:
    return f"{len(runs) - _missed(runs):,} of {len(runs):,}"


def _title(verdict: Verdict, missed: int, unwell: int) -> str:
    if verdict is Verdict.PASS:
        return "Every seeded fault was caught"
    if verdict is Verdict.INCONCLUSIVE:
        return "The audit was not finished"
    parts = [f"{write.render_number_of(missed, 'fault')} missed"] if missed else []
    parts += [f"{write.render_number_of(unwell, 'clean run')} failed"] if unwell else []
    return ", ".join(parts)


def _duration(duration_s: float) -> str:
    """Write a duration in minutes and whole seconds.

    >>> _duration(372.4), _duration(41.6)
    ('6 m 12 s', '0 m 42 s')
    """
    minutes, seconds = divmod(round(duration_s), _MINUTE_S)
    return f"{minutes:,} m {seconds:02} s"
