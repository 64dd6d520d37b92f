"""The doctor's checklist: one line per finding, with the remedy below it."""

from collections.abc import Sequence

from checks.result import Finding
from reports.formatting import one_line, render_verdict

_MOST_BYTES = 300


def render_checklist(findings: Sequence[Finding]) -> str:
    """Render one line per finding: mark, title, observation; and a remedy where there is one."""
    width = max((len(finding.title) for finding in findings), default=0)
    lines = []
    for finding in findings:
        state = render_verdict(finding.verdict)
        observed = one_line(finding.observed, _MOST_BYTES)
        lines.append(f"{state:<14} {finding.title:<{width}}  {observed}")
        if finding.detail:
            lines.append(f"{'':<15}{one_line(finding.detail, _MOST_BYTES)}")
    return "\n".join(lines)
