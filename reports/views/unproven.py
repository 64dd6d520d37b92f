"""State what a run that passes does not prove."""

from collections.abc import Iterator

from checks.binomial import largest_share
from checks.result import Result
from checks.service_levels import P95, LatencyRow, Objective
from checks.verdict import Verdict
from reports import formatting as write
from scenarios.language.objectives import percentile_name

_MOST_NAME = 40


def unproven_sentence(result: Result) -> str:
    """Return what is not proven at so few requests, and what is not known of counts; or ""."""
    sentences = " ".join([*_limits(result), *_counts(result)])
    return f"Not proven: {sentences}" if sentences else ""


def _limits(result: Result) -> Iterator[str]:
    """Yield the limit that matters most of those that are met without a proof."""
    unproven = [
        (row, each)
        for row in result.latency
        for each in row.objectives
        if each.judged and not each.proven and each.verdict is Verdict.PASS
    ]
    if unproven:
        row, first = min(unproven, key=lambda each: each[1].percentile != P95)
        more = write.render_number_of(len(unproven) - 1, "more limit")
        others = f", and {more}" if len(unproven) > 1 else ""
        yield f"{_limit(row, first)}{others}."


def _limit(row: LatencyRow, objective: Objective) -> str:
    count, over = objective.count, objective.over_high
    share = largest_share(over, count)
    requests = write.render_number_of(count, "request")
    return (f"{write.one_line(row.step, _MOST_NAME)} "
            f"{percentile_name(objective.percentile)} at {requests}, since "
            f"{over:,} of {count:,} over {write.render_limit(objective.limit_s)} allows up to "
            f"{write.render_percentage(share)} of all")  # fmt: skip


def _counts(result: Result) -> Iterator[str]:
    """Yield how many counts agree within a range only."""
    in_doubt = [each.client.in_doubt for each in result.usage
                if each.client.in_doubt and each.verdict is Verdict.PASS]  # fmt: skip
    if in_doubt:
        yield (f"{write.render_number_of(len(in_doubt), 'count')} exactly, since up to "
               f"{write.render_count(max(in_doubt))} of each are in doubt.")  # fmt: skip
