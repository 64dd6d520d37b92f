"""View the earlier runs: rows, marks and a curve of the last thirty."""

from collections.abc import Sequence
from dataclasses import dataclass

from checks.history.baseline import Conditions, baseline, median_entry
from checks.history.entry import Entry
from checks.history.store import record_of
from checks.latency import objective_id
from checks.result import Result
from checks.service_levels import P95
from checks.verdict import Verdict
from reports import formatting as write
from reports.charts.runs import CurvePoint, draw_points
from reports.views.kept_reports import FindReport, no_report
from scenarios.language.model import ITERATION

MOST_RUNS = 30
NO_HISTORY = "No earlier run is known that this one can be compared with."
_MOST_CHECKS = 3
_MOST_CHARACTERS = 60
_LAST_RUNS = 5
_BARS = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One run; `note` marks this one, or is why another is not compared.

    `report` is the address of its report, or "".
    """

    when: str
    note: str
    verdict: Verdict
    iterations: str
    p95: str
    interval: str
    agree: str
    not_passed: tuple[str, ...]
    report: str = ""


@dataclass(frozen=True, slots=True)
class CheckRow:
    """One check over the runs: how often it did not pass, and its marks from oldest to newest."""

    check: str
    not_passed: str
    marks: str


@dataclass(frozen=True, slots=True)
class _EarlierRuns:
    """The median of the last passing runs on this machine, of one step."""

    p95_s: float
    number: int


def history_rows(result: Result, find_report: FindReport = no_report) -> list[HistoryRow]:
    """Return one row per run, the newest first, which is this one; none where it has no history."""
    limits, rows = _limits_s(result), []
    for entry in reversed(runs_with_this_one(result)):
        step = entry.latency.get(ITERATION)
        notes = ["another machine"] if entry.machine != result.machine else []
        notes += ["another scenario file"] if is_of_another_file(result, entry) else []
        notes += ["interrupted"] if entry.partial else []
        row = HistoryRow(
            when=write.render_utc(entry.started_at).removesuffix(" UTC"),
            note="this run" if entry.run_id == result.run_id else ", ".join(notes),
            verdict=entry.verdict,
            iterations=f"{entry.completed:,} of {entry.scheduled:,}",
            p95=write.render_seconds(step.p95, *limits) if step else write.NO_DATA,
            interval=write.render_interval(step.p95_low, step.p95_high, *limits)
            if step else "none",
            agree=write.render_share(entry.usage.agree, entry.usage.total),
            not_passed=_not_passed(entry),
            report="" if entry.run_id == result.run_id else find_report(entry.run_id),
        )  # fmt: skip
        rows.append(row)
    return rows


def check_rows(result: Result) -> list[CheckRow]:
    """Return a row for each check that did not pass in every run in which it was made."""
    entries = runs_with_this_one(result)
    rows = []
    for check in dict.fromkeys(name for entry in reversed(entries) for name in entry.checks):
        verdicts = [entry.checks.get(check) for entry in entries]
        made = [verdict for verdict in verdicts if verdict is not None]
        bad = sum(verdict is not Verdict.PASS for verdict in made)
        if bad:
            marks = write.render_marks(verdicts)
            rows.append(CheckRow(check, f"{bad:,} of {len(made):,}", marks))
    return rows


def history_sentence(result: Result) -> str:
    """Report how many runs there are before this one, and where its p95 stands among them."""
    if not result.history:
        return NO_HISTORY
    earlier = runs_with_this_one(result)[:-1]
    others = sum(is_of_another_file(result, each) for each in earlier)
    runs = write.render_number_of(len(earlier) - others, "earlier run")
    p95 = p95_sentence(result)
    sentences = [*([f"{p95}."] if p95 else []), f"{runs} to compare with."]
    if others:
        apart = write.render_number_of(others, "run")
        verb = "is" if others == 1 else "are"
        sentences.append(f"{apart} of another scenario file {verb} shown, not compared.")
    return " ".join(sentences)


def is_of_another_file(result: Result, entry: Entry) -> bool:
    """Tell whether a run drove another scenario file, so that it is not compared."""
    return entry.scenario_sha256 != result.scenario_sha256


def sparkline(result: Result) -> str:
    """Write the iteration's p95 run by run as bars of text; "" without an earlier run.

    A dot is a run that cannot be compared, or timed nothing.
    """
    conditions = Conditions(result.machine, result.scenario_sha256)
    entries = runs_with_this_one(result)
    p95s = [
        each.latency[ITERATION].p95
        if ITERATION in each.latency
        and (each.run_id == result.run_id or conditions.are_those_of(each))
        else None
        for each in entries
    ]
    known = [each for each in p95s if each is not None]
    if len(known) <= 1:
        return ""
    bars = "".join(_bar(each, max(known)) for each in p95s)
    return (f"p95 of the iteration over the last {write.render_number_of(len(entries), 'run')}: "
            f"{bars} ({write.render_interval(min(known), max(known))})")  # fmt: skip


def _bar(value: float | None, top: float) -> str:
    if value is None or not top:
        return "·"
    return _BARS[round(value / top * (len(_BARS) - 1))]


def p95_sentence(result: Result) -> str:
    """Write the p95 of the iteration, and the median before; "" without a p95 or a history."""
    now = record_of(result).latency.get(ITERATION)
    if now is None or not result.history:
        return ""
    before = _before(result)
    figure = f"iteration p95 {write.render_seconds(now.p95, *_limits_s(result))}"
    if before is None:
        return f"{figure}; no earlier run on this machine passed"
    runs = f"median of the last {before.number} passing runs"
    last = runs if before.number > 1 else "last passing run"
    return f"{figure}; {last} {write.render_seconds(before.p95_s)}"


def draw_history(result: Result, find_report: FindReport = no_report) -> str:
    """Draw the p95 of the iteration run by run, oldest first, against this run's limit.

    A line goes through the median before, or else through this run's own. A run links to its
    report, if that is kept.
    """
    before = _before(result)
    points = [_point(result, each, find_report) for each in runs_with_this_one(result)]
    now_s = points[-1].value if points and points[-1] else None
    limit_s = next(iter(_limits_s(result)), None)
    line_s = before.p95_s if before else now_s
    return draw_points(points, limit_s, line_s, history_sentence(result))


def _point(result: Result, entry: Entry, find_report: FindReport) -> CurvePoint | None:
    """Return a run's point; its verdict is that of the check of this p95, not of the run."""
    step = entry.latency.get(ITERATION)
    if step is None:
        return None
    low, high = (step.p95 if end is None else end for end in (step.p95_low, step.p95_high))
    conditions = Conditions(result.machine, result.scenario_sha256)
    is_this = entry.run_id == result.run_id
    return CurvePoint(
        step.p95, low, high, entry.checks.get(objective_id(ITERATION, P95)),
        is_this or conditions.are_those_of(entry), entry.started_at,
        "" if is_this else find_report(entry.run_id),
    )  # fmt: skip


def runs_with_this_one(result: Result) -> Sequence[Entry]:
    """Return the last thirty runs with this one, oldest first; none without an earlier one."""
    if not result.history:
        return ()
    return (*result.history[-(MOST_RUNS - 1) :], record_of(result))


def _not_passed(entry: Entry) -> tuple[str, ...]:
    """Name the first checks that did not pass, failing ones first, and say how many more."""
    bad = sorted((check for check, verdict in entry.checks.items() if verdict is not Verdict.PASS),
                 key=lambda check: entry.checks[check] is not Verdict.FAIL)  # fmt: skip
    lines = [write.one_line(check) for check in bad[:_MOST_CHECKS]]
    named = [
        line if len(line) <= _MOST_CHARACTERS else f"{line[: _MOST_CHARACTERS - 1]}…"
        for line in lines
    ]
    more = [f"{len(bad) - _MOST_CHECKS:,} more"] if len(bad) > _MOST_CHECKS else []
    return (*named, *more) or ("all passed",)


def _before(result: Result) -> _EarlierRuns | None:
    conditions = Conditions(result.machine, result.scenario_sha256)
    runs = baseline(result.history, conditions, ITERATION, _LAST_RUNS)
    if not runs:
        return None
    return _EarlierRuns(median_entry(runs, ITERATION).latency[ITERATION].p95, len(runs))


def _limits_s(result: Result) -> tuple[float, ...]:
    """Return the limit on the iteration's p95, where there is one."""
    rows = [row for row in result.latency if row.step == ITERATION]
    limits = [limit.limit_s for row in rows if (limit := row.p95_objective)]
    return tuple(sorted(limits)[:1])
