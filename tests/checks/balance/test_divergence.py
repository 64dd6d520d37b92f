"""The rows of a quantity, and the first scrape that shows where Prometheus differs."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from checks.balance.divergence import date_differences
from checks.case import Case, read_case
from checks.result import ClientFigure, UsageRow
from checks.verdict import Verdict
from tests.evidence_factory import (
    BEGIN,
    END,
    GOOD,
    READ_AT,
    TIMED_OUT,
    Load,
    Made,
    anchor,
    settled,
    write_prometheus,
    write_run,
)
from witnesses.figure import Figure, Reason
from witnesses.prometheus.collection import CollectionRecord
from witnesses.prometheus.samples import Sample

SKEW_S = 2.0
LOST_ONE = ((10, 3.0), (20, 3.0))


def case_of(
    place: Path, *tea: tuple[float, float], iterations: Sequence[Sequence[Made]] = (GOOD,) * 4
) -> Case:
    """Write four uses, one a second from BEGIN on, and scrapes of the counter: (after, value)."""
    folder = write_run(place, Load(iterations))
    anchor(folder, BEGIN - SKEW_S)
    samples: list[Sample] = [*settled(0, 0)[:2], *((BEGIN + after, value) for after, value in tea)]
    samples += settled(0, tea[-1][1])[2:]
    collection = CollectionRecord(False, BEGIN, END, READ_AT, SKEW_S, 5.0)
    series = [({"kind": "tea"}, samples), ({"kind": "coffee"}, settled(0, 8))]
    write_prometheus(folder, {"uses": series}, collection=collection)
    return read_case(folder)


def row(kind: str, confirmed: int, prometheus: Figure | float, **changes: Any) -> UsageRow:
    """Make a row that fails."""
    figure = prometheus if isinstance(prometheus, Figure) else Figure.exact(prometheus)
    failing = UsageRow(
        "uses", {"kind": kind}, ClientFigure(confirmed, 0), {"prometheus": figure}, Verdict.FAIL
    )
    return replace(failing, **changes)


def seen_at(after: float) -> datetime:
    """Return the instant of a scrape on our clock, behind which Prometheus' is ahead."""
    return datetime.fromtimestamp(BEGIN + after - SKEW_S, UTC)


def test_a_row_that_differs_is_dated_on_our_clock_and_the_others_stay(tmp_path: Path) -> None:
    tea = row("tea", 4, 3.0)
    coffee = row("coffee", 8, 8.0, verdict=Verdict.PASS)
    dated = date_differences(case_of(tmp_path, *LOST_ONE), [coffee, tea])
    assert dated == [coffee, replace(tea, since=seen_at(10))]


def test_a_scrape_before_the_loss_does_not_date_it(tmp_path: Path) -> None:
    """The last of the four is lost; at 3.5 s, three were there as they should be."""
    case = case_of(tmp_path, (3.5, 3.0), *LOST_ONE)
    assert date_differences(case, [row("tea", 4, 3.0)])[0].since == seen_at(10)


@pytest.mark.parametrize(
    "changes",
    [
        {"verdict": Verdict.INCONCLUSIVE},
        {"verdict": Verdict.PASS},
        {"figures": {"prometheus": Figure.at_least(3.0, Reason.PROCESS_RESTARTED)}},
        {"figures": {"prometheus": Figure.void(Reason.PROMETHEUS_DOWN)}},
        {"figures": {"service": Figure.exact(3.0)}},
        {"client": ClientFigure(3, 1)},
        {"client": ClientFigure(2, 1)},
    ],
)
def test_only_an_exact_figure_that_contradicts_the_client_is_dated(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    case, tea = case_of(tmp_path, *LOST_ONE), row("tea", 4, 3.0)
    assert date_differences(case, [tea])[0].since is not None
    unchanged = replace(tea, **changes)
    assert date_differences(case, [unchanged]) == [unchanged]


def test_a_difference_that_no_scrape_shows_is_not_dated(tmp_path: Path) -> None:
    tea = row("tea", 4, 3.0)
    assert date_differences(case_of(tmp_path, (10, 4.0)), [tea]) == [tea]


def test_a_request_in_doubt_may_be_counted_or_not(tmp_path: Path) -> None:
    """Four are no surprise where the fourth is in doubt; the fifth shows 20 s after the begin."""
    doubtful = (GOOD, GOOD, GOOD, TIMED_OUT)
    case = case_of(tmp_path, (10, 4.0), (20, 5.0), iterations=doubtful)
    tea = row("tea", 3, 5.0, client=ClientFigure(3, 1))
    assert date_differences(case, [tea])[0].since == seen_at(20)


def test_a_request_in_doubt_need_not_be_counted(tmp_path: Path) -> None:
    """Three are enough where the fourth is in doubt: no scrape contradicts the client."""
    doubtful = (GOOD, GOOD, GOOD, TIMED_OUT)
    case = case_of(tmp_path, (10, 3.0), (20, 3.0), iterations=doubtful)
    assert date_differences(case, [row("tea", 4, 3.0)])[0].since is None


def test_rows_of_a_quantity_that_has_none_stay_none(tmp_path: Path) -> None:
    assert date_differences(case_of(tmp_path, *LOST_ONE), []) == []
