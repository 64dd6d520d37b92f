"""Each documented usage API in each of the cases that a meter can be in; nothing is waited for."""

import json
from pathlib import Path
from typing import Any

import pytest

from checks.result import Code
from checks.verdict import Verdict
from tests.usage_apis.metered import COFFEE, TEA, metered
from tests.usage_apis.server import Headers, Instead
from tests.usage_apis.shapes import SHAPES, Asked
from witnesses.figure import Figure, Reason
from witnesses.model import Moment

pytestmark = pytest.mark.parametrize("name", SHAPES)


def test_what_was_sent_once_is_counted_once(name: str, tmp_path: Path) -> None:
    with metered(name, tmp_path, lag_s=20) as usage:
        usage.run()
        assert (usage.figure("tea"), usage.figure("coffee")) == (
            Figure.exact(float(TEA)),
            Figure.exact(float(COFFEE)),
        )
        assert usage.judged().verdict is Verdict.PASS
        # of what no new tenant has, an earlier run may still be arriving
        watched = [usage.settle_s] if name == "stripe" else []
        assert usage.clock.sleeps == [*watched, usage.settle_s]


def test_what_was_there_before_the_run_is_not_the_runs(name: str, tmp_path: Path) -> None:
    with metered(name, tmp_path) as usage:
        usage.use(tea=7)
        usage.run()
        assert usage.figure("tea") == Figure.exact(float(TEA))


def test_an_event_that_was_lost_is_lost(name: str, tmp_path: Path) -> None:
    with metered(name, tmp_path) as usage:
        usage.run(tea=TEA - 1)
        assert usage.judged().code is Code.LOST_EVENT
        assert usage.judged("coffee", COFFEE).verdict is Verdict.PASS


def test_an_event_that_was_taken_twice_is_double(name: str, tmp_path: Path) -> None:
    with metered(name, tmp_path) as usage:
        usage.run(coffee=COFFEE + 1)
        assert usage.judged("coffee", COFFEE).code is Code.DOUBLE_EVENT


def test_an_event_that_shows_five_seconds_after_it_should_have_settled_is_late(
    name: str, tmp_path: Path
) -> None:
    with metered(name, tmp_path) as usage:
        usage.ask(Moment.BEFORE)
        usage.use(tea=TEA - 1)
        usage.use(tea=1, coffee=0, lag_s=usage.settle_s + 5)
        usage.ask(Moment.AFTER)
        assert usage.judged().code is Code.LOST_EVENT
        usage.clock.sleep(6)
        usage.ask(Moment.AFTER)
        assert usage.figure() == Figure.exact(float(TEA), late=1.0)
        assert usage.judged().code is Code.LATE


def test_a_page_that_fails_once_is_asked_for_again(name: str, tmp_path: Path) -> None:
    with metered(name, tmp_path) as usage:
        usage.ask(Moment.BEFORE)
        usage.use()
        usage.api.instead.append(_failing(1))
        usage.ask(Moment.AFTER)
        assert usage.figure() == Figure.exact(float(TEA))


def test_a_page_that_goes_on_failing_is_no_loss(name: str, tmp_path: Path) -> None:
    with metered(name, tmp_path) as usage:
        usage.ask(Moment.BEFORE)
        usage.use()
        usage.api.instead.append(_failing(99))
        usage.ask(Moment.AFTER)
        row = usage.judged()
        assert row.verdict is Verdict.INCONCLUSIVE
        assert usage.figure().reason in (Reason.API_DOWN, Reason.USAGE_INCOMPLETE)
        assert "status 503" in usage.figure().detail


def test_a_busy_api_is_waited_for_as_long_as_it_asks(name: str, tmp_path: Path) -> None:
    with metered(name, tmp_path) as usage:
        usage.ask(Moment.BEFORE)
        usage.use()
        usage.api.once(429, {"error": "rate limited"}, Retry_After="7")
        usage.ask(Moment.AFTER)
        assert usage.figure() == Figure.exact(float(TEA))
        assert usage.clock.sleeps[-2:] == [usage.settle_s, 7.0]


def test_credentials_that_have_expired_are_the_reason_and_no_loss(
    name: str, tmp_path: Path
) -> None:
    with metered(name, tmp_path) as usage:
        usage.ask(Moment.BEFORE)
        usage.use()
        usage.api.instead.append(lambda _: (401, {"message": "token has expired"}, {}))
        usage.ask(Moment.AFTER)
        assert usage.figure().reason is Reason.API_REFUSED
        assert "token has expired; renew the credentials" in usage.figure().detail
        assert usage.judged().verdict is Verdict.INCONCLUSIVE


def test_the_evidence_has_the_rows_and_judges_the_same_again(name: str, tmp_path: Path) -> None:
    with metered(name, tmp_path) as usage:
        usage.run()
    content = json.loads((usage.folder.witnesses / "api" / "after.json").read_text())
    result = content["results"]["calls"][name]
    assert result["rows"]
    assert result["asked_at"] >= content["begun_at"]
    assert usage.figure() == Figure.exact(float(TEA))


def _failing(times: int) -> Instead:
    """Have a request fail so often: the second page of what has pages, else the only response."""
    left = [times]

    def instead(asked: Asked) -> tuple[int, Any, Headers] | None:
        is_first_of_pages = "limit" in asked.query and "starting_after" not in asked.query
        if is_first_of_pages or not left[0]:
            return None
        left[0] -= 1
        return 503, "unavailable", {}

    return instead
