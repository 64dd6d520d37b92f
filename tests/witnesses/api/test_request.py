import json
from typing import Any

import pytest

from scenarios.language.apis import ApiRequest
from scenarios.language.templates import TemplateError
from witnesses.api.request import (
    CLOCK_MARGIN_S,
    Parameter,
    SentRequest,
    render_request,
    run_members,
)

_BEGUN, _ASKED = 1_764_000_075.25, 1_764_000_100.75
_VARIABLES = {"tenant": "R&D/1", "run": run_members(_BEGUN, _ASKED, 1.0), "kind": "tea"}


def _rendered(page: Parameter | None = None, **keys: Any) -> SentRequest:
    request = ApiRequest.model_validate({"pick": "v", **keys})
    return render_request(request, _VARIABLES, page)


@pytest.mark.parametrize("align_s", [0.25, 1.0, 60.0, 3_600.0, 86_400.0])
def test_the_window_holds_the_run_with_its_margins_in_whole_multiples(align_s: float) -> None:
    run = run_members(_BEGUN, _ASKED, align_s)
    assert run["begun_s"] <= _BEGUN - CLOCK_MARGIN_S < run["begun_s"] + align_s
    assert run["ended_s"] - align_s < _ASKED + CLOCK_MARGIN_S <= run["ended_s"]
    assert run["begun_s"] % align_s == run["ended_s"] % align_s == 0
    assert run["length_s"] == run["ended_s"] - run["begun_s"]


def test_an_instant_is_the_same_in_every_unit() -> None:
    run = run_members(_BEGUN, _ASKED, 0.5)
    assert (run["begun"], run["begun_s"]) == ("2025-11-24T16:00:15Z", 1_764_000_015)
    assert (run["ended"], run["ended_s"]) == ("2025-11-24T16:02:41Z", 1_764_000_161)
    assert (run["begun_ms"], run["begun_ns"]) == (1_764_000_015_000, 1_764_000_015_000_000_000)
    assert run_members(0.25, 0.25, 0.25)["begun"] == "1969-12-31T23:59:00.250000Z"


def test_values_are_encoded_for_their_place() -> None:
    sent = _rendered(get="/u/{{ tenant }}", query={"t": "{{ tenant }}", "k": ["a b", "{{ kind }}"]})
    assert sent == SentRequest("GET", "/u/R%26D%2F1?t=R%26D%2F1&k=a%20b&k=tea", {}, None)


def test_a_query_follows_that_of_the_path() -> None:
    assert _rendered(get="/u?a=1", query={"b": 2}).target == "/u?a=1&b=2"


def test_a_body_has_its_type() -> None:
    sent = _rendered(post="/u", json={"n": "{{ run.begun_s }}", "t": ["{{ tenant }}"]})
    assert json.loads(sent.body or b"") == {"n": 1_764_000_015, "t": ["R&D/1"]}
    assert sent.headers["Content-Type"] == "application/json"
    form = _rendered(post="/u", form={"t": "{{ tenant }}", "ids": [1, 2]})
    assert form.body == b"t=R%26D%2F1&ids=1&ids=2"
    assert form.headers["Content-Type"] == "application/x-www-form-urlencoded"


def test_a_header_may_have_the_tenant() -> None:
    assert _rendered(get="/u", headers={"X-Tenant": "{{ tenant }}"}).headers["X-Tenant"] == "R&D/1"


@pytest.mark.parametrize(
    ("keys", "target", "body"),
    [
        ({"get": "/u", "query": {"limit": 2}}, "/u?limit=2&after=c%2F1", None),
        ({"get": "/u", "query": {"after": "a"}}, "/u?after=c%2F1", None),
        ({"post": "/u", "json": {"size": 2}}, "/u", b'{"size":2,"after":"c/1"}'),
        ({"post": "/u", "form": {"size": 2}}, "/u", b"size=2&after=c%2F1"),
        ({"post": "/u"}, "/u?after=c%2F1", None),
    ],
)
def test_the_parameter_of_a_page_is_where_the_others_are(
    keys: dict[str, Any], target: str, body: bytes | None
) -> None:
    sent = _rendered(Parameter("after", "c/1"), **keys)
    assert (sent.target, sent.body) == (target, body)


def test_a_header_of_no_value_is_an_error() -> None:
    with pytest.raises(TemplateError, match="a value is null"):
        _rendered(get="/u", headers={"X-Tenant": "{{ none }}"})


def test_the_parameter_of_a_page_is_in_the_query_where_that_is_asked_for() -> None:
    sent = _rendered(Parameter("after", "c", in_query=True), post="/u", json={"size": 2})
    assert (sent.target, sent.body) == ("/u?after=c", b'{"size":2}')


def test_a_cursor_that_looks_like_a_template_is_none() -> None:
    target = _rendered(Parameter("after", "{{ tenant }}"), get="/u").target
    assert target == "/u?after=%7B%7B%20tenant%20%7D%7D"


def test_a_parameter_may_be_a_member_of_a_member() -> None:
    document = {"aggs": {"kinds": {"composite": {"size": 2}}}}
    page = Parameter("aggs.kinds.composite.after", {"kind": "tea"})
    sent = json.loads(_rendered(page, post="/u", json=document).body or b"")
    assert sent["aggs"]["kinds"]["composite"] == {"size": 2, "after": {"kind": "tea"}}
    assert document == {"aggs": {"kinds": {"composite": {"size": 2}}}}


def test_a_member_of_what_is_no_mapping_is_an_error() -> None:
    with pytest.raises(TemplateError, match=r"no place for a\.b"):
        _rendered(Parameter("a.b", 1), post="/u", json={"a": 1})


def test_a_value_that_would_lead_out_of_the_path_is_an_error() -> None:
    request = ApiRequest.model_validate({"pick": "v", "get": "/u/{{ tenant }}/usage"})
    with pytest.raises(TemplateError, match="lead out of the path"):
        render_request(request, {"tenant": ".."})


@pytest.mark.parametrize(
    ("method", "place"), [("get", "query"), ("post", "form"), ("post", "json")]
)
def test_a_value_that_has_no_encoding_is_an_error(method: str, place: str) -> None:
    written = {"pick": "v", method: "/u", place: {"k": "{{ kind }}"}}
    request = ApiRequest.model_validate(written)
    with pytest.raises(TemplateError, match="cannot be encoded"):
        render_request(request, {"kind": "\ud800"})
