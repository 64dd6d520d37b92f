import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from config.apis import Api
from config.auth import Auth, OAuth2
from config.clock import CLOCK
from config.network import Network
from scenarios.http.fetch import Fetched
from tests.secured_servers import answering, sign
from tests.tiny_server import Canned, nobody_listens_at, serving
from tests.token_server import TokenEndpoint, serving_tokens
from tests.usage_apis.events import Events
from tests.usage_apis.server import UsageApi, serving_usage
from tests.virtual_clock import VirtualClock
from witnesses.api.client import (
    MAX_BYTES,
    WHOLE_S,
    Patience,
    UsageUnknown,
    is_mistake,
    message_of,
    open_api,
)
from witnesses.api.request import SentRequest
from witnesses.figure import Reason

_GET = SentRequest("GET", "/api/v1/customers/acme/current_usage?external_subscription_id=acme", {})


class _Forgetful(TokenEndpoint):
    """It accepts none of its own tokens."""

    def accepts(self, authorization: str) -> bool:
        return False


def _patience(clock: VirtualClock) -> Patience:
    return Patience(clock, clock.sleep)


def _ask(api: UsageApi, clock: VirtualClock, **settings: Any) -> Fetched:
    model = Api.model_validate({"url": api.url, **settings})
    with open_api("billing", model, Network(), _patience(clock)) as client:
        return client.ask(_GET)


def _failure(*answers: tuple[int, Any, dict[str, str]]) -> tuple[UsageUnknown, VirtualClock, int]:
    """Return why a request fails whose responses are these, the last one again and again."""
    clock = VirtualClock()
    left = list(answers)
    with serving_usage("lago", Events(clock, CLOCK.now_at)) as api:
        api.instead.append(lambda _: left.pop(0) if len(left) > 1 else left[0])
        with pytest.raises(UsageUnknown) as error:
            _ask(api, clock)
        return error.value, clock, len(api.asked)


def test_a_busy_api_is_asked_again_after_longer_and_longer_pauses() -> None:
    failure, clock, asked = _failure((503, "busy", {}))
    assert (failure.reason, failure.status) == (Reason.API_DOWN, 503)
    assert clock.sleeps == [0.25, 0.5, 1.0]
    assert asked == 4


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_a_status_that_may_pass_is_asked_for_again(status: int) -> None:
    clock = VirtualClock()
    with serving_usage("lago", Events(clock, CLOCK.now_at)) as api:
        api.once(status)
        assert _ask(api, clock).status == 200


@pytest.mark.parametrize("status", [301, 400, 404, 405, 409, 422, 451, 501])
def test_a_status_that_will_not_pass_is_a_mistake_and_is_asked_for_once(status: int) -> None:
    failure, clock, asked = _failure((status, {"message": "no such meter"}, {}))
    assert failure.reason is Reason.API_REFUSED
    assert is_mistake(failure)
    assert (clock.sleeps, asked) == ([], 1)
    assert str(failure) == f"the API 'billing' responded with status {status}: no such meter"


def test_a_redirect_is_not_followed_and_names_where_it_leads() -> None:
    location = "https://usage.example/v2?key=hunter22"
    failure, _, asked = _failure((301, "", {"Location": location}))
    assert str(failure).endswith(
        "status 301; it leads to https://usage.example/v2, so correct apis.billing.url"
    )
    assert asked == 1


@pytest.mark.parametrize("status", [401, 403])
def test_credentials_that_are_refused_are_no_mistake_in_the_request(status: int) -> None:
    failure, _, asked = _failure((status, "", {}))
    assert failure.reason is Reason.API_REFUSED
    assert not is_mistake(failure)
    assert str(failure).endswith("; renew the credentials in apis.billing.auth")
    assert asked == 1


def test_a_pause_that_is_longer_than_the_rest_of_the_time_is_not_waited_for() -> None:
    failure, clock, asked = _failure((429, "", {"Retry_After": "3600"}))
    assert failure.reason is Reason.API_DOWN
    assert "asks for a pause of 3,600 s (Retry-After), which is too long" in str(failure)
    assert (clock.sleeps, asked) == ([], 1)


def test_pauses_end_with_the_time_for_the_whole() -> None:
    failure, clock, asked = _failure((503, "", {"Retry_After": "25"}))
    assert failure.status == 503
    assert sum(clock.sleeps) == 50 < WHOLE_S
    assert asked == 3


@pytest.mark.parametrize(
    ("whole_s", "words"),
    [(60.0, "did not respond within 0.05 s; raise apis.billing.timeout"),
     (0.05, "took over 0.05 s with its pages and pauses")],
)  # fmt: skip
def test_a_response_that_is_late_names_the_limit_that_it_exceeds(
    whole_s: float, words: str
) -> None:
    api = Api.model_validate({"url": "http://usage.example", "timeout": "50ms"})
    patience = Patience(sleep=lambda _: None, whole_s=whole_s)
    with serving({"/u": Canned(hangs=True)}) as server:
        network = Network({"usage.example": server.url.removeprefix("http://")})
        with (
            open_api("billing", api, network, patience) as client,
            pytest.raises(UsageUnknown, match=words) as error,
        ):
            client.ask(SentRequest("GET", "/u", {}))
    assert error.value.reason is Reason.API_DOWN


def test_an_api_is_trusted_by_its_own_ca(tmp_path: Path) -> None:
    certificates = sign(tmp_path)
    own = {"ca_file": str(certificates.ca)}
    with answering(lambda exchange: exchange.say(b"{}"), certificates, certificates.ca) as heard:
        auth = Auth(certificate=certificates.of_client())
        for settings, network in (
            (own, Network()), (own, Network(ca_file="other.pem")),
            ({}, Network(ca_file=own["ca_file"])),
        ):  # fmt: skip
            api = Api.model_validate({"url": heard.url, **settings}).model_copy(
                update={"auth": auth}
            )
            with open_api("billing", api, network, _patience(VirtualClock())) as client:
                assert client.ask(_GET).status == 200
        api = Api(url=heard.url)
        with (
            open_api("billing", api, Network(), _patience(VirtualClock())) as client,
            pytest.raises(UsageUnknown, match=r"name the file of its CA in apis\.billing\.ca_file"),
        ):
            client.ask(_GET)


def test_a_token_that_the_api_refuses_is_renewed_once() -> None:
    """The endpoint has forgotten its tokens, as after a restart, though none has expired."""
    endpoint = TokenEndpoint()
    with serving_tokens(endpoint) as server:
        auth = Auth(oauth2=OAuth2(**server.auth))
        model, clock = Api(url=server.url, auth=auth), VirtualClock()
        with open_api("billing", model, Network(), _patience(clock)) as client:
            assert client.ask(_GET).status == 200
            endpoint.issued.clear()
            assert client.ask(_GET).status == 200
    assert server.statuses == [200, 200, 401, 200, 200]


def test_a_token_that_is_refused_though_it_is_new_is_the_reason() -> None:
    with serving_tokens(_Forgetful()) as server:
        auth = Auth(oauth2=OAuth2(**server.auth))
        model, clock = Api(url=server.url, auth=auth), VirtualClock()
        with (
            open_api("billing", model, Network(), _patience(clock)) as client,
            pytest.raises(UsageUnknown, match="status 401"),
        ):
            client.ask(_GET)
    assert server.paths.count("/token") == 2


def test_without_a_token_nothing_is_asked_and_nothing_waited_for() -> None:
    with serving_tokens(answer=lambda: (400, b'{"error": "invalid_client"}')) as server:
        auth = Auth(oauth2=OAuth2(**server.auth))
        model, clock = Api(url=server.url, auth=auth), VirtualClock()
        with (
            open_api("billing", model, Network(), _patience(clock)) as client,
            pytest.raises(UsageUnknown, match="invalid_client") as error,
        ):
            client.ask(_GET)
    assert error.value.reason is Reason.API_DOWN
    assert (server.paths, clock.sleeps) == (["/token"], [])


@pytest.mark.parametrize(
    ("auth", "header", "value"),
    [
        ({"bearer": "hidden"}, "authorization", "Bearer hidden"),
        ({"basic": {"username": "sk_test", "password": ""}}, "authorization", "Basic c2tfdGVzdDo="),
        ({"api_key": {"header": "X-Api-Key", "value": "hidden"}}, "x-api-key", "hidden"),
    ],
)
def test_the_credentials_are_sent(auth: dict[str, Any], header: str, value: str) -> None:
    clock = VirtualClock()
    with serving_usage("lago", Events(clock, CLOCK.now_at)) as api:
        _ask(api, clock, auth=auth, headers={"X-Account": "acct-1"})
        (asked,) = api.asked
    assert (asked.headers[header], asked.headers["x-account"]) == (value, "acct-1")
    assert asked.headers["accept"] == "application/json"


def test_an_api_that_nobody_runs_is_down_with_the_remedy() -> None:
    clock = VirtualClock()
    with (
        open_api("billing", Api(url=nobody_listens_at()), Network(), _patience(clock)) as client,
        pytest.raises(UsageUnknown, match=r"cannot be reached.*start it, or correct apis\.bi") as e,
    ):
        client.ask(_GET)
    assert e.value.reason is Reason.API_DOWN
    assert len(clock.sleeps) == 3


def test_an_api_on_another_host_is_reached_by_the_routes_of_the_environment() -> None:
    clock = VirtualClock()
    with serving_usage("lago", Events(clock, CLOCK.now_at)) as api:
        address = api.url.removeprefix("http://")
        network = Network({"usage.example": address})
        model = Api(url="http://usage.example")
        with open_api("billing", model, network, _patience(clock)) as client:
            assert client.ask(_GET).status == 200


def test_a_body_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    with serving({"/u": Canned("x" * (MAX_BYTES + 1))}) as server:
        clock = VirtualClock()
        with (
            open_api("billing", Api(url=server.url), Network(), _patience(clock)) as client,
            pytest.raises(UsageUnknown, match="the body is over 16,777,216 bytes") as error,
        ):
            client.ask(SentRequest("GET", "/u", {}))
    assert error.value.reason is Reason.API_DOWN


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"error": {"message": "No such  meter"}}, "No such meter"),
        ({"title": "Bad Request", "detail": "from is wrong"}, "from is wrong"),
        ({"error": "unknown_meter"}, "unknown_meter"),
        ({"error": {"root": [1]}}, ""),
        (["a"], ""),
        ({"message": "x" * 301}, ""),
    ],
)
def test_the_message_of_an_error_is_quoted_whole_or_not_at_all(content: Any, message: str) -> None:
    assert message_of(Fetched(400, httpx.Headers(), json.dumps(content).encode())) == message
