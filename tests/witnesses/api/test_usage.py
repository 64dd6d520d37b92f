import json
from pathlib import Path
from typing import Any

import pytest

from tests.usage_apis.metered import TEA, Metered, metered
from tests.usage_apis.server import Headers
from tests.usage_apis.shapes import Asked
from witnesses.api.pick import PickInvalid
from witnesses.api.usage import instant_of
from witnesses.figure import Figure, Reason
from witnesses.model import Moment

_PICK = {"pick": "data[].{kind: kind, value: units}", "get": "/usage", "query": {}}
_ROWS = [{"kind": "tea", "units": 1}, {"kind": "coffee", "units": 2}, {"kind": "tea", "units": 2}]


def _answering(usage: Metered, *answers: Any) -> None:
    """Have the requests answered by these contents in turn, the last one again and again."""
    left = list(answers)

    def instead(_: Asked) -> tuple[int, Any, Headers]:
        return 200, left.pop(0) if len(left) > 1 else left[0], {}

    usage.api.instead.append(instead)


def _figure(place: Path, *answers: Any, **request: Any) -> Figure:
    """Return the figure of a run that began with nothing, and had these pages after it."""
    with metered("lago", place, request={"since": None, **_PICK, **request}) as usage:
        usage.ask(Moment.BEFORE)
        _answering(usage, *answers)
        usage.ask(Moment.AFTER)
        return usage.figure()


def _absolute(place: Path, *answers: Any, **request: Any) -> Figure:
    query = {"tenant": "{{ tenant }}"}
    return _figure(place, *answers, **{"query": query, "absolute": True, **request})


def test_rows_with_the_same_labels_are_added_up_over_all_pages(tmp_path: Path) -> None:
    pages = [{"data": _ROWS[:2], "next": "a"}, {"data": _ROWS[2:], "next": None}]
    paging = {"cursor": "next", "parameter": "cursor"}
    assert _absolute(tmp_path, *pages, paging=paging) == Figure.exact(3.0)


def test_an_absolute_count_needs_no_response_before_the_run(tmp_path: Path) -> None:
    with metered("lago", tmp_path, request={"absolute": True, "since": None}) as usage:
        usage.ask(Moment.BEFORE)
        assert usage.api.asked == []
        usage.use()
        usage.ask(Moment.AFTER)
        assert usage.figure() == Figure.exact(float(TEA))


def test_a_page_that_repeats_its_cursor_is_no_loss_and_no_double_count(tmp_path: Path) -> None:
    paging = {"cursor": "next", "parameter": "cursor"}
    figure = _absolute(tmp_path, {"data": _ROWS, "next": "a"}, paging=paging)
    assert (figure.value, figure.reason) == (None, Reason.USAGE_INCOMPLETE)
    assert "repeats a page" in figure.detail


def test_an_unmet_expectation_is_no_loss(tmp_path: Path) -> None:
    content = {"data": _ROWS[:1], "_shards": {"failed": 1}}
    figure = _absolute(tmp_path, content, expect={"_shards.failed": 0})
    assert figure.reason is Reason.USAGE_INCOMPLETE
    assert "is not complete: _shards.failed is not 0" in figure.detail


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("<html>Sign in</html>", "sent no JSON that is read (text/plain)"),
        ({"error": None}, "pick finds nothing"),
        ({"data": [{"kind": "tea"}]}, "pick finds an object without value"),
        (json.loads("[" * 90 + "]" * 90), "pick does not fit|finds"),
        ("[" * 200 + "]" * 200, "nested deeper than 100 levels"),
    ],
)
def test_what_is_no_counts_is_invalid(tmp_path: Path, content: Any, words: str) -> None:
    figure = _absolute(tmp_path, content)
    assert (figure.value, figure.reason) == (None, Reason.USAGE_INVALID)
    assert any(word in figure.detail for word in words.split("|"))


def test_a_link_is_followed_as_it_is(tmp_path: Path) -> None:
    def instead(asked: Asked) -> tuple[int, Any, Headers]:
        if asked.one("page") == "2":
            return 200, {"data": _ROWS[2:]}, {}
        return 200, {"data": _ROWS[:2]}, {"Link": '</usage?page=2>; rel="next"'}

    request = {**_PICK, "since": None, "paging": {"link": "next"}, "absolute": True,
               "query": {"tenant": "{{ tenant }}"}}  # fmt: skip
    with metered("lago", tmp_path, request=request) as usage:
        usage.api.instead.append(instead)
        usage.run()
        assert usage.figure() == Figure.exact(3.0)
        assert [asked.one("page") for asked in usage.api.asked] == ["", "2"]


def test_a_page_that_fails_names_its_number(tmp_path: Path) -> None:
    def instead(asked: Asked) -> tuple[int, Any, Headers]:
        status = 404 if asked.one("page") == "2" else 200
        return status, {"data": _ROWS, "number": asked.one("page")}, {}

    request = {**_PICK, "since": None, "paging": {"page": "page"}, "absolute": True,
               "query": {"tenant": "{{ tenant }}"}}  # fmt: skip
    with metered("lago", tmp_path, request=request) as usage:
        usage.api.instead.append(instead)
        usage.run()
        assert usage.figure().reason is Reason.USAGE_INCOMPLETE
        assert usage.figure().detail.startswith("page 2 is missing: the API 'lago' responded")
        assert usage.figure().detail.endswith("after the last one, write more in paging")


def test_a_period_that_began_during_the_run_is_no_loss(tmp_path: Path) -> None:
    with metered("lago", tmp_path) as usage:
        usage.use(tea=40)
        usage.ask(Moment.BEFORE)
        usage.use()
        content = {"customer_usage": {"from_datetime": "2062-01-01T00:00:00Z",
                                      "charges_usage": []}}  # fmt: skip
        _answering(usage, content)
        usage.ask(Moment.AFTER)
        assert usage.figure() == Figure.void(Reason.PERIOD_BEGAN)


def test_a_count_that_falls_is_no_loss(tmp_path: Path) -> None:
    with metered("lago", tmp_path) as usage:
        usage.use(tea=40)
        usage.ask(Moment.BEFORE)
        usage.api.events.sent.clear()
        usage.use()
        usage.ask(Moment.AFTER)
        assert usage.figure() == Figure.void(Reason.USAGE_FELL, "40 to 3")


@pytest.mark.parametrize(
    ("written", "at"),
    [
        ("2022-07-01T00:00:00Z", 1_656_633_600.0),
        ("2022-07-01T02:00:00+02:00", 1_656_633_600.0),
        ("2022-07-01T00:00:00", 1_656_633_600.0),
        ("2022-07-01", 1_656_633_600.0),
        (1_656_633_600, 1_656_633_600.0),
        (1_656_633_600_000, 1_656_633_600.0),
    ],
)
def test_a_time_is_read_as_apis_write_it(written: object, at: float) -> None:
    assert instant_of(written) == at


@pytest.mark.parametrize("written", [None, True, "soon", [], {}])
def test_what_is_no_time_is_named(written: object) -> None:
    with pytest.raises(PickInvalid, match="since finds no time"):
        instant_of(written)
