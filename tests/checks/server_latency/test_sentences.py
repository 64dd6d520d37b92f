"""The words of a limit on a histogram."""

from dataclasses import replace

import pytest

from checks.server_latency.sentences import GAP_WORDS, expected_words, observed_words, remarks
from checks.service_levels import Gap, ServerLatencyRow, ServerShare
from checks.verdict import Verdict
from witnesses.figure import Figure, Reason

SHARE = ServerShare(Figure.exact(1000), 1000, 26, 26, 2.5, 2.5, (0.5, 2.5))
ROW = ServerLatencyRow(
    "use", "took_seconds", "use", {}, 95.0, 2.5, {"service": SHARE}, 0.951, 1000, Verdict.PASS,
    proven=True,
)  # fmt: skip


def with_share(share: ServerShare) -> ServerLatencyRow:
    return replace(ROW, shares={"service": share})


def test_the_shares_of_witness_and_client_stand_side_by_side() -> None:
    assert expected_words(ROW) == "at least 95 % within 2.5 s"
    assert observed_words(ROW) == "service 97.4 % of 1,000; client 95.1 % of 1,000"
    assert list(remarks(ROW)) == ["Proven with 95 % confidence at 1,000 values."]


def test_a_share_is_never_printed_on_the_wrong_side_of_its_limit() -> None:
    nearly = replace(SHARE, timed=Figure.exact(100_000), count=100_000, over_low=5_001,
                     over_high=5_001)  # fmt: skip
    assert observed_words(with_share(nearly)).startswith("service 94.999 % of 100,000;")


def test_a_range_names_both_ends() -> None:
    between = replace(SHARE, over_low=26, over_high=69, below_s=1.0, above_s=5.0)
    assert observed_words(with_share(between)).startswith(
        "service between 93.1 % and 97.4 % of 1,000 (edges 1 s and 5 s);"
    )


def test_an_edge_beyond_the_last_is_infinity() -> None:
    beyond = replace(SHARE, below_s=2.0, above_s=None, edges_s=(1.0, 2.0))
    assert next(remarks(with_share(beyond))) == (
        "The histogram has no edge at 2.5 s: the limit lies between 2 s and infinity (service). "
        "Its edges are 1 and 2; add 2.5."
    )


def test_a_figure_in_doubt_has_its_reason() -> None:
    doubtful = replace(SHARE, timed=Figure.at_least(1000, Reason.PROCESS_RESTARTED))
    assert next(remarks(with_share(doubtful))).startswith("Service: its process was restarted")


@pytest.mark.parametrize("gap", Gap)
def test_each_gap_has_words(gap: Gap) -> None:
    nothing = with_share(ServerShare(Figure.exact(0), gap=gap))
    assert observed_words(nothing).startswith(f"service no data ({GAP_WORDS[gap]});")
    assert list(remarks(nothing)) == []


def test_witnesses_that_timed_differently_are_named() -> None:
    fewer = replace(SHARE, timed=Figure.exact(998), count=998)
    row = replace(ROW, step=None, shares={"service": SHARE, "prometheus": fewer})
    assert "The witnesses differ: timed were 1,000 by service and 998 by prometheus." in list(
        remarks(row)
    )
