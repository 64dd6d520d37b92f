"""One token for all virtual users of a load process: they are greenlets, in a patched process."""

from typing import Any

from tests.scenarios.engine.locust_child import in_locust_child
from tests.token_server import TokenEndpoint, serving_tokens


def ask_at_once(settings: dict[str, Any], number: int) -> list[str]:
    import gevent

    from config.auth import Auth, OAuth2
    from config.network import Network
    from scenarios.http.tokens import TOKEN_SOURCES

    source = TOKEN_SOURCES(Auth(oauth2=OAuth2(**settings)), Network())
    greenlets = [gevent.spawn(source.authorization) for _ in range(number)]
    gevent.joinall(greenlets, raise_error=True)
    return [greenlet.value for greenlet in greenlets]


def test_a_hundred_users_that_ask_at_once_cause_one_request() -> None:
    with serving_tokens(TokenEndpoint()) as server:
        tokens = in_locust_child(ask_at_once, server.auth, 100)
    assert tokens == [f"Bearer {server.endpoint.issued[0][0]}"] * 100
    assert server.paths == ["/token"]
