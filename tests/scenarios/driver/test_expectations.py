"""What is expected and saved of a response: statuses, headers, text, JSON and its schema."""

import json
from typing import Any

import pytest
from msgspec.structs import replace

from config.redaction import Secrets
from scenarios.driver.expectations import check_response
from scenarios.driver.flow import Flow
from scenarios.driver.flow_compiler import compile_flow
from scenarios.http.messages import Response
from scenarios.language.model import Scenario
from tests.scenarios.shop_scenario import ENVIRONMENT

OPENAPI = b"""
openapi: %s
info: {title: shop, version: 2020-01-01}
paths: {/orders: {get: {responses: {200: {description: ok}}}}}
components:
  schemas:
    Order:
      type: object
      required: [id, price]
      properties:
        id: {type: integer}
        price: {$ref: '#/components/schemas/Price'}
        note: {type: string, nullable: true}
    Price: {type: number, minimum: 0, exclusiveMinimum: %s}
"""
OLD, NEW = OPENAPI % (b"3.0.3", b"true"), OPENAPI % (b"3.1.0", b"0")
ORDER = "openapi.yaml#/components/schemas/Order"


def flow_of(files: dict[str, bytes] | None = None, **step: Any) -> Flow:
    first = {"step": "first", "request": "POST shop /", **step}
    profiles = {"once": {"users": 1, "iterations": 1}}
    document = {"scenario": "s", "flow": [first], "profiles": profiles}
    scenario = Scenario.model_validate(document)
    return compile_flow(scenario, ENVIRONMENT, "r", "t", Secrets(), files=files or {})


def answer(status: int = 200, body: bytes = b"{}", *headers: str) -> Response:
    head = "".join(f"{line}\r\n" for line in ("HTTP/1.1 200 OK", *headers))
    return Response(status, body, "", head.encode("latin-1"))


def checked(flow: Flow, response: Response) -> tuple[str, dict[str, Any]]:
    variables: dict[str, Any] = {"unique": "u-1"}
    reason = check_response(flow, flow.steps[0], response, variables)
    del variables["unique"]
    return reason.text if reason else "", variables


def reason_of(expect: dict[str, Any], response: Response, **files: bytes) -> str:
    contents = {name.replace("_", "."): content for name, content in files.items()}
    return checked(flow_of(contents, expect=expect), response)[0]


@pytest.mark.parametrize(
    ("expected", "accepted", "refused", "words"),
    [
        (200, {200}, {201, 404}, "200"),
        ([200, 201], {200, 201}, {202, 500}, "200 or 201"),
        ("2xx", {200, 204, 299}, {199, 300, 500}, "2xx"),
        (["2xx", 404, "5xx"], {200, 404, 503}, {400, 302}, "2xx or 404 or 5xx"),
    ],
)
def test_a_status_is_one_of_those_expected(
    expected: Any, accepted: set[int], refused: set[int], words: str
) -> None:
    for status in accepted:
        assert reason_of({"status": expected}, answer(status)) == ""
    for status in refused:
        assert reason_of({"status": expected}, answer(status)) == (
            f"status {status}, expected {words}"
        )


@pytest.mark.parametrize(
    ("expected", "headers", "reason"),
    [
        ("false", ["x-partial: false"], ""),
        ("false", ["X-Partial: true"], 'the header X-Partial is "true", expected "false"'),
        ("false", [], "the header X-Partial is missing"),
        ("a, b", ["X-Partial: a", "x-partial:  b "], ""),
        ("{{ unique }}", ["X-Partial: u-1"], ""),
        (None, [], ""),
        (None, ["x-partial: "], 'the header X-Partial is "", expected none'),
        ({"contains": "als"}, ["X-Partial: FALSE, false"], ""),
        ({"contains": "als"}, ["X-Partial: FALSE"], 'the header X-Partial does not contain "als"'),
        ({"matches": "^f.*e$"}, ["X-Partial: fine"], ""),
        ({"matches": "^f.*e$"}, ["X-Partial: off"],
         "the header X-Partial does not match '^f.*e$'"),
        ({"contains": "a", "matches": "b"}, ["X-Partial: a"],
         "the header X-Partial does not match 'b'"),
    ],
)  # fmt: skip
def test_a_header_is_as_expected(expected: Any, headers: list[str], reason: str) -> None:
    response = answer(200, b"", "Server: x", *headers)
    assert reason_of({"headers": {"X-Partial": expected}}, response) == reason


@pytest.mark.parametrize(
    ("expected", "body", "reason"),
    [
        ("Grüße {{ unique }}", "<p>Grüße u-1</p>".encode(), ""),
        ("Grüße", b"<p>no</p>", 'the body does not contain "Grüße"'),
        ({"matches": "total: [0-9]+"}, b"total: 7", ""),
        ({"matches": "total: [0-9]+"}, b"total: x", "the body does not match 'total: [0-9]+'"),
        ({"equals": "ok"}, b"ok", ""),
        ({"equals": "ok"}, b"okay", 'the body is "okay", expected "ok"'),
        ("\ufffd", b"\xff", ""),
    ],
)
def test_a_text_is_as_expected(expected: Any, body: bytes, reason: str) -> None:
    assert reason_of({"text": expected}, answer(200, body)) == reason


def test_a_text_is_read_in_the_charset_of_its_type() -> None:
    for charset in ("ISO-8859-1", '"latin1"'):
        response = answer(
            200, "Grüße".encode("latin-1"), f"Content-Type: text/x; charset={charset}"
        )
        assert reason_of({"text": "Grüße"}, response) == ""
    unknown = answer(200, "Grüße".encode(), "Content-Type: text/x; charset=klingon")
    assert reason_of({"text": "Grüße"}, unknown) == ""


@pytest.mark.core
@pytest.mark.long
def test_a_pattern_that_would_take_forever_fails_the_exchange() -> None:
    reason = reason_of({"text": {"matches": r"(x+x+)+y"}}, answer(200, b"x" * 500))
    # the package sometimes finds out without trying everything
    assert "takes over 1 s on the body; simplify it" in reason or "does not match" in reason


@pytest.mark.parametrize(
    ("path", "body", "is_well"),
    [
        ("usage.total > `0`", {"usage": {"total": 1}}, True),
        ("usage.total > `0`", {"usage": {"total": 0}}, False),
        ("length(items) == `2` && items[0].id != `null`", {"items": [{"id": 1}, 2]}, True),
    ],
)
def test_a_comparison_is_an_expression_that_is_true(path: str, body: Any, is_well: bool) -> None:
    reason = reason_of({"json": {path: True}}, answer(200, json.dumps(body).encode()))
    assert (reason == "") == is_well


@pytest.mark.parametrize("document", [OLD, NEW])
def test_a_body_fits_the_schema_of_an_openapi_document(document: bytes) -> None:
    def reason(body: Any) -> str:
        response = answer(200, json.dumps(body).encode())
        return reason_of({"schema": ORDER}, response, openapi_yaml=document)

    assert reason({"id": 1, "price": 0.5}) == ""
    assert (
        reason({"id": 1}) == 'the body does not fit its schema: $: "price" is a required property'
    )
    assert reason({"id": 1, "price": 0}).startswith("the body does not fit its schema: $.price: 0 ")
    assert reason({"id": 1, "price": 1, "note": 5}) != ""


def test_null_is_allowed_as_the_version_of_openapi_says() -> None:
    response = answer(200, b'{"id": 1, "price": 1, "note": null}')
    assert reason_of({"schema": ORDER}, response, openapi_yaml=OLD) == ""
    assert reason_of({"schema": ORDER}, response, openapi_yaml=NEW) != ""


def test_a_schema_may_be_written_in_the_scenario_or_be_a_whole_file() -> None:
    schema = {"type": "array", "items": {"type": "string", "maxLength": 2}}
    for expect in ({"schema": schema}, {"schema": "names.json"}):
        file = json.dumps(schema).encode()
        assert reason_of(expect, answer(200, b'["a"]'), names_json=file) == ""
        reason = reason_of(expect, answer(200, b'["a", "long"]'), names_json=file)
        assert reason.startswith("the body does not fit its schema: $[1]: ")
        assert reason_of(expect, answer(200, b"<p>"), names_json=file).startswith("not JSON")


def test_values_are_saved_from_json_headers_cookies_and_text() -> None:
    save = {
        "job": "id", "tag": {"header": "etag"}, "session": {"cookie": "sid"},
        "csrf": {"text": 'name="csrf" value="([^"]+)"'}, "all": {"json": "@"},
    }  # fmt: skip
    body = b'{"id": 7, "html": "name=\\"csrf\\"", "x": 1}'
    cookies = ("Set-Cookie: other=1", "set-cookie: sid=Ab=C; Path=/; HttpOnly")
    json_only = {name: save[name] for name in ("job", "all")}
    got = checked(flow_of(save=json_only), answer(200, body, 'ETag: W/"1"', *cookies))[1]
    assert got == {"job": 7, "all": json.loads(body)}
    others = {name: save[name] for name in ("tag", "session", "csrf")}
    page = b'<input name="csrf" value="x&amp;1">'
    got = checked(flow_of(save=others), answer(200, page, 'ETag: W/"1"', *cookies))[1]
    assert got == {"tag": 'W/"1"', "session": "Ab=C", "csrf": "x&amp;1"}


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ({"header": "ETag"}, "the response has no header ETag"),
        ({"cookie": "sid"}, "the response sets no cookie 'sid'"),
        ({"text": "id=(.*)"}, "the body does not match 'id=(.*)'"),
        ({"json": "id"}, "the response has no id"),
    ],
)
def test_a_value_that_is_not_there_fails_the_exchange(source: dict[str, str], reason: str) -> None:
    assert checked(flow_of(save={"x": source}), answer(200, b"{}", "X: y"))[0] == reason


def test_cookies_and_headers_named_like_secrets_are_redacted() -> None:
    save = {"a": {"cookie": "sid"}, "b": {"header": "Authorization"}, "c": {"header": "ETag"}}
    flow = flow_of(save=save)
    response = answer(
        200, b"", "Set-Cookie: sid=c00kie-value", "Authorization: t0ken-value", "ETag: tag-value"
    )
    assert checked(flow, response)[0] == ""
    assert set(flow.secrets) == {"c00kie-value", "t0ken-value"}


def test_a_secret_is_redacted_where_the_response_that_brings_it_is_not_as_expected() -> None:
    expect = {"headers": {"X-Echo": "none"}}
    flow = flow_of(expect=expect, save={"a": {"cookie": "sid"}})
    response = answer(200, b"", "Set-Cookie: sid=c00kie-value", "X-Echo: c00kie-value")
    assert checked(flow, response)[0] == 'the header X-Echo is "***", expected "none"'


@pytest.mark.parametrize(
    ("location", "saved"),
    [
        ("7", "/v2/orders/7"), ("?page=2:3", "/v2/orders/new?page=2:3"), ("../x", "/v2/x"),
        ("/x", "/x"), ("https://a.example/x", "https://a.example/x"), ("//a/x", "//a/x"),
    ],
)  # fmt: skip
def test_a_relative_location_is_resolved_against_its_request(location: str, saved: str) -> None:
    flow = flow_of(save={"next": {"header": "location"}})
    variables: dict[str, Any] = {}
    response = replace(answer(200, b"", f"Location: {location}"), target="/v2/orders/new?a=b")
    assert check_response(flow, flow.steps[0], response, variables) is None
    assert variables["next"] == saved


@pytest.mark.parametrize(
    "location", ["http://[::1", "//[", "http://shop\uff0fevil/", "http://a:b/"]
)
def test_a_location_that_is_no_url_is_saved_as_it_is(location: str) -> None:
    head = f"HTTP/1.1 302 Found\r\nLocation: {location}\r\n".encode()
    flow = flow_of(save={"next": {"header": "location"}})
    variables: dict[str, Any] = {}
    assert check_response(flow, flow.steps[0], Response(200, b"", "", head), variables) is None
    assert variables["next"] == location


@pytest.mark.parametrize(
    "source", [{"json": "id"}, {"header": "X-Id"}, {"cookie": "id"}, {"text": "id=([0-9]+)"}]
)
def test_a_default_is_saved_of_a_response_that_lacks_the_value(source: dict[str, str]) -> None:
    save = {"x": {**source, "default": 0}}
    body = b'{"id": "7", "note": "id=7"}'
    has_value = answer(200, body, "X-Id: 7", "Set-Cookie: id=7")
    assert checked(flow_of(save=save), has_value) == ("", {"x": "7"})
    assert checked(flow_of(save=save), answer(200, b"{}")) == ("", {"x": 0})
