"""Put the share within a limit into words: the only place where its rows become sentences."""

from collections.abc import Iterator, Mapping

from checks.balance.reason_words import reason_words
from checks.precision import digits_apart
from checks.service_levels import Gap, ServerLatencyRow, ServerShare
from checks.wording import capitalized, figure_words, listed
from scenarios.language.amounts import decimal_of
from scenarios.language.objectives import MAX_PERCENTILE

_MOST_EDGES = 20

GAP_WORDS: Mapping[Gap, str] = {
    Gap.NO_SERIES: "it has no series of the histogram",
    Gap.SUMMARY: "the metric is a summary: a quantile is an estimate of its process, which shows "
    "no share within a limit; expose a histogram",
    Gap.NO_TOTAL: 'it has no bucket le="+Inf", which every histogram must have',
    Gap.NOT_CUMULATIVE: "its buckets are not cumulative: more was counted below one edge than "
    "below the next",
    Gap.NOTHING_TIMED: "nothing was timed during the run",
    Gap.NOT_ALL_TIMED: "it timed fewer than were served; correct its selector, or name the step "
    "that it times",
    Gap.UNBOUNDED: "its counts have no upper bound",
}


def expected_words(row: ServerLatencyRow) -> str:
    """As in `at least 95 % within 2.5 s`."""
    least = "all" if row.percentile == MAX_PERCENTILE else f"at least {row.percentile:g} %"
    return f"{least} within {row.limit_s:g} s"


def observed_words(row: ServerLatencyRow) -> str:
    """As in `service 97.40 % of 1,000, prometheus 97.40 % of 1,000; client 95.10 % of 1,000`."""
    shares = ", ".join(f"{name} {_share(row, each)}" for name, each in row.shares.items())
    if row.client_ratio is None:
        return shares or "no witness has it"
    return f"{shares}; client {_percentage(row, row.client_ratio)} of {row.sent:,}"


def _share(row: ServerLatencyRow, share: ServerShare) -> str:
    if share.gap:
        return f"no data ({_gap_words(share, share.gap)})"
    low, high = (_percentage(row, each) for each in share.ratios)
    if share.over_low == share.over_high:
        return f"{low} of {share.count:,}"
    around = "" if share.below_s == share.above_s else f" (edges {_edges_around(share)})"
    return f"between {low} and {high} of {share.count:,}{around}"


def _edges_around(share: ServerShare) -> str:
    above = "infinity" if share.above_s is None else f"{share.above_s:g} s"
    return f"{share.below_s:g} s and {above}"


def _percentage(row: ServerLatencyRow, ratio: float) -> str:
    percentage, limit = decimal_of(ratio).scaleb(2), decimal_of(row.percentile)
    ends = decimal_of(0.0), decimal_of(100.0)
    return f"{percentage:.{digits_apart(percentage, 1, limit, *ends)}f} %"


def remarks(row: ServerLatencyRow) -> Iterator[str]:
    """Yield what the figures leave open, and why."""
    for name, share in row.shares.items():
        if not share.gap and not share.timed.is_exact:
            yield f"{capitalized(name)}: {reason_words(share.timed)}."
    yield from _edge_remark(row)
    yield from _count_remarks(row)
    known = next((each for each in row.shares.values() if not each.gap), None)
    if known is None:
        return
    if not row.judged:
        yield f"{known.over_high:,} of {known.count:,} over: nothing is proven, not judged."
    else:
        proven = "Proven" if row.proven else "Not proven"
        yield f"{proven} with 95 % confidence at {known.count:,} values."


def _gap_words(share: ServerShare, gap: Gap) -> str:
    if share.timed.is_exact or gap is Gap.SUMMARY:
        return GAP_WORDS[gap]
    return reason_words(share.timed)


def _edge_remark(row: ServerLatencyRow) -> Iterator[str]:
    """Report a histogram without an edge at the limit, with those that it has."""
    for name, share in row.shares.items():
        if not share.gap and share.below_s != share.above_s:
            edges = listed([f"{each:g}" for each in share.edges_s[:_MOST_EDGES]])
            more = ", …" if len(share.edges_s) > _MOST_EDGES else ""
            yield (
                f"The histogram has no edge at {row.limit_s:g} s: the limit lies between "
                f"{_edges_around(share)} ({name}). Its edges are "
                f"{edges or 'none'}{more}; add {row.limit_s:g}."
            )
            return


def _count_remarks(row: ServerLatencyRow) -> Iterator[str]:
    """Report what else the histogram counted, and witnesses that counted differently."""
    timed = {name: each.timed for name, each in row.shares.items() if not each.gap}
    if len({each.value for each in timed.values()}) > 1:
        counts = listed([f"{figure_words(each)} by {name}" for name, each in timed.items()])
        yield f"The witnesses differ: timed were {counts}."
    for name, share in row.shares.items():
        if not share.gap and row.step and share.timed.value != share.count:
            yield (
                f"{capitalized(name)} timed {figure_words(share.timed)} in the whole run, of which "
                f"{share.count:,} are judged: what was served of {row.step!r} in the measured "
                "window. The others (warm-up, other phases, refused or without a response, "
                "others' requests) may be on either side of the limit."
            )
            return
