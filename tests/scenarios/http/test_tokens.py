from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import pytest

from config.auth import Auth, OAuth2
from config.network import Network
from config.redaction import OBTAINED, ObtainedTokens, Secrets, redact
from scenarios.http.messages import NotSent
from scenarios.http.token_request import Token, TokenRefused
from scenarios.http.tokens import TokenSource, TokenSources
from tests.token_server import TokenEndpoint, serving_tokens
from tests.virtual_clock import VirtualClock


class Refusing:
    """A token endpoint that refuses while it is told to."""

    def __init__(self, endpoint: TokenEndpoint) -> None:
        self.endpoint = endpoint
        self.refuses = True
        self.asked = 0

    def __call__(self) -> Token:
        self.asked += 1
        if self.refuses:
            raise TokenRefused("no token: http://auth.example refused the client with status 401")
        return self.endpoint.issue()


def source_at(clock: VirtualClock, request: Callable[[], Token]) -> TokenSource:
    return TokenSource(request, clock, ObtainedTokens())


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def endpoint(clock: VirtualClock) -> TokenEndpoint:
    return TokenEndpoint(20.0, clock)


def test_nothing_is_requested_before_a_token_is_needed(
    clock: VirtualClock, endpoint: TokenEndpoint
) -> None:
    source_at(clock, endpoint.issue)
    assert endpoint.issued == []


def test_a_token_is_used_again_until_shortly_before_it_expires(
    clock: VirtualClock, endpoint: TokenEndpoint
) -> None:
    source = source_at(clock, endpoint.issue)
    first = source.authorization()
    clock.s += 17.9
    assert source.authorization() == first == f"Bearer {endpoint.issued[0][0]}"
    clock.s += 0.1
    assert source.authorization() == f"Bearer {endpoint.issued[1][0]}"


def test_a_token_of_an_hour_is_renewed_a_minute_before(clock: VirtualClock) -> None:
    endpoint = TokenEndpoint(3_600.0, clock)
    source = source_at(clock, endpoint.issue)
    first = source.authorization()
    clock.s += 3_539.0
    assert source.authorization() == first
    clock.s += 1.0
    assert source.authorization() != first


def test_the_lifetime_counts_from_before_the_request(
    clock: VirtualClock, endpoint: TokenEndpoint
) -> None:
    def slow() -> Token:
        token = endpoint.issue()
        clock.s += 5.0
        return token

    source = source_at(clock, slow)
    source.authorization()
    clock.s += 13.0
    source.authorization()
    assert len(endpoint.issued) == 2


@pytest.mark.parametrize(("length_s", "pause_s"), [
    (600, 0.05), (600, 0.37), (600, 5.0), (600, 17.0), (600, 30.0), (3_600, 0.5), (3_600, 60.0),
])  # fmt: skip
def test_in_ten_minutes_or_an_hour_no_request_is_refused_and_no_token_is_requested_twice(
    clock: VirtualClock, endpoint: TokenEndpoint, length_s: float, pause_s: float
) -> None:
    """A token is needed where the last one is older than 18 of its 20 s, and nowhere else."""
    source = source_at(clock, endpoint.issue)
    begin_s, needed, renewed_s = clock.s, 0, float("-inf")
    while clock.s - begin_s < length_s:
        if clock.s - renewed_s >= 18:
            needed, renewed_s = needed + 1, clock.s
        assert endpoint.accepts(source.authorization())
        clock.s += pause_s
    assert len(endpoint.issued) == needed


def test_a_hundred_threads_that_ask_at_once_cause_one_request(
    clock: VirtualClock, endpoint: TokenEndpoint
) -> None:
    all_ask, may_answer = Barrier(100), Event()

    def request() -> Token:
        may_answer.wait(60)
        return endpoint.issue()

    source = source_at(clock, request)

    def ask(_: int) -> str:
        if all_ask.wait(60) == 0:
            may_answer.set()
        return source.authorization()

    with ThreadPoolExecutor(100) as threads:
        assert len(set(threads.map(ask, range(100)))) == 1
        clock.s += 19.0
        renewed = set(threads.map(ask, range(100)))
    assert len(endpoint.issued) == 2
    assert all(map(endpoint.accepts, renewed))


def test_while_one_renews_a_valid_token_the_others_go_on_with_it(
    clock: VirtualClock, endpoint: TokenEndpoint
) -> None:
    may_answer, is_asked = Event(), Event()
    may_answer.set()

    def request() -> Token:
        is_asked.set()
        may_answer.wait(60)
        return endpoint.issue()

    source = source_at(clock, request)
    first = source.authorization()
    clock.s += 19.0
    may_answer.clear()
    is_asked.clear()
    with ThreadPoolExecutor(1) as threads:
        renewing = threads.submit(source.authorization)
        assert is_asked.wait(60)
        assert source.authorization() == first
        may_answer.set()
        assert renewing.result() != first


def test_a_refusal_is_not_sent_and_the_endpoint_is_left_alone_for_a_while(
    clock: VirtualClock, endpoint: TokenEndpoint
) -> None:
    request = Refusing(endpoint)
    source = source_at(clock, request)
    for _ in range(1_000):
        with pytest.raises(NotSent, match="refused the client with status 401"):
            source.authorization()
    assert request.asked == 1
    for _ in range(600):
        clock.s += 1.0
        with pytest.raises(NotSent):
            source.authorization()
    assert request.asked <= 30
    request.refuses = False
    clock.s += 30.0
    assert endpoint.accepts(source.authorization())


def test_a_refused_renewal_is_tried_again_while_the_token_is_valid(
    clock: VirtualClock, endpoint: TokenEndpoint
) -> None:
    request = Refusing(endpoint)
    request.refuses = False
    source = source_at(clock, request)
    first = source.authorization()
    request.refuses = True
    clock.s += 18.0
    assert [source.authorization() for _ in range(100)] == [first] * 100
    assert request.asked == 2
    request.refuses = False
    clock.s += 1.5
    assert source.authorization() != first


def test_a_token_that_expires_before_it_arrives_is_not_sent(
    clock: VirtualClock, endpoint: TokenEndpoint
) -> None:
    def late() -> Token:
        token = endpoint.issue()
        clock.s += 30.0
        return token

    with pytest.raises(NotSent, match="no token: one of 20 s expired before it arrived"):
        source_at(clock, late).authorization()


def test_a_token_is_a_secret_before_it_is_sent() -> None:
    obtained = ObtainedTokens()
    source = TokenSource(lambda: Token("0pen-sesame-7", 20.0), obtained=obtained)
    authorization = source.authorization()
    assert redact(f"who sent {authorization}?", Secrets(obtained=obtained)) == (
        "who sent Bearer ***?"
    )
    assert Secrets(obtained=obtained).learned == ("0pen-sesame-7",)


def test_one_client_of_one_endpoint_has_one_source_in_a_process() -> None:
    sources = TokenSources()
    client = OAuth2(token_url="http://auth.example", client_id="ada", client_secret="hunter22")
    auth, other = (Auth(oauth2=client.model_copy(update={"scope": name})) for name in ("a", "b"))
    network = Network({"auth.example": "127.0.0.1"})
    assert sources(auth, network) is sources(auth.model_copy(), Network({**network.connect_to}))
    assert sources(auth, network) is not sources(other, network)
    assert sources(auth, network) is not sources(auth, Network())


def test_a_real_endpoint_is_asked_once_for_many_threads() -> None:
    with serving_tokens() as server, ThreadPoolExecutor(20) as threads:
        source = TokenSources()(Auth(oauth2=OAuth2(**server.auth)), Network())
        tokens = set(threads.map(source.authorization, range(100)))
    assert tokens == {f"Bearer {server.endpoint.issued[0][0]}"}
    assert server.paths == ["/token"]
    assert server.endpoint.issued[0][0] in OBTAINED


def test_a_token_that_was_refused_is_discarded_and_no_newer_one(clock: VirtualClock) -> None:
    source = source_at(clock, TokenEndpoint(now_s=clock).issue)
    first = source.authorization()
    source.discard(first)
    second = source.authorization()
    assert second != first
    source.discard(first)
    assert source.authorization() == second
