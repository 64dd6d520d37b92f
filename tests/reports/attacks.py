"""Results in which every foreign string is an attack."""

import unicodedata
from dataclasses import replace

from checks.result import Code, Kind, RelationRow, RelationSums, Result
from checks.verdict import Verdict
from tests.reports.results import (
    failing_result,
    failure,
    failure_sample,
    figures,
    finding,
    usage_row,
)
from witnesses.figure import Figure, Reason

EVIL = (
    '<script>alert(1)</script>]]>"><img src=x onerror=alert(1)> \x1b[31m\x00\x08\ufffe | ` ${{7*7}}'
)

# A colour, a bell, a CSI of one character, a delete, a line separator, and a turned direction.
CONTROL = "a\x1b[31mb\x07c\x9b2Jd\x7fe\u2028f\u202eg"


def control_in(text: str) -> set[str]:
    """Return the characters of a text, but for its line breaks, that could do more than be read."""
    categories = ("Cc", "Zl", "Zp")
    return {one for one in text if unicodedata.category(one) in categories or one == "\u202e"} - {
        "\n"
    }


def attacked(text: str = EVIL) -> Result:
    """Put a text wherever one can come from outside."""
    base = failing_result()
    return replace(
        base,
        run_id=text,
        environment=text,
        scenario=text,
        profile=text,
        fault=text,
        repeat=text,
        scenario_sha256=text,
        versions={text: text},
        services={text: text},
        findings=tuple(replace(each, id=text, title=text, expected=text, observed=text, detail=text)
                       for each in base.findings),
        relations=(RelationRow(text, (text, text), {text: RelationSums(
            (Figure.exact(1.0), Figure.void(Reason.SCRAPE_FAILED, text)), Verdict.INCONCLUSIVE
        )}, Verdict.INCONCLUSIVE),),
        usage=tuple(replace(each, quantity=text, labels={text: text}, figures={
            text: Figure.void(Reason.SCRAPE_FAILED, text), **each.figures}) for each in base.usage),
        latency=tuple(replace(each, step=text) for each in base.latency),
        waterfall=tuple(replace(each, step=text, outcome=text) for each in base.waterfall),
        phases=tuple(replace(each, profile=text, exchanges={text: 3}, planned_counts={text: 4})
                     for each in base.phases),
        failures=(failure(step=text, outcome=text, reason=text, samples=(
            failure_sample(reason=text, trace_id=text, request=text, response_snippet=text,
                           repeat=text),)),),
        trace_link=text,
    )  # fmt: skip


def crowded(rows: int = 1000) -> Result:
    """Make every table long, with the one failing row at the end of each."""
    passing = [finding(f"usage {each}", kind) for kind in Kind for each in range(rows)]
    failing = [finding("the last", kind, verdict=Verdict.FAIL) for kind in Kind]
    usage = [usage_row("cards", 7, labels={"id": f"{each}"}) for each in range(rows)]
    usage.append(
        usage_row("the last", 7, figures=figures(7, 7, 6), verdict=Verdict.FAIL, code=Code.LOST_ROW)
    )
    base = failing_result()
    return replace(
        base,
        findings=(*passing, *failing),
        usage=tuple(usage),
        latency=base.latency * rows,
        waterfall=base.waterfall * rows,
        phases=base.phases * rows,
        failures=(failure(),) * rows,
    )
