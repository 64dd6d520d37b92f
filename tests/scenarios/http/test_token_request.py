import json
from base64 import b64encode
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import urlsplit

import pytest

from config.auth import Auth, OAuth2
from config.network import Network
from scenarios.http.token_request import MAX_BYTES, Token, TokenRefused, request_token
from tests.secured_servers import answering, sign
from tests.tiny_server import nobody_listens_at
from tests.token_server import serving_tokens

HANGS_S = 0.3
WELL: dict[str, Any] = {"access_token": "t0ken", "token_type": "bearer", "expires_in": 20}


def auth_at(url: str, **settings: Any) -> Auth:
    client = {"token_url": f"{url}/token", "client_id": "ada", "client_secret": "hunter22"}
    return Auth(oauth2=OAuth2(**{**client, **settings}))


def answered(content: Any, status: int = 200) -> Token:
    """Return the token of one answer: of JSON, or of bytes as they are."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    with serving_tokens(answer=lambda: (status, body)) as server:
        return request_token(auth_at(server.url), Network())


def refusal(content: Any, status: int = 200) -> str:
    """Return what is said of one answer, without the beginning that is always the same."""
    with pytest.raises(TokenRefused) as error:
        answered(content, status)
    begin, _, rest = str(error.value).partition("/token ")
    assert begin.startswith("no token: http://127.0.0.1:")
    assert "hunter22" not in rest
    assert len(rest) < 150
    assert "\n" not in rest
    return rest


@pytest.mark.parametrize("style", ["header", "body"])
def test_the_client_authenticates_itself_in_the_header_or_in_the_body(style: str) -> None:
    with serving_tokens() as server:
        auth = auth_at(server.url, style=style, scope="read write", audience="shop",
                       client_secret="a/b c")  # fmt: skip
        request_token(auth, Network())
    (form,), (headers,) = server.forms, server.headers
    own = {"client_id": "ada", "client_secret": "a/b c"} if style == "body" else {}
    assert form == {
        "grant_type": "client_credentials", "scope": "read write", "audience": "shop", **own
    }  # fmt: skip
    encoded = f"Basic {b64encode(b'ada:a%2Fb+c').decode()}"
    assert headers.get("Authorization") == (encoded if style == "header" else None)
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"


def test_scope_and_audience_are_left_out_unless_they_are_given() -> None:
    with serving_tokens() as server:
        request_token(auth_at(server.url), Network())
    assert server.forms == [{"grant_type": "client_credentials"}]


@pytest.mark.parametrize(
    ("written", "lifetime_s"),
    [(20, 20.0), ("3599", 3599.0), (1.5, 1.5), (10**400, 1e9), (1e300, 1e9), ("9" * 400, 1e9)],
    ids=str,
)
def test_a_lifetime_may_be_a_number_or_its_digits_and_has_a_limit(
    written: Any, lifetime_s: float
) -> None:
    body = json.dumps({**WELL, "expires_in": written}).encode()
    assert answered(body) == Token("t0ken", lifetime_s)


@pytest.mark.parametrize("missing", ["expires_in", "token_type"])
def test_what_is_missing_has_a_default(missing: str) -> None:
    content = {name: value for name, value in WELL.items() if name != missing}
    assert answered(content) == Token("t0ken", 3_600.0 if missing == "expires_in" else 20.0)


@pytest.mark.parametrize("written", [0, -5, 0.5, "0", "-1"])
def test_a_token_without_a_lifetime_is_refused(written: Any) -> None:
    assert refusal({**WELL, "expires_in": written}) == "sent a token that has expired already"


@pytest.mark.parametrize("written", ["soon", "", None, True, [20], {"s": 20}, "1e3"])
def test_a_lifetime_that_is_no_number_is_refused(written: Any) -> None:
    expected = "sent an expires_in that is no number of seconds"
    assert refusal({**WELL, "expires_in": written}) == expected


@pytest.mark.parametrize(
    "token",
    ["a\r\nX-Evil: 1", "a\nb", "a\0b", "", " ", "a b", "täst", 7, None, ["a"], {}, "x" * 16_385],
)
def test_a_token_that_no_header_can_carry_is_refused(token: Any) -> None:
    expected = "sent no access_token that a header can carry"
    assert refusal({**WELL, "access_token": token}) == expected


@pytest.mark.parametrize(
    "content", [b"", b"rubbish", b"[]", b"null", b'"t"', b"\xff\xfe", b"[" * 5_000, b'{"a":' * 200]
)
def test_an_answer_that_is_no_json_object_is_refused(content: bytes) -> None:
    assert refusal(content) == "sent no JSON object"


@pytest.mark.parametrize("kind", ["mac", "DPoP", "", 7, None])
def test_a_token_of_another_type_is_refused(kind: Any) -> None:
    expected = "sent a token of another type than Bearer"
    assert refusal({**WELL, "token_type": kind}) == expected


@pytest.mark.parametrize(
    ("status", "content", "said"),
    [
        (401, {"error": "invalid_client"}, "status 401: invalid_client"),
        (400, {"error": "invalid_scope", "error_description": "hunter22"},
         "status 400: invalid_scope"),
        (401, {"error": "<script>hunter22"}, "status 401"),
        (500, b"oops", "status 500"),
        (302, WELL, "status 302"),
        (503, [], "status 503"),
    ],
)  # fmt: skip
def test_a_refusal_has_its_status_and_the_code_of_the_error(
    status: int, content: Any, said: str
) -> None:
    assert refusal(content, status) == f"refused the client with {said}"


def test_a_huge_answer_is_not_read() -> None:
    said = refusal(b'{"access_token": "' + b"a" * MAX_BYTES + b'"}')
    assert said == f"gave no response: the body is over {MAX_BYTES:,} bytes"


def test_a_slow_endpoint_is_not_waited_for() -> None:
    is_over = Event()

    def hang() -> tuple[int, bytes]:
        is_over.wait(60)
        return 200, b""

    with serving_tokens(answer=hang) as server:
        with pytest.raises(TokenRefused) as error:
            request_token(auth_at(server.url), Network(), HANGS_S)
        is_over.set()
    assert str(error.value) == f"no token: {server.url}/token did not respond within 0.3 s"


def test_an_endpoint_that_nobody_runs_is_named() -> None:
    url = nobody_listens_at()
    with pytest.raises(TokenRefused, match=f"no token: {url}/token gave no response: .*refused"):
        request_token(auth_at(url), Network())


def test_the_query_of_the_endpoint_is_sent_and_not_shown() -> None:
    with (
        serving_tokens(answer=lambda: (500, b"")) as server,
        pytest.raises(TokenRefused) as error,
    ):
        request_token(auth_at(server.url, token_url=f"{server.url}/token?key=hunter22"), Network())
    assert "hunter22" not in str(error.value)


def test_the_endpoint_is_asked_over_the_network_of_the_environment(tmp_path: Path) -> None:
    made = sign(tmp_path, "DNS:auth.example")
    with answering(lambda exchange: exchange.say(b"", 405), made) as heard:
        port = urlsplit(heard.url).port
        network = Network({"auth.example": f"127.0.0.1:{port}"}, str(made.ca))
        with pytest.raises(TokenRefused, match="refused the client with status 501"):
            request_token(auth_at("https://auth.example"), network)
