import pytest

from config.auth import ApiKey, Auth, BasicAuth, OAuth2
from config.network import Network
from scenarios.http.fetch import NotConnected, fetch
from scenarios.http.service_auth import ServiceAuth
from scenarios.http.token_request import TokenRefused
from scenarios.http.transport import open_client
from tests.secured_servers import Certificates, Heard, answering, sign
from tests.token_server import serving_tokens

BASIC = Auth(basic=BasicAuth(username="ada", password="hunter22"))


def heard_with(auth: Auth, path: str = "/x", **headers: str) -> Heard:
    with (
        answering(lambda exchange: exchange.say(b"")) as heard,
        open_client(Network(), 5.0, headers, auth=ServiceAuth(auth, Network())) as client,
    ):
        fetch(client, f"{heard.url}{path}")
    return heard


@pytest.mark.parametrize(
    ("auth", "name", "value"),
    [
        (BASIC, "Authorization", "Basic YWRhOmh1bnRlcjIy"),
        (Auth(bearer="t0ken"), "Authorization", "Bearer t0ken"),
        (Auth(api_key=ApiKey(header="X-API-Key", value="k3y")), "X-API-Key", "k3y"),
    ],
    ids=["basic", "bearer", "API key"],
)
def test_a_request_carries_the_header_of_its_credentials(auth: Auth, name: str, value: str) -> None:
    assert heard_with(auth).headers[0][name] == value


@pytest.mark.parametrize(("path", "sent"), [("/x", "/x?key=a%26b"), ("/x?y=1", "/x?y=1&key=a%26b")])
def test_a_key_in_the_query_is_appended(path: str, sent: str) -> None:
    auth = Auth(api_key=ApiKey(query="key", value="a&b"))
    assert heard_with(auth, path).paths == [sent]


def test_a_header_that_the_request_has_already_is_kept() -> None:
    assert heard_with(BASIC, authorization="mine").headers[0]["authorization"] == "mine"


def test_a_token_is_fetched_and_used_again() -> None:
    with serving_tokens() as server:
        auth = ServiceAuth(Auth(oauth2=OAuth2(**server.auth)), Network())
        with open_client(Network(), 5.0, auth=auth) as client:
            statuses = [fetch(client, f"{server.url}/x").status for _ in range(3)]
    assert statuses == [200, 200, 200]
    assert server.paths == ["/token", "/x", "/x", "/x"]


def test_without_a_token_nothing_is_sent() -> None:
    with serving_tokens(answer=lambda: (401, b"")) as server:
        auth = ServiceAuth(Auth(oauth2=OAuth2(**server.auth)), Network())
        with open_client(Network(), 5.0, auth=auth) as client, pytest.raises(NotConnected) as error:
            fetch(client, f"{server.url}/x")
    assert isinstance(error.value.__cause__, TokenRefused)
    assert server.paths == ["/token"]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return sign(tmp_path_factory.mktemp("tls"))


def test_a_client_certificate_is_shown_to_a_server_that_asks_for_it(
    certificates: Certificates,
) -> None:
    network = Network(ca_file=str(certificates.ca))
    with answering(lambda exchange: exchange.say(b""), certificates, certificates.ca) as heard:
        with open_client(network, 5.0, certificate=certificates.of_client()) as client:
            assert fetch(client, f"{heard.url}/x").status == 200
        with open_client(network, 5.0) as client, pytest.raises(NotConnected):
            fetch(client, f"{heard.url}/x")


@pytest.mark.parametrize(("renews", "statuses"), [(True, [200, 401, 200]), (False, [200, 401])])
def test_a_token_that_is_refused_is_renewed_once_where_that_is_asked_for(
    renews: bool, statuses: list[int]
) -> None:
    with serving_tokens() as server:
        auth = ServiceAuth(Auth(oauth2=OAuth2(**server.auth)), Network(), renews=renews)
        with open_client(Network(), 5.0, auth=auth) as client:
            fetch(client, f"{server.url}/x")
            server.endpoint.issued.clear()
            assert fetch(client, f"{server.url}/x").status == statuses[-1]
    said = [status for path, status in zip(server.paths, server.statuses, strict=True)
            if path == "/x"]  # fmt: skip
    assert said == statuses
