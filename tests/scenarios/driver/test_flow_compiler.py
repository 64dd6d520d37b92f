from pathlib import Path

import pytest

from config.auth import ApiKey, Auth, BasicAuth, OAuth2
from config.environment import Environment
from config.redaction import ObtainedTokens
from config.services import Service
from scenarios.driver.flow import CompiledStep
from scenarios.driver.flow_compiler import compile_flow
from scenarios.driver.iteration import run_iteration
from scenarios.evidence.exchange import Outcome
from scenarios.evidence.recording import Recorder
from scenarios.evidence.recording_reader import read_recordings
from scenarios.http.messages import Request, Response
from scenarios.http.token_request import Token, TokenRefused
from scenarios.http.tokens import TOKEN_SOURCES, Sources, TokenSource
from scenarios.language.reader import read_scenario
from tests.scenarios.shop_scenario import (
    CREATED,
    Script,
    answered,
    changed,
    good_scenario,
    recorder,
)
from tests.secured_servers import sign
from tests.token_server import TokenEndpoint
from tests.virtual_clock import VirtualClock

SHOP = Service(
    url="http://shop.example", headers={"authorization": "Basic b3du", "X-Tenant-ID": None}
)
CLIENT = OAuth2(token_url="http://auth.example", client_id="ada", client_secret="hunter22")
ENVIRONMENT = Environment(
    environment="test",
    services={"shop": SHOP},
    headers={"Authorization": "Bearer all", "X-Tenant-ID": "{{ tenant }}", "Accept": "text/plain"},
)


def with_auth(auth: Auth, **changes: object) -> Environment:
    """Return the environment with credentials of the shop."""
    shop = Service(url="http://shop.example", auth=auth)
    return ENVIRONMENT.model_copy(update={"services": {"shop": shop}, **changes})


def step_of(
    folder: Path, headers: str, environment: Environment = ENVIRONMENT,
    sources: Sources = TOKEN_SOURCES,
) -> CompiledStep:  # fmt: skip
    """Compile a step with headers of its own."""
    step = "    request: POST shop /orders\n"
    path = changed(folder, step, f"{step}    headers: {headers}\n")
    return compile_flow(read_scenario(path), environment, "run-1", "acme", sources=sources).steps[0]


def headers_of(folder: Path, headers: str) -> dict[str, str]:
    return dict(step_of(folder, headers).request_template.headers)


def test_a_request_carries_the_headers_of_its_service(tmp_path: Path) -> None:
    sent = headers_of(tmp_path, "{X-A: a}")
    assert sent["authorization"] == "Basic b3du"
    assert sent["Accept"] == "text/plain"
    assert not {"Authorization", "X-Tenant-ID"} & sent.keys()


def test_a_step_replaces_a_header_whatever_the_case_of_its_name(tmp_path: Path) -> None:
    sent = headers_of(tmp_path, "{AUTHORIZATION: of-the-step}")
    assert [value for name, value in sent.items() if name.lower() == "authorization"] == [
        "of-the-step"
    ]


@pytest.mark.parametrize(
    ("auth", "name", "value"),
    [
        (Auth(bearer="{{tenant}}"), "Authorization", "Bearer {{tenant}}"),
        (Auth(basic=BasicAuth(username="ada", password="hunter22")), "Authorization",
         "Basic YWRhOmh1bnRlcjIy"),
        (Auth(api_key=ApiKey(header="X-Key", value="k3y")), "X-Key", "k3y"),
    ],
    ids=["bearer", "basic", "API key"],
)  # fmt: skip
def test_credentials_are_rendered_once_and_verbatim(
    tmp_path: Path, auth: Auth, name: str, value: str
) -> None:
    step = step_of(tmp_path, "{X-A: a}", with_auth(auth))
    assert dict(step.request_template.headers)[name] == value
    assert step.headers is None


def test_a_key_in_the_query_is_encoded_and_no_template(tmp_path: Path) -> None:
    auth = Auth(api_key=ApiKey(query="key", value="{{ a }}&b"))
    step = step_of(tmp_path, "{X-A: a}", with_auth(auth))
    assert step.target({}) == "/orders?key=%7B%7B%20a%20%7D%7D%26b"


def test_a_step_replaces_the_credentials_of_its_service(tmp_path: Path) -> None:
    step = step_of(tmp_path, "{authorization: mine}", with_auth(Auth(bearer="t0ken")))
    assert "Authorization" not in dict(step.request_template.headers)
    environment = with_auth(Auth(oauth2=CLIENT))
    step = step_of(tmp_path, "{authorization: mine}", environment)
    assert step.headers is None


def test_connections_with_a_client_certificate_are_of_their_own(tmp_path: Path) -> None:
    certificate = sign(tmp_path).of_client()
    step = step_of(tmp_path, "{X-A: a}", with_auth(Auth(certificate=certificate)))
    assert step.request_template.origin.certificate == certificate
    assert step.request_template.origin != step_of(tmp_path, "{X-A: a}").request_template.origin


class TokenChecker:
    """Responds after a while of virtual time: 200 to valid tokens, 401 to all others."""

    def __init__(self, endpoint: TokenEndpoint, clock: VirtualClock, duration_s: float) -> None:
        self._endpoint, self._clock, self._duration_s = endpoint, clock, duration_s

    def send(self, request: Request) -> Response:
        """Judge the token as it arrives."""
        self._clock.s += self._duration_s
        is_well = self._endpoint.accepts(dict(request.headers)["Authorization"])
        return CREATED if is_well else answered(401, "application/json", b"{}")

    def parallel(self, count: int) -> list["TokenChecker"]:
        """Judge tokens that arrive at once one after the other."""
        return [self] * count

    def streaming(self) -> "TokenChecker":
        return self

    def close(self) -> None:
        """Nothing is open."""


@pytest.mark.parametrize(
    ("lasts_s", "duration_s", "every_s", "requests"),
    [(600, 0.05, 0.0, 34), (600, 0.5, 0.0, 34), (3_600, 0.1, 60.0, 60), (3_600, 0.1, 5.0, 180)],
    ids=["load", "slow load", "watch by the minute", "watch each five seconds"],
)
def test_with_tokens_of_twenty_seconds_nothing_is_refused_and_no_token_is_superfluous(
    tmp_path: Path, lasts_s: float, duration_s: float, every_s: float, requests: int
) -> None:
    clock = VirtualClock()
    endpoint = TokenEndpoint(20.0, clock)
    source = TokenSource(endpoint.issue, clock, ObtainedTokens())
    path = changed(tmp_path, "  - step: read\n    request: GET shop /orders/{{ order }}\n"
                             "    counts: {calls: 1}\n", "")  # fmt: skip
    flow = compile_flow(read_scenario(path), with_auth(Auth(oauth2=CLIENT)), "run-1", "acme",
                        sources=lambda *_: source)  # fmt: skip
    sender, begin_s, due_s = TokenChecker(endpoint, clock, duration_s), clock.s, clock.s
    with recorder(tmp_path / "r.jsonl", Recorder, flow.step_names) as opened:
        while clock.s - begin_s < lasts_s:
            assert run_iteration(flow, 1, 0.0, sender, opened)
            due_s = max(due_s + every_s, clock.s)
            clock.s = due_s
    assert len(endpoint.issued) == requests


def test_a_refused_token_is_not_sent_and_names_the_endpoint(tmp_path: Path) -> None:
    def refuse() -> Token:
        raise TokenRefused("no token: http://auth.example refused the client with status 401")

    source, script = TokenSource(refuse), Script()
    flow = compile_flow(good_scenario(tmp_path), with_auth(Auth(oauth2=CLIENT)), "run-1", "acme",
                        sources=lambda *_: source)  # fmt: skip
    with recorder(tmp_path / "01-once.jsonl", steps=flow.step_names) as opened:
        assert not run_iteration(flow, 1, 0.0, script, opened)
    (recording,) = read_recordings(tmp_path, "01-once")
    one = recording.exchanges.first()
    assert (one.outcome, one.reason) == (
        Outcome.NOT_SENT, "no token: http://auth.example refused the client with status 401"
    )  # fmt: skip
    assert script.requests == []
