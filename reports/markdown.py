"""The summary of a CI job: the banner, what failed, then the tables."""

import re
from collections.abc import Callable, Sequence

from checks.result import Finding, Result
from reports import formatting as write
from reports.views import availability, history, sections
from reports.views.balance import BalanceRow, columns_of, fold_balance, heading_of
from reports.views.banner import Banner, banner_of
from reports.views.failures import failure_rows
from reports.views.headline import open_findings
from reports.views.kinds import findings_of_section
from reports.views.objectives import ObjectiveRow, objective_rows
from reports.views.ordering import JudgedT, cut_judged, cut_rows

MOST_BYTES = 900_000
_CELL_BYTES = 400
_MOST_ROWS = 200
_FOLD, _UNFOLD = "<details>", "</details>"
# An underscore between letters or digits is text to GitHub: `cards_used` needs no escape.
_SPECIAL = re.compile(r"([\\`*\[\]|~#!$])|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_FOUND_HEAD = ("Check", "Result", "Found", "Expected", "Why")
_OBJECTIVE_HEAD = ("Check", "Result", "Measured", "95 % interval", "Objective", "Margin",
                   "Within limit", "Count")  # fmt: skip
_PHASE_HEAD = ("Phase", "Iterations", "Dropped", "Took", "Counted of planned")
_STEP_HEAD = ("Step", "Count", "p50", "p95", "p95, 95 % interval", "p99", "Longest", "p95 limit",
              "Not served")  # fmt: skip
_FAILURE_HEAD = ("Step", "Outcome", "Reason", "Count", "Share of step", "First", "Last",
                 "Trace of one")  # fmt: skip
_WATCH_HEAD = ("Service", "Result", "Available", "Objective", "Down", "Budget", "Left")
_INCIDENT_HEAD = ("Service", "From", "To", "Lasted", "What came instead")


def render_markdown(result: Result) -> str:
    """Render the summary, under 900 KB."""
    queries, validity = (findings_of_section(result, name) for name in ("server", "validity"))
    witnesses = tuple(escape(heading_of(each), _CELL_BYTES) for each in columns_of(result))
    balance_head = ("Quantity", "Labels", "Client", *witnesses, "Worst difference", "Result", "Why")
    balance = fold_balance(result, most=len(result.usage))
    objectives = objective_rows(result)
    banner = banner_of(result, objectives)
    parts = [
        *_banner(result, banner),
        "## What does not pass", *_open(result, banner),
        *_availability(result),
        "## Objectives", _judged(_OBJECTIVE_HEAD, objectives, _objective_cells),
        "## The balance", _judged(balance_head, balance.rows, _balance_cells),
        *map(escape, balance.remarks),
        *_driven(result),
        "## Server against client", _judged(_FOUND_HEAD, queries, _finding_cells),
        "## Validity", _judged(_FOUND_HEAD, validity, _finding_cells),
        "## Failed exchanges", markdown_table(_FAILURE_HEAD, [
            (each.step, each.outcome, each.reason, each.count, each.share, each.first, each.last,
             each.samples[0].trace_id if each.samples else write.NO_DATA)
            for each in failure_rows(result)
        ]),
        "## History", *_history(result),
        "## Environment and versions",
        markdown_table(("What", "Is"), sections.environment_rows(result)),
    ]  # fmt: skip
    return _within("\n\n".join(parts) + "\n", MOST_BYTES)


def _availability(result: Result) -> list[str]:
    if not result.availability:
        return []
    incidents = [
        (each.service, each.began, each.ended, each.lasted, each.error)
        for each in availability.incident_rows(result)
    ]
    listed = [markdown_table(_INCIDENT_HEAD, incidents)] if incidents else ["No incident."]
    table = _judged(
        _WATCH_HEAD,
        availability.watch_rows(result),
        lambda row: (row.service, write.render_verdict(row.verdict), row.ratio, row.objective,
                     row.down, row.budget, row.left),
    )  # fmt: skip
    return ["## Availability", table, *listed]


def escape(text: str, limit_bytes: int = write.CUT_BYTES) -> str:
    r"""Make a foreign string plain text on one line, inside a table or out of it.

    >>> escape("a|b `c` <script> cards_used")
    'a\\|b \\`c\\` &lt;script&gt; cards_used'
    """
    line = write.one_line(text, limit_bytes)
    # The & first: each of the others is replaced by a text that begins with one.
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _SPECIAL.sub(r"\\\g<0>", line)


def fence(text: str) -> str:
    """Put a foreign string into a block of code that it cannot end.

    >>> print(fence("echo ```"))
    ````
    echo ```
    ````
    """
    body = write.clean(text)
    longest = max((len(run) for run in re.findall("`+", body)), default=0)
    ticks = "`" * max(3, longest + 1)
    return f"{ticks}\n{body}\n{ticks}"


def _within(text: str, most_bytes: int) -> str:
    """Drop the last lines of a text that is too long, and say so; what failed stands first."""
    kept: list[str] = []
    room = most_bytes
    for line in text.split("\n"):
        room -= len(line.encode()) + 1
        if room < 0:
            unfold = [_UNFOLD] * (kept.count(_FOLD) > kept.count(_UNFOLD))
            return "\n".join(
                [*kept, *unfold, "", "… shortened: report.html and result.json have more.", ""]
            )
        kept.append(line)
    return text


def _banner(result: Result, banner: Banner) -> list[str]:
    span = write.render_span(result.started_at, result.finished_at)
    about = " · ".join([
        f"Scenario **{escape(result.scenario)}**", f"profile **{escape(result.profile)}**",
        f"environment **{escape(result.environment)}**", span, f"run **{escape(result.run_id)}**",
    ])  # fmt: skip
    gates = [
        (gate.name, write.render_verdict(gate.verdict) if gate.verdict else "–",
         gate.text, gate.reason)
        for gate in banner.gates
    ]  # fmt: skip
    return [
        f"# {banner.mark} {banner.word}: {escape(banner.title)}",
        escape(" ".join(filter(None, [banner.sentence, banner.beside, banner.since]))),
        *(f"**{escape(warning)}**" for warning in banner.warnings),
        about,
        markdown_table(("Gate", "Result", "Figure", "Reason"), gates),
        *filter(None, [escape(history.sparkline(result))]),
    ]


def _driven(result: Result) -> list[str]:
    return [
        "## Flow", markdown_table(_PHASE_HEAD, [
            (row.profile, row.iterations, row.dropped, row.elapsed,
             ", ".join(row.count_texts))
            for row in map(sections.phase_row, result.phases)
        ]),
        "## Latency", markdown_table(_STEP_HEAD, [
            (row.step, row.count, row.p50, row.p95, row.interval, row.p99, row.longest, row.limit,
             row.not_served)
            for row in map(sections.step_row, result.latency)
        ]),
    ]  # fmt: skip


def _open(result: Result, banner: Banner) -> list[str]:
    """Render what fails or is open, with the command to repeat it."""
    findings = open_findings(result)
    if not findings:
        return [banner.no_failures]
    repeat = ["To repeat the run:", fence(result.repeat)] if result.repeat else []
    return [_judged(_FOUND_HEAD, findings, _finding_cells), *repeat]


def _finding_cells(row: Finding) -> tuple[str, ...]:
    return (row.title, write.render_verdict(row.verdict), row.observed, row.expected,
            f"{row.code or ''} {row.detail}".strip())  # fmt: skip


def _objective_cells(row: ObjectiveRow) -> tuple[str, ...]:
    interval = f"{row.interval} {row.confidence}".strip()
    return (row.title, row.state, row.measured, interval, row.objective,
            row.margin, row.share, ", ".join(filter(None, [row.count, row.left_out])))  # fmt: skip


def _balance_cells(row: BalanceRow) -> tuple[str, ...]:
    return (row.quantity, row.labels, row.client, *row.figures, row.difference,
            write.render_verdict(row.verdict),
            " ".join(filter(None, [row.code, *row.notes])))  # fmt: skip


def _history(result: Result) -> list[str]:
    """Render the last runs in short, folded below their sentence."""
    rows = [(f"{row.when} {row.note}".strip(), write.render_verdict(row.verdict), row.iterations,
             row.p95, row.agree, ", ".join(row.not_passed))
            for row in history.history_rows(result)]  # fmt: skip
    sentence = escape(history.history_sentence(result))
    head = ("Started (UTC)", "Result", "Iterations", "Iteration p95", "Counts that agree",
            "Did not pass")  # fmt: skip
    if not rows:
        return [sentence]
    summary = "<summary>The last runs, the newest first</summary>"
    return [sentence, f"{_FOLD}\n{summary}", markdown_table(head, rows), _UNFOLD]


def _judged(
    head: Sequence[str], rows: Sequence[JudgedT], cells: Callable[[JudgedT], tuple[str, ...]]
) -> str:
    table = cut_judged(rows, _MOST_ROWS)
    return _lines(head, [cells(row) for row in table.rows], table.more)


def markdown_table(head: Sequence[str], rows: Sequence[tuple[str, ...]]) -> str:
    """Render a table of foreign strings, cut after two hundred rows."""
    table = cut_rows(rows, _MOST_ROWS)
    return _lines(head, table.rows, table.more)


def _lines(head: Sequence[str], rows: Sequence[tuple[str, ...]], more: str) -> str:
    if not rows:
        return "None."
    lines = [_line(head), _line(["---"] * len(head))]
    lines += [_line([escape(cell, _CELL_BYTES) for cell in row]) for row in rows]
    return "\n".join([*lines, *(["", more] if more else [])])


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
