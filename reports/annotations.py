"""Annotations of a job on GitHub: at most ten, failing findings first."""

from checks.result import Result
from checks.verdict import Verdict
from reports import formatting as write
from reports.views.banner import banner_of
from reports.views.headline import open_findings
from reports.views.ordering import failing_first

MOST = 10  # GitHub drops what a step prints beyond ten of a level

_MOST_BYTES = 1000
# GitHub decodes these again. A property also ends at a comma or a colon, a message does not.
_DATA = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_PROPERTY = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A", ":": "%3A", ",": "%2C"})


def render_annotations(result: Result) -> str:
    """Render what does not pass as workflow commands, one per line; nothing of a run that passes.

    The first is the verdict. A finding that fails is an error, one that is open a warning.
    """
    if result.verdict is Verdict.PASS:
        return ""
    banner = banner_of(result)
    message = " ".join(filter(None, [banner.sentence, banner.beside, banner.since]))
    lines = [_command("error", f"{banner.word}: {banner.headline}", message)]
    findings = failing_first(open_findings(result))
    # The verdict takes one place of ten; where not all is shown, so does the line that reports it.
    room = MOST - 1 if len(findings) < MOST else MOST - 2
    for each in findings[:room]:
        level = "error" if each.verdict is Verdict.FAIL else "warning"
        code = f" {each.code}" if each.code else ""
        message = f"expected {each.expected}, observed {each.observed}. {each.detail}"
        lines.append(_command(level, f"{each.verdict}: {each.title}{code}", message))
    if more := len(findings) - room if len(findings) > room else 0:
        message = f"{write.render_number_of(more, 'more finding')} in the summary and the report."
        lines.append(_command("warning", "Not all is shown", message))
    return "".join(f"{line}\n" for line in lines)


def _command(level: str, title: str, message: str) -> str:
    """Write a workflow command that a foreign string can neither end nor lengthen.

    >>> _command("error", "fail: a, b", "100 % of 3")
    '::error title=fail%3A a%2C b::100 %25 of 3'
    """
    name = write.one_line(title, _MOST_BYTES).translate(_PROPERTY)
    return f"::{level} title={name}::{write.one_line(message, _MOST_BYTES).translate(_DATA)}"
