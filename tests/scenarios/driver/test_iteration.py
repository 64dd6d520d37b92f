"""One iteration through a flow: its requests, its comparisons, and what is recorded."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from config.environment import read_environment
from scenarios.driver.flow import Flow
from scenarios.driver.flow_compiler import compile_flow
from scenarios.driver.iteration import run_iteration
from scenarios.evidence.exchange import Exchange, Outcome
from scenarios.evidence.recording import Recording
from scenarios.evidence.recording_reader import read_recording
from scenarios.http.cookies import CookieJar
from scenarios.http.messages import NotSent, Request, Response, ResponseLost
from scenarios.language.model import Scenario
from tests.scenarios.shop_scenario import (
    CREATED,
    ENVIRONMENT,
    FOUND,
    Script,
    answered,
    good_scenario,
    recorder,
)


def flow_of(scenario: Scenario) -> Flow:
    return compile_flow(scenario, ENVIRONMENT, "run-1", "tenant-1")


def one_step(**step: Any) -> Flow:
    """Compile a flow of one step, and a second one that shows that it was reached."""
    first = {"step": "first", "request": "POST shop /first", **step}
    second = {"step": "second", "request": "GET shop /second"}
    profiles = {"once": {"users": 1, "iterations": 1}}
    document = {"scenario": "s", "flow": [first, second], "profiles": profiles}
    return flow_of(Scenario.model_validate(document))


def headers_of(request: Request) -> dict[str, str]:
    return dict([*request.template.headers, *request.headers])


def drive(folder: Path, flow: Flow, script: Script) -> Recording:
    path = folder / "01-once.jsonl"
    with recorder(path, steps=flow.step_names) as opened:
        run_iteration(flow, 1, 50.0, script, opened)
    recording = read_recording(path)
    assert recording is not None
    return recording


def first_of(folder: Path, flow: Flow, response: Response | BaseException) -> Exchange:
    """Drive a flow that must end at its first step; return that exchange."""
    script = Script(response, FOUND)
    recording = drive(folder, flow, script)
    assert len(recording.exchanges) == 1
    return recording.exchanges.first()


def test_each_request_is_that_of_its_step(tmp_path: Path) -> None:
    script = Script(CREATED, FOUND)
    drive(tmp_path, flow_of(good_scenario(tmp_path)), script)
    create, read = script.requests
    assert (create.template.method, create.url) == ("POST", "http://shop.example/orders")
    assert create.body == b'{"owner":"run-1-01-once-1"}'
    assert create.template.timeout_s == 10.0
    assert (read.template.method, read.url, read.body) == (
        "GET",
        "http://shop.example/orders/7",
        None,
    )


def test_each_request_carries_its_run_and_sequence(tmp_path: Path) -> None:
    script = Script(CREATED, FOUND)
    drive(tmp_path, flow_of(good_scenario(tmp_path)), script)
    assert [each.trace for each in script.requests] == [
        "run-1-01-once-1",
        "run-1-01-once-2",
    ]


def test_each_request_carries_the_environments_headers(tmp_path: Path) -> None:
    script = Script(CREATED, FOUND)
    drive(tmp_path, flow_of(good_scenario(tmp_path)), script)
    assert [headers_of(each)["X-Tenant-ID"] for each in script.requests] == ["tenant-1", "tenant-1"]


def test_a_header_of_a_step_replaces_that_of_the_environment(tmp_path: Path) -> None:
    script = Script(FOUND, FOUND)
    drive(tmp_path, one_step(headers={"X-Tenant-ID": "other", "X-Run": "{{ run }}"}), script)
    first, second = map(headers_of, script.requests)
    assert (first["X-Tenant-ID"], first["X-Run"]) == ("other", "run-1")
    assert (second["X-Tenant-ID"], "X-Run" in second) == ("tenant-1", False)


@pytest.mark.parametrize("name", ["X-Trace-ID", "x-trace-id", "Content-Length", "Upgrade"])
def test_a_scenario_cannot_set_a_header_of_the_client(name: str) -> None:
    with pytest.raises(ValidationError, match="the client itself says this"):
        one_step(headers={name: "mine"})


def test_the_intent_is_recorded_before_the_request_is_sent(tmp_path: Path) -> None:
    path = tmp_path / "01-once.jsonl"
    seen: list[list[Outcome]] = []

    class Watching(Script):
        def send(self, request: Any) -> Response:
            recording = read_recording(path)
            seen.append([each.outcome for each in recording.exchanges] if recording else [])
            return super().send(request)

    drive(tmp_path, flow_of(good_scenario(tmp_path)), Watching(CREATED, FOUND))
    assert seen == [[Outcome.UNKNOWN], [Outcome.OK, Outcome.UNKNOWN]]


def test_a_step_is_due_when_the_one_before_it_is_done(tmp_path: Path) -> None:
    recording = drive(tmp_path, flow_of(good_scenario(tmp_path)), Script(CREATED, FOUND))
    create, read = recording.exchanges
    assert create.due_s == 50.0
    assert read.due_s == create.done_s
    assert create.due_s < create.sent_s < create.done_s < read.sent_s < read.done_s
    assert create.response_s == create.done_s - 50.0


def test_an_iteration_returns_whether_every_step_was_ok(tmp_path: Path) -> None:
    flow = flow_of(good_scenario(tmp_path))
    with recorder(tmp_path / "good.jsonl") as opened:
        assert run_iteration(flow, 1, 0.0, Script(CREATED, FOUND), opened) is True
        assert run_iteration(flow, 2, 0.0, Script(CREATED, NotSent("no")), opened) is False


def test_an_iteration_has_no_variable_that_another_saved(tmp_path: Path) -> None:
    flow = flow_of(good_scenario(tmp_path))
    other = answered(201, "application/json", b'{"state": "done", "id": 8}')
    script = Script(CREATED, FOUND, other, FOUND)
    with recorder(tmp_path / "a.jsonl") as opened:
        run_iteration(flow, 1, 0.0, script, opened)
        run_iteration(flow, 2, 0.0, script, opened)
    assert [each.url[-9:] for each in script.requests[1::2]] == ["/orders/7", "/orders/8"]
    assert script.requests[2].body == b'{"owner":"run-1-01-once-2"}'


@pytest.mark.parametrize(
    ("error", "outcome"),
    [(NotSent("refused"), Outcome.NOT_SENT), (ResponseLost("refused"), Outcome.UNKNOWN)],
)
def test_a_request_without_a_response_ends_the_iteration(
    tmp_path: Path, error: Exception, outcome: Outcome
) -> None:
    exchange = first_of(tmp_path, one_step(), error)
    assert (exchange.outcome, exchange.status, exchange.reason) == (outcome, None, "refused")
    assert exchange.done_s > exchange.sent_s


def test_a_request_whose_template_has_no_value_is_not_sent(tmp_path: Path) -> None:
    script = Script(FOUND)
    (exchange,) = drive(tmp_path, one_step(json="{{ nothing }}"), script).exchanges
    assert exchange.outcome is Outcome.NOT_SENT
    assert exchange.reason == "'{{ nothing }}' has no value"
    assert script.requests == []


def test_a_request_in_flight_when_its_generator_stops_is_cut_off(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.jsonl"
    with recorder(path) as opened, pytest.raises(KeyboardInterrupt):
        run_iteration(one_step(), 1, 0.0, Script(KeyboardInterrupt()), opened)
    recording = read_recording(path)
    assert recording is not None
    (exchange,) = recording.exchanges
    assert (exchange.outcome, exchange.cut_off) == (Outcome.UNKNOWN, True)


EXPECTS = {"expect": {"json": {"state": "done"}}}
SAVES = {"save": {"order": "id"}}
JSON = "application/json"


@pytest.mark.parametrize(
    ("step", "response", "reason"),
    [
        pytest.param({}, answered(201, JSON, b"{}"), "status 201, expected 200", id="status"),
        pytest.param({}, answered(500, JSON, b"{}"), "status 500, expected 200", id="server error"),
        pytest.param(
            {}, answered(200, JSON, b"{", "it broke off"), "it broke off", id="broken, nothing read"
        ),
        pytest.param(
            EXPECTS,
            answered(200, JSON, b'{"state": "done"}', "it broke off"),
            "it broke off",
            id="broken, and yet as expected",
        ),
        pytest.param(
            EXPECTS,
            answered(200, "text/html", b"<html>ok</html>"),
            "not JSON: text/html, 15 bytes",
            id="HTML",
        ),
        pytest.param(EXPECTS, answered(200, "", b""), "not JSON: an empty body", id="empty"),
        pytest.param(SAVES, answered(200, "", b""), "not JSON: an empty body", id="empty, to save"),
        pytest.param(
            {"expect": {"status": 204, "json": {"state": "done"}}},
            answered(204, "", b""),
            "not JSON: an empty body",
            id="no content",
        ),
        pytest.param(
            EXPECTS,
            answered(200, JSON, b"{"),
            "not JSON: application/json, 1 bytes",
            id="half JSON",
        ),
        pytest.param(
            EXPECTS, answered(200, "", b"ok"), "not JSON: no content type, 2 bytes", id="no type"
        ),
        pytest.param(
            EXPECTS,
            answered(200, JSON, b"\xff\xfe\x00"),
            "not JSON: application/json, 3 bytes",
            id="not text",
        ),
        pytest.param(
            EXPECTS,
            answered(200, JSON, b"[" * 200_000),
            "the JSON of the response is nested deeper than 100 levels",
            id="deeper than Python's stack",
        ),
        pytest.param(
            EXPECTS,
            answered(200, JSON, b'{"state": "new"}'),
            'state is "new", expected "done"',
            id="other value",
        ),
        pytest.param(
            EXPECTS, answered(200, JSON, b"{}"), 'state is null, expected "done"', id="no value"
        ),
        pytest.param(
            EXPECTS, answered(200, JSON, b"[1]"), 'state is null, expected "done"', id="a list"
        ),
        pytest.param(
            {"expect": {"json": {"n": 1}}},
            answered(200, JSON, b'{"n": true}'),
            "n is true, expected 1",
            id="true for 1",
        ),
        pytest.param(
            {"expect": {"json": {"n": True}}},
            answered(200, JSON, b'{"n": 1}'),
            "n is 1, expected true",
            id="1 for true",
        ),
        pytest.param(
            {"expect": {"json": {"n": False}}},
            answered(200, JSON, b'{"n": 0}'),
            "n is 0, expected false",
            id="0 for false",
        ),
        pytest.param(
            {"expect": {"json": {"n": [1]}}},
            answered(200, JSON, b'{"n": [true]}'),
            "n is [true], expected [1]",
            id="true for 1 in a list",
        ),
        pytest.param(
            {"expect": {"json": {"n": 1}}},
            answered(200, JSON, b'{"n": "1"}'),
            'n is "1", expected 1',
            id="text for a number",
        ),
        pytest.param(
            {"expect": {"json": {"length(ids)": 4}}},
            answered(200, JSON, b'{"ids": [1, 2, 3]}'),
            "length(ids) is 3, expected 4",
            id="other length",
        ),
        pytest.param(
            SAVES, answered(200, JSON, b"{}"), "the response has no id", id="nothing to save"
        ),
        pytest.param(
            SAVES, answered(200, JSON, b'{"id": null}'), "the response has no id", id="null to save"
        ),
    ],
)
def test_an_unexpected_response_is_rejected_with_the_reason(
    tmp_path: Path, step: dict[str, Any], response: Response, reason: str
) -> None:
    exchange = first_of(tmp_path, one_step(**step), response)
    assert (exchange.outcome, exchange.reason) == (Outcome.REJECTED, reason)
    assert exchange.status == response.status


def test_values_that_differ_at_one_expression_are_recorded_as_one_group(tmp_path: Path) -> None:
    response = answered(200, JSON, b'{"state": "new"}')
    rows = drive(tmp_path, one_step(**EXPECTS), Script(response)).exchanges
    (number,) = rows.column("reason")
    assert rows.reasons[number] == 'state is "new", expected "done"'
    assert rows.groups[number] == "state is not as expected"


def test_a_status_is_a_group_of_its_own(tmp_path: Path) -> None:
    rows = drive(tmp_path, one_step(), Script(answered(503, JSON, b"{}"))).exchanges
    (number,) = rows.column("reason")
    assert rows.groups[number] == rows.reasons[number] == "status 503, expected 200"


def test_an_expression_that_fails_on_a_response_rejects_the_response(tmp_path: Path) -> None:
    flow = one_step(expect={"json": {"length(ids)": 4}})
    exchange = first_of(tmp_path, flow, answered(200, JSON, b'{"ids": 4}'))
    assert exchange.outcome is Outcome.REJECTED
    assert exchange.reason.startswith("the response does not fit the expectation: ")


def test_a_long_value_is_shortened_in_the_reason(tmp_path: Path) -> None:
    response = answered(200, JSON, b'{"state": "' + b"x" * 5000 + b'"}')
    reason = first_of(tmp_path, one_step(**EXPECTS), response).reason
    assert reason.endswith('x…, expected "done"')
    assert len(reason) < 300


@pytest.mark.parametrize(
    ("step", "response"),
    [
        pytest.param({}, answered(200, "text/html", b"<html>"), id="nothing is read"),
        pytest.param({"expect": {"status": 204}}, answered(204, "", b""), id="no content"),
        pytest.param({"expect": {"status": 404}}, answered(404, JSON, b"{}"), id="a wanted 404"),
        pytest.param(EXPECTS, answered(200, "text/plain", b'{"state": "done"}'), id="other type"),
        pytest.param(
            {"expect": {"json": {"n": 1}}}, answered(200, JSON, b'{"n": 1.0}'), id="1.0 is 1"
        ),
        pytest.param(
            {"expect": {"json": {"gone": None}}}, answered(200, JSON, b"{}"), id="wanted absence"
        ),
        pytest.param(SAVES, answered(200, JSON, b'{"id": 0}'), id="0 can be saved"),
        pytest.param(SAVES, answered(200, JSON, b'{"id": ""}'), id="'' can be saved"),
        pytest.param(SAVES, answered(200, JSON, b'{"id": []}'), id="[] can be saved"),
    ],
)
def test_an_expected_response_leads_to_the_next_step(
    tmp_path: Path, step: dict[str, Any], response: Response
) -> None:
    recording = drive(tmp_path, one_step(**step), Script(response, FOUND))
    assert [each.outcome for each in recording.exchanges] == [Outcome.OK, Outcome.OK]
    assert recording.exchanges.first().reason == ""


def test_an_expectation_may_use_what_was_sent(tmp_path: Path) -> None:
    flow = one_step(expect={"json": {"owner": "{{ unique }}", "n": "{{ iteration }}"}})
    response = answered(200, JSON, b'{"owner": "run-1-01-once-1", "n": 1}')
    recording = drive(tmp_path, flow, Script(response, FOUND))
    assert recording.exchanges.first().outcome is Outcome.OK


def test_a_saved_value_keeps_its_type_in_the_next_body(tmp_path: Path) -> None:
    document = {
        "scenario": "s",
        "flow": [
            {"step": "one", "request": "GET shop /", "save": {"ids": "ids"}},
            {"step": "two", "request": "POST shop /", "json": {"ids": "{{ ids }}"}},
        ],
        "profiles": {"once": {"users": 1, "iterations": 1}},
    }
    script = Script(answered(200, JSON, b'{"ids": [1, {"a": null}]}'), FOUND)
    drive(tmp_path, flow_of(Scenario.model_validate(document)), script)
    assert script.requests[1].body == b'{"ids":[1,{"a":null}]}'


SAVED = answered(200, JSON, b"""{"name": "R&D #1 50%", "path": "a/b", "ids": ["x1", "x2"],
    "flag": true, "price": 19.90, "big": 12345678901234567890123, "up": ".."}""")  # fmt: skip
SAVES_ALL = {name: name for name in ("name", "path", "ids", "flag", "price", "big", "up")}


def sent_after_saving(folder: Path, **step: Any) -> Request:
    """Drive a step that saves values, and return the request of the next one."""
    first = {"step": "one", "request": "GET shop /", "save": SAVES_ALL}
    flow: list[dict[str, Any]] = [first, {"step": "two", **step}]
    profiles = {"once": {"users": 1, "iterations": 1}}
    scenario = Scenario.model_validate({"scenario": "s", "flow": flow, "profiles": profiles})
    script = Script(SAVED, FOUND)
    drive(folder, flow_of(scenario), script)
    return script.requests[-1]


def test_saved_values_are_encoded_for_where_they_stand(tmp_path: Path) -> None:
    request = sent_after_saving(
        tmp_path,
        request="POST shop /p/{{ path }}?name={{ name }}&ids={{ ids }}&flag={{ flag }}",
        headers={"X-Of": "{{ flag }} {{ ids }} {{ price }}", "X-Name": "{{ name }}"},
        json={"text": "flag is {{ flag }}, ids are {{ ids }}", "flag": "{{ flag }}",
              "big": "{{ big }}", "price": "{{ price }}"},
    )  # fmt: skip
    assert request.target == "/p/a%2Fb?name=R%26D%20%231%2050%25&ids=x1&ids=x2&flag=true"
    assert dict(request.headers) == {"X-Of": 'true ["x1","x2"] 19.9', "X-Name": "R&D #1 50%"}
    assert request.body == (
        rb'{"text":"flag is true, ids are [\"x1\",\"x2\"]","flag":true,'
        rb'"big":12345678901234567890123,"price":19.9}'
    )


def test_a_saved_value_that_would_leave_the_path_is_not_sent(tmp_path: Path) -> None:
    assert sent_after_saving(tmp_path, request="GET shop /files/{{ up }}").target == "/"
    recording = read_recording(tmp_path / "01-once.jsonl")
    assert recording is not None
    assert [each.outcome for each in recording.exchanges] == [Outcome.OK, Outcome.NOT_SENT]


TOKEN = "abc{{ 7*7 }}def{#x#}{% if %}"


def flow_with_token(folder: Path, *, expects: Any = None) -> Flow:
    """Compile a flow in an environment whose headers have variables and templates."""
    (folder / "env.yaml").write_text(
        "environment: e\nservices: {shop: {url: 'http://shop.example/${BASE}'}}\n"
        "headers:\n  Authorization: Bearer ${TOKEN}\n"
        "  X-Key: '{{ tenant }}-${TOKEN}-{{ iteration }}'\n"
    )
    environment = read_environment(folder / "env.yaml", {"TOKEN": TOKEN, "BASE": "{{v}}"})
    step = {"step": "one", "request": "GET shop /", "expect": {"json": expects or {}}}
    profiles = {"once": {"users": 1, "iterations": 1}}
    scenario = Scenario.model_validate({"scenario": "s", "flow": [step], "profiles": profiles})
    return compile_flow(scenario, environment, "run-1", "acme")


def test_what_a_variable_of_the_environment_holds_is_sent_verbatim(tmp_path: Path) -> None:
    script = Script(FOUND)
    drive(tmp_path, flow_with_token(tmp_path), script)
    headers = headers_of(script.requests[0])
    assert headers["Authorization"] == f"Bearer {TOKEN}"
    assert headers["X-Key"] == f"acme-{TOKEN}-1"
    assert script.requests[0].target == "/{{v}}/"


@pytest.mark.parametrize("length", [0, 150, 180, 199, 1_950, 1_990])
def test_a_secret_is_redacted_before_a_value_or_a_body_is_cut(tmp_path: Path, length: int) -> None:
    content = json.dumps({"state": "x" * length + TOKEN + "y" * 3_000}).encode()
    flow = flow_with_token(tmp_path, expects={"state": "done"})
    recording = drive(tmp_path, flow, Script(answered(200, JSON, content)))
    assert "abc{" not in (tmp_path / "01-once.jsonl").read_text()
    assert "7*7" not in recording.exchanges.first().reason


def flow_with_login(**login: Any) -> Flow:
    """Compile a flow that sends a token of a login in the header of its second step."""
    document = {
        "scenario": "s",
        "flow": [
            {"step": "login", "request": "GET shop /", "save": {"it": "access.it"}, **login},
            {"step": "use", "request": "GET shop /", "headers": {"X-Auth": "{{ it }}"}},
        ],
        "profiles": {"once": {"users": 1, "iterations": 1}},
    }
    return flow_of(Scenario.model_validate(document))


LOGIN = answered(200, JSON, json.dumps({"access": {"it": TOKEN}}).encode())


def test_a_saved_token_is_redacted_when_a_later_response_echoes_it(tmp_path: Path) -> None:
    flow = flow_with_login()
    drive(tmp_path, flow, Script(LOGIN, answered(500, "text/plain", f"no {TOKEN}!".encode())))
    written = (tmp_path / "01-once.jsonl").read_text()
    assert "no ***!" in written
    assert TOKEN in list(flow.secrets)


@pytest.mark.parametrize("login", [{"expect": {"status": 201}}, {"expect": {"json": {"a": 1}}},
                                   {"expect": {"json": {"access.it": "none"}}}])  # fmt: skip
def test_a_token_is_redacted_in_the_response_that_brings_it_unexpectedly(
    tmp_path: Path, login: dict[str, Any]
) -> None:
    recording = drive(tmp_path, flow_with_login(**login), Script(LOGIN))
    assert recording.details[1]["answer_head"] == '{"access": {"it": "***"}}'
    assert "7*7" not in (tmp_path / "01-once.jsonl").read_text()


def test_a_failure_keeps_request_and_response_but_no_header(tmp_path: Path) -> None:
    flow = one_step(json={"a": 1}, headers={"Authorization": "Bearer secret"})
    response = answered(500, "text/plain", b"\xffoops" + b"x" * 5000)
    recording = drive(tmp_path, flow, Script(response))
    assert recording.details == {
        1: {
            "method": "POST",
            "url": "http://shop.example/first",
            "body": '{"a":1}',
            "content_type": "application/json",
            "answer_head": "\ufffdoops" + "x" * 1995,
        }
    }
    assert "secret" not in (tmp_path / "01-once.jsonl").read_text()


def test_a_success_keeps_neither_request_nor_response(tmp_path: Path) -> None:
    assert drive(tmp_path, one_step(), Script(FOUND, FOUND)).details == {}


def sent_headers(environment: dict[str, str], **step: Any) -> dict[str, str]:
    document = {
        "scenario": "s", "flow": [{"step": "first", "request": "POST shop /", **step}],
        "profiles": {"once": {"users": 1, "iterations": 1}},
    }  # fmt: skip
    other = ENVIRONMENT.model_copy(update={"headers": environment})
    flow = compile_flow(Scenario.model_validate(document), other, "r", "t")
    return dict(flow.steps[0].request_template.headers)


def test_a_step_leaves_out_a_header_of_the_environment_or_of_the_client() -> None:
    given = {"X-Api-Key": "k", "X-Other": "o"}
    headers = sent_headers(given, headers={"x-api-key": None, "Accept": None, "User-Agent": "mine"})
    assert headers == {
        "Host": "shop.example", "Accept-Encoding": "gzip, deflate",
        "X-Other": "o", "User-Agent": "mine",
    }  # fmt: skip


def test_a_header_of_a_step_replaces_that_of_the_environment_in_any_case() -> None:
    headers = sent_headers({"X-Api-Key": "k"}, headers={"x-api-key": "mine"})
    assert [value for name, value in headers.items() if name.lower() == "x-api-key"] == ["mine"]


@pytest.mark.parametrize(
    ("environment", "step", "content_type"),
    [
        ({}, {"json": {}}, "application/json"),
        ({"content-type": "application/vnd.api+json"}, {"json": {}}, "application/vnd.api+json"),
        ({"content-type": "application/json"}, {"form": {"a": 1}},
         "application/x-www-form-urlencoded"),
        ({}, {"text": "a", "headers": {"content-type": "text/csv"}}, "text/csv"),
        ({}, {"json": {}, "headers": {"Content-Type": None}}, None),
        ({"Content-Type": "application/json"}, {}, "application/json"),
    ],
)  # fmt: skip
def test_a_body_is_sent_as_its_type_unless_its_step_says_another(
    environment: dict[str, str], step: dict[str, Any], content_type: str | None
) -> None:
    headers = {name.lower(): value for name, value in sent_headers(environment, **step).items()}
    assert headers.get("content-type") == content_type


def test_a_query_follows_the_path_and_its_values_are_encoded(tmp_path: Path) -> None:
    script = Script(answered(200, "application/json", b'{"a": "R&D", "ids": [1, 2]}'), FOUND)
    first = {"step": "first", "request": "GET shop /first", "save": {"a": "a", "ids": "ids"}}
    query = {"q": "{{ a }}", "ids": "{{ ids }}"}
    second = {"step": "second", "request": "GET shop /p/{{ a }}?x=1", "query": query}
    profiles = {"once": {"users": 1, "iterations": 1}}
    document = {"scenario": "s", "flow": [first, second], "profiles": profiles}
    drive(tmp_path, flow_of(Scenario.model_validate(document)), script)
    assert script.requests[1].target == "/p/R%26D?x=1&q=R%26D&ids=1&ids=2"


def test_what_a_query_or_a_form_names_like_a_secret_is_redacted(tmp_path: Path) -> None:
    got = answered(200, "application/json", b'{"a": "s3cr3t-one", "b": "s3cr3t-two"}')
    echo = answered(500, "text/plain", b"s3cr3t-one, s3cr3t-two and w0rdpass")
    first = {"step": "first", "request": "GET shop /first", "save": {"a": "a", "b": "b"}}
    second = {
        "step": "second", "request": "POST shop /", "query": {"api_key": "{{ a }}"},
        "form": {"session_token": "{{ b }}", "password": "w0rdpass"},
    }  # fmt: skip
    profiles = {"once": {"users": 1, "iterations": 1}}
    document = {"scenario": "s", "flow": [first, second], "profiles": profiles}
    recording = drive(tmp_path, flow_of(Scenario.model_validate(document)), Script(got, echo))
    kept = json.dumps(list(recording.details.values()))
    assert "***, *** and ***" in kept
    for secret in ("s3cr3t-one", "s3cr3t-two", "w0rdpass"):
        assert secret not in kept


def traced(header: str, **step: Any) -> tuple[Flow, Script]:
    first = {"step": "first", "request": "POST shop /{{ trace_id }}", **step}
    profiles = {"once": {"users": 1, "iterations": 1}}
    document = {"scenario": "s", "flow": [first], "profiles": profiles}
    environment = ENVIRONMENT.model_copy(
        update={"trace_header": header, "headers": {"X-Of-Env": "{{ trace_id }}"}}
    )
    flow = compile_flow(Scenario.model_validate(document), environment, "run-1", "t")
    head = b"HTTP/1.1 200 OK\r\nX-Echo: run-1-01-once-1\r\n"
    return flow, Script(Response(200, b"{}", "", head))


def test_a_trace_id_may_stand_wherever_a_request_has_values(tmp_path: Path) -> None:
    flow, script = traced(
        "X-Request-ID", query={"q": "{{ trace_id }}"}, headers={"X-A": "{{ trace_id }}"},
        json={"id": "{{ trace_id }}"}, expect={"headers": {"X-Echo": "{{ trace_id }}"}},
    )  # fmt: skip
    assert drive(tmp_path, flow, script).exchanges.first().outcome == Outcome.OK
    (request,) = script.requests
    trace = "run-1-01-once-1"
    assert request.target == f"/{trace}?q={trace}"
    assert request.body == f'{{"id":"{trace}"}}'.encode()
    assert {**headers_of(request), "X-A": trace, "X-Of-Env": trace} == headers_of(request)
    assert (request.trace, request.template.trace_header) == (trace, "X-Request-ID")
    assert request.template.closing.endswith("X-Request-ID: ")


def test_a_traceparent_has_the_form_of_the_standard(tmp_path: Path) -> None:
    flow, script = traced("traceparent")
    drive(tmp_path, flow, script)
    (request,) = script.requests
    version, trace, parent, flags = request.trace.split("-")
    assert (version, len(trace), len(parent), flags) == ("00", 32, 16, "01")
    assert request.target == f"/{trace}"


def jar_of(value: str) -> CookieJar:
    """Return the cookies of a user who has a session."""
    jar = CookieJar()
    head = f"HTTP/1.1 200 OK\r\nSet-Cookie: sid={value}; Path=/\r\n".encode()
    request = Request(one_step().steps[0].request_template, "/", "")
    jar.keep(request, Response(200, b"", "", head, sets_cookies=True))
    return jar


@pytest.mark.parametrize("place", ["variable", "row", "cookie"])
@pytest.mark.parametrize("response", [
    answered(500, "text/plain", f"no {TOKEN}!".encode()),
    *(answered(200, JSON, json.dumps({"a": "x" * length + TOKEN}).encode())
      for length in range(195 - len(TOKEN), 201, 5)),
])  # fmt: skip
def test_a_secret_of_a_user_is_redacted_however_many_others_came_since(
    tmp_path: Path, place: str, response: Response
) -> None:
    step = {"step": "use", "request": "GET shop /", "expect": {"json": {"a": 1}}}
    flow = flow_of(Scenario.model_validate({
        "scenario": "s",
        "user_setup": [{"step": "login", "request": "GET shop /", "save": {"token": "access.it"}}],
        "flow": [{**step, "headers": {"X-Auth": "{{ token }}"}}],
        "profiles": {"once": {"users": 1, "iterations": 1}},
    }))  # fmt: skip
    own = {"token": TOKEN} if place == "variable" else {"token": "", "rows": {"key": TOKEN}}
    flow.secrets.columns = {"rows": ("key",)}
    cookies = jar_of(TOKEN) if place == "cookie" else None
    for number in range(1_500):
        flow.secrets.learn(f"of-another-user-{number}")
    path = tmp_path / "01-once.jsonl"
    with recorder(path, steps=flow.step_names) as opened:
        own = {"token": ""} if cookies else own
        run_iteration(flow, 1, 0.0, Script(response), opened, own, cookies=cookies)
    written = path.read_text()
    assert "***" in written
    assert TOKEN[: len(TOKEN) // 2 + 1] not in written


@pytest.mark.parametrize("value", ["s3cret-" * 3_000, [f"s3cret-{n}" for n in range(101)],
                                   {"a": [{"b": "s3cret-" * 1_500}] * 2}])  # fmt: skip
def test_a_secret_that_is_too_large_to_be_found_again_fails_the_exchange(
    tmp_path: Path, value: Any
) -> None:
    script = Script(answered(200, JSON, json.dumps({"access": {"it": value}}).encode()))
    recording = drive(tmp_path, flow_with_login(), script)
    exchange = recording.exchanges.first()
    assert exchange.outcome is Outcome.REJECTED
    assert exchange.reason.startswith("it is a secret of over 16,384 characters or 100 texts")
    assert "s3cret-s" not in (tmp_path / "01-once.jsonl").read_text()


@pytest.mark.timeout(60)
def test_very_many_secrets_of_a_response_take_no_time_to_redact(tmp_path: Path) -> None:
    secrets = [f"secret-{number}-of-many" for number in range(200_000)]
    body = json.dumps({"access": {"it": secrets}}).encode()
    login = flow_with_login(expect={"json": {"access.it": "none"}})
    recording = drive(tmp_path, login, Script(answered(200, JSON, body)))
    assert recording.exchanges.first().outcome is Outcome.REJECTED
