"""Further ways in which usage APIs page: each row on a page of its own, and one missing."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from checks.result import Code
from checks.verdict import Verdict
from tests.usage_apis.metered import TEA, Metered, metered
from tests.usage_apis.server import Headers
from tests.usage_apis.shapes import Asked
from witnesses.figure import Figure, Reason
from witnesses.model import Moment

Rows = list[tuple[str, int]]
Answer = tuple[int, Any, Headers]


def _by_cursor_in_the_query(asked: Asked, rows: Rows) -> Answer:
    """Respond as Metronome does: the cursor is in the query of a POST with JSON."""
    assert json.loads(asked.body)["window_size"] == "none"
    at = int(asked.one("next_page", "0"))
    following = str(at + 1) if at + 1 < len(rows) else None
    data = [{"kind": kind, "value": units} for kind, units in rows[at : at + 1]]
    return 200, {"data": data, "next_page": following}, {}


def _by_address(asked: Asked, rows: Rows) -> Answer:
    """Respond as the Django REST framework does, with the address of the next page."""
    at = int(asked.one("page", "1")) - 1
    following = f"/usage?page={at + 2}" if at + 1 < len(rows) else None
    results = [{"kind": kind, "value": units} for kind, units in rows[at : at + 1]]
    return 200, {"count": len(rows), "next": following, "previous": None, "results": results}, {}


def _by_offset(asked: Asked, rows: Rows) -> Answer:
    """Respond with an offset and a limit."""
    at = int(asked.one("offset"))
    return 200, {"items": [{"kind": k, "value": n} for k, n in rows[at : at + 1]], "offset": at}, {}


def _by_key_in_the_body(asked: Asked, rows: Rows) -> Answer:
    """Respond as Elasticsearch does to a composite aggregation, whose key stands deep in it."""
    composite = json.loads(asked.body)["aggs"]["kinds"]["composite"]
    kinds = [kind for kind, _ in rows]
    after = composite.get("after", {}).get("kind")
    at = kinds.index(after) + 1 if after else 0
    buckets = [{"key": {"kind": kind}, "doc_count": n} for kind, n in rows[at : at + 1]]
    kinds_found: dict[str, Any] = {"buckets": buckets}
    if buckets:
        kinds_found["after_key"] = buckets[-1]["key"]
    return 200, {"timed_out": False, "aggregations": {"kinds": kinds_found}}, {}


def _by_link(asked: Asked, rows: Rows) -> Answer:
    """Respond as GitHub does, with a Link header."""
    at = int(asked.one("page", "1")) - 1
    links = [f'</usage?page={at + 2}>; rel="next"'] if at + 1 < len(rows) else []
    links.append('</usage?page=1>; rel="first"')
    items = [{"sku": kind, "quantity": units} for kind, units in rows[at : at + 1]]
    return 200, {"usageItems": items}, {"Link": ", ".join(links)}


def _with_text(asked: Asked, rows: Rows) -> Answer:
    """Respond as Flexprice does: one value of one customer and meter, as text."""
    kind = json.loads(asked.body)["meter_id"]
    return 200, {"meter_id": kind, "total_value": f"{dict(rows).get(kind, 0)}.0000"}, {}


@dataclass(frozen=True)
class Shape:
    """How an API responds, and the request for it."""

    respond: Callable[[Asked, Rows], Answer]
    request: Mapping[str, Any]


_PICK = "{kind: kind, value: value}"
SHAPES = {
    "cursor in the query": Shape(_by_cursor_in_the_query, {
        "post": "/v1/usage", "json": {"window_size": "none", "starting_on": "{{ run.begun }}"},
        "pick": f"data[].{_PICK}",
        "paging": {"cursor": "next_page", "parameter": "next_page", "in": "query"}}),
    "address": Shape(_by_address, {
        "get": "/usage", "pick": f"results[].{_PICK}",
        "paging": {"url": "next", "total": "count"}}),
    "offset": Shape(_by_offset, {
        "get": "/usage", "query": {"limit": 1}, "pick": f"items[].{_PICK}",
        "paging": {"page": "offset", "first": 0, "step": 1}}),
    "key in the body": Shape(_by_key_in_the_body, {
        "post": "/usage/_search",
        "json": {"size": 0, "aggs": {"kinds": {"composite": {"size": 1}}}},
        "pick": "aggregations.kinds.buckets[].{kind: key.kind, value: doc_count}",
        "expect": {"timed_out": False},
        "paging": {"cursor": "aggregations.kinds.after_key",
                   "parameter": "aggs.kinds.composite.after"}}),
    "link": Shape(_by_link, {
        "get": "/usage", "pick": "usageItems[].{kind: sku, value: quantity}",
        "paging": {"link": "next"}}),
    "text": Shape(_with_text, {
        "post": "/meter-usage/query", "each": {"kind": ["milk", "coffee", "tea"]},
        "json": {"meter_id": "{{ kind }}", "start_time": "{{ run.begun }}"},
        "pick": "total_value"}),
}  # fmt: skip
_NONE: dict[str, Any] = {"get": None, "query": {}, "since": None, "settle": "30s"}


@pytest.fixture(params=SHAPES)
def shape(request: pytest.FixtureRequest) -> Shape:
    return SHAPES[request.param]


def _meter(usage: Metered, shape: Shape) -> None:
    usage.api.instead.append(
        lambda asked: shape.respond(asked, sorted(usage.api.events.usage("acme").items()))
    )


def _ran(place: Path, shape: Shape, tea: int = TEA, *, fails: int = 0) -> tuple[Metered, Figure]:
    """Return what was reported of a run in which a later request failed so often."""
    with metered("lago", place, request={**_NONE, **shape.request}) as usage:
        left, asked_before = [fails], [10_000]

        def fail(_: Asked) -> Answer | None:
            if len(usage.api.asked) <= asked_before[0] + 1 or not left[0]:
                return None
            left[0] -= 1
            return 502, "bad gateway", {}

        usage.api.instead.append(fail)
        _meter(usage, shape)
        usage.api.events.send("milk", 7)
        usage.ask(Moment.BEFORE)
        usage.use(tea)
        asked_before[0] = len(usage.api.asked)
        usage.ask(Moment.AFTER)
        return usage, usage.figure()


def test_what_was_sent_once_is_counted_once_on_all_pages(shape: Shape, tmp_path: Path) -> None:
    usage, figure = _ran(tmp_path, shape)
    assert figure == Figure.exact(float(TEA))
    assert usage.figure("milk") == Figure.exact(0.0)
    assert usage.judged().verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("tea", "code"), [(TEA - 1, Code.LOST_EVENT), (TEA + 1, Code.DOUBLE_EVENT)]
)
def test_a_loss_and_a_double_are_found_on_whatever_page(
    shape: Shape, tmp_path: Path, tea: int, code: Code
) -> None:
    usage, _ = _ran(tmp_path, shape, tea)
    assert usage.judged().code is code


def test_a_page_that_fails_once_is_whole_when_it_is_asked_again(
    shape: Shape, tmp_path: Path
) -> None:
    assert _ran(tmp_path, shape, fails=1)[1] == Figure.exact(float(TEA))


def test_a_page_that_goes_on_failing_is_missing_and_no_loss(shape: Shape, tmp_path: Path) -> None:
    usage, figure = _ran(tmp_path, shape, fails=99)
    assert figure.reason in (Reason.USAGE_INCOMPLETE, Reason.API_DOWN)
    assert usage.judged().verdict is Verdict.INCONCLUSIVE
