"""View the banner: the run's verdict, one sentence and the gates."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from checks.result import NOT_SATURATED, RUN_COMPLETE, Code, Finding, Result, verdict_of
from checks.service_levels import P95
from checks.verdict import Verdict
from checks.wording import capitalized, shortened
from reports import formatting as write
from reports.views.basis import basis_words
from reports.views.deciding_sentence import MOST_CHARACTERS, deciding_sentence
from reports.views.headline import deciding_finding, interruption_of, open_findings, reason_of
from reports.views.kinds import KINDS, GateName, findings_of_gate
from reports.views.objectives import ObjectiveRow, objective_rows
from reports.views.ordering import WORST_FIRST
from reports.views.since import since_sentence
from reports.views.unproven import unproven_sentence

_MOST_UNJUDGED = 3

_Figure = tuple[str, str, str]  # subject, figure, note
_NO_FIGURE: _Figure = ("", "", "")


@dataclass(frozen=True, slots=True)
class Gate:
    """One of the questions of the banner, with its verdict and its figure.

    The verdict is None where nothing was to be checked, which a run may pass without.

    `reason` is why it does not pass. `remark` is the same, where neither the banner's sentence nor
    the figure shows it.
    """

    name: GateName
    verdict: Verdict | None
    subject: str
    figure: str
    note: str = ""
    reason: str = ""
    remark: str = ""

    @property
    def text(self) -> str:
        """The gate as a part of a sentence."""
        return " ".join(filter(None, [self.subject, self.figure, self.note]))


@dataclass(frozen=True, slots=True)
class Banner:
    """The banner. `title` is the kind of what decided, and `sentence` what was found.

    `beside` is what else a reader must know: how many more checks fail, or what a pass does not
    prove. `since` is since which run that is so. `section` names where the deciding rows
    are; `warnings` say what was unusual. `no_failures` stands where no finding is listed as failing
    or inconclusive.
    """

    verdict: Verdict
    word: str
    title: str
    sentence: str
    beside: str
    since: str
    section: str
    warnings: tuple[str, ...]
    gates: tuple[Gate, ...]
    tally: str
    no_failures: str

    @property
    def mark(self) -> str:
        """The verdict's sign."""
        return write.MARKS[self.verdict]

    @property
    def headline(self) -> str:
        """The title, with what was found where the run does not pass."""
        if self.verdict is Verdict.PASS or not self.sentence:
            return self.title
        return f"{self.title}: {self.sentence.removesuffix('.')}"

    @property
    def lines(self) -> tuple[str, ...]:
        """What stands below the headline."""
        first = (self.sentence,) if self.verdict is Verdict.PASS else ()
        return tuple(filter(None, (*first, self.beside, self.since, *self.warnings)))


def banner_of(result: Result, objectives: Sequence[ObjectiveRow] | None = None) -> Banner:
    """Put a result into the words of the banner; every rendering uses these.

    `objectives` are those of the result, where the caller has them already.
    """
    objectives = objective_rows(result) if objectives is None else objectives
    deciding = deciding_finding(result)
    gates = _gates(result, deciding, objectives)
    # An empty list proves nothing where the verdict of the run itself is not pass.
    no_failures = "No failures." if result.verdict is Verdict.PASS else "No check gives a reason."
    return Banner(
        verdict=result.verdict,
        word=result.verdict.upper(),
        title=_title(result, deciding),
        sentence=_sentence(result, deciding, gates),
        beside=_beside(result, deciding),
        since=since_sentence(result, deciding),
        section=KINDS[deciding.kind].section if deciding else "failures",
        warnings=_warnings(result, objectives),
        gates=gates,
        tally=_tally(result),
        no_failures=no_failures if result.findings else "Nothing was checked.",
    )


def _title(result: Result, deciding: Finding | None) -> str:
    if deciding is None:
        return "No check gives a reason" if result.findings else "Nothing was checked"
    if result.verdict is Verdict.PASS:
        return "Every check passed"
    if deciding is interruption_of(result):
        return capitalized(shortened(write.clean(deciding.observed), 160))
    if deciding.id == NOT_SATURATED:
        return "Response times prove nothing"
    if deciding.code is Code.NOT_ASKED:
        return "Journeys and response times pass; usage was not judged"
    words = KINDS[deciding.kind]
    return words.failed if result.verdict is Verdict.FAIL else words.inconclusive


def _sentence(result: Result, deciding: Finding | None, gates: Sequence[Gate]) -> str:
    if not result.findings:
        return "No check gave a finding."
    if deciding is None:
        return f"{_tally(result)}: none of them has the run's verdict."
    if result.verdict is Verdict.PASS:
        checks = write.render_number_of(len(result.findings), "check")
        figures = "; ".join(gate.text for gate in gates if gate.name is not GateName.VALIDITY)
        basis = basis_words(result)
        return f"{checks} passed: {figures}{f'; rests on {basis}' if basis else ''}."
    if deciding is interruption_of(result) or (deciding.id == RUN_COMPLETE and deciding.detail):
        return shortened(write.clean(deciding.detail), MOST_CHARACTERS)
    if deciding.code is Code.NOT_ASKED:
        measured = (GateName.FLOW, GateName.LATENCY)
        figures = "; ".join(gate.text for gate in gates if gate.name in measured)
        return f"{figures}. {deciding.detail}"
    return deciding_sentence(result, deciding)


def _beside(result: Result, deciding: Finding | None) -> str:
    if deciding is None:
        return ""
    if result.verdict is Verdict.PASS:
        return unproven_sentence(result)
    others = sum(each.verdict is result.verdict for each in result.findings) - 1
    return f"{write.render_more(others, 'check', result.verdict)}." if others else ""


def _warnings(result: Result, objectives: Sequence[ObjectiveRow]) -> tuple[str, ...]:
    sentences = []
    if result.fault is not None:
        sentences.append(f"A fault was seeded on purpose: {write.one_line(result.fault, 200)}.")
    interruption = interruption_of(result)
    if interruption and result.verdict is Verdict.FAIL:
        sentences.append(f"{capitalized(interruption.observed)}. {interruption.detail}")
    elif result.partial and not interruption:
        sentences.append(
            "Partial: the run was interrupted, and the figures cover only what was done."
        )
    unjudged = [row for row in objectives if not row.is_judged]
    if unjudged:
        rows = [f"{row.title} {row.measured}, objective {row.objective}, {row.count} measured"
                for row in unjudged[:_MOST_UNJUDGED]]  # fmt: skip
        more = len(unjudged) - len(rows)
        rows += [write.render_number_of(more, "more limit")] if more else []
        sentences.append(f"Not judged, since so few values prove nothing: {'; '.join(rows)}.")
    return tuple(sentences)


def _tally(result: Result) -> str:
    number = Counter(finding.verdict for finding in result.findings)
    return (f"{number[Verdict.FAIL]:,} failed, {number[Verdict.INCONCLUSIVE]:,} inconclusive, "
            f"{number[Verdict.PASS]:,} passed")  # fmt: skip


def _gates(
    result: Result, deciding: Finding | None, objectives: Sequence[ObjectiveRow]
) -> tuple[Gate, ...]:
    """Return the gates of a run; a watch has another set, since it balances nothing."""
    figures = {
        GateName.FLOW: _flow_figure(result), GateName.LATENCY: _latency_figure(objectives),
        GateName.USAGE: _usage_figure(result), GateName.VALIDITY: _NO_FIGURE,
    }  # fmt: skip
    if findings_of_gate(result, GateName.AVAILABILITY):
        figures = {GateName.AVAILABILITY: _availability_figure(result)} | figures
        del figures[GateName.USAGE], figures[GateName.VALIDITY]
    decides = KINDS[deciding.kind].gate if deciding else None
    return tuple(
        _gate(result, name, figure, decides=decides is name) for name, figure in figures.items()
    )


def _gate(result: Result, name: GateName, figure: _Figure, *, decides: bool) -> Gate:
    """Judge by the findings of a gate; without a figure, count those that pass."""
    findings = findings_of_gate(result, name)
    if not findings:
        return Gate(name, None, name.lower(), "not checked")
    if all(each.code is Code.NOT_ASKED for each in findings):
        return Gate(
            name, verdict_of(findings), name.lower(), "not judged", reason=findings[0].reason
        )
    subject, main, note = figure
    open_ones = (each for each in open_findings(result) if each in findings)
    reason = next(map(reason_of, open_ones), "")
    remark = "" if main or decides else reason
    if not main:
        passed = sum(finding.verdict is Verdict.PASS for finding in findings)
        main = f"{passed:,} of {write.render_number_of(len(findings), 'check')}"
    return Gate(name, verdict_of(findings), subject, main, note, reason, remark)


def _flow_figure(result: Result) -> _Figure:
    completed = sum(phase.completed for phase in result.phases)
    scheduled = sum(phase.scheduled for phase in result.phases)
    dropped = sum(phase.dropped for phase in result.phases)
    if not scheduled:
        return _NO_FIGURE
    figure = f"{completed:,} of {write.render_number_of(scheduled, 'iteration')}"
    return "", figure, f"{dropped:,} dropped" if dropped else ""


def _latency_figure(objectives: Sequence[ObjectiveRow]) -> _Figure:
    """Return the objective nearest to its limit: failing ones first, p95 before the others."""
    measured = [row for row in objectives if row.use_ratio is not None]
    if not measured:
        return _NO_FIGURE
    row = min(
        measured,
        key=lambda row: (
            WORST_FIRST.index(row.verdict), row.is_judged, row.percentile != P95,
            -(row.use_ratio or 0.0),
        ),
    )  # fmt: skip
    unjudged = "" if row.is_judged else ", not judged"
    return row.title, row.measured, f"of {row.objective.removeprefix('≤ ')}{unjudged}"


def _availability_figure(result: Result) -> _Figure:
    """Return the service that was down for the longest, against what its objective allows."""
    rows = result.availability
    row = max(rows, key=lambda each: (each.down_s, -(each.ratio or 0.0)), default=None)
    if row is None:
        return _NO_FIGURE
    if row.ratio is None:
        return row.service, "not probed", ""
    figure = write.render_percentage(row.ratio, row.objective_ratio)
    return row.service, figure, f"of {write.render_percentage(row.objective_ratio)}"


def _usage_figure(result: Result) -> _Figure:
    number = Counter(row.verdict for row in result.usage)
    if not result.usage:
        return _NO_FIGURE
    if number[Verdict.PASS] == len(result.usage):
        return "", f"{len(result.usage):,} of {len(result.usage):,} counts", "agree"
    words = {Verdict.FAIL: "differ", Verdict.INCONCLUSIVE: "open"}
    parts = [f"{number[verdict]:,} {word}" for verdict, word in words.items() if number[verdict]]
    return "", ", ".join(parts), f"of {write.render_number_of(len(result.usage), 'count')}"
