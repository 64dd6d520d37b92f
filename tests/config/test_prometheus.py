import pytest
from pydantic import ValidationError

from config.auth import BasicAuth
from config.prometheus import Prometheus

URL = "http://prometheus.example"


@pytest.mark.parametrize(
    ("settings", "credentials"),
    [
        ({}, []),
        ({"headers": {"X-Scope-OrgID": "acme"}}, []),
        ({"bearer_token": "t"}, ["bearer_token"]),
        ({"basic_auth": {"username": "me", "password": "p"}}, ["basic_auth"]),
        ({"headers": {"AUTHORIZATION": "Bearer t"}}, ["headers.AUTHORIZATION"]),
    ],
)
def test_credentials_name_the_settings_that_authenticate(
    settings: dict[str, object], credentials: list[str]
) -> None:
    assert Prometheus.model_validate({"url": URL, **settings}).credentials() == credentials


def test_two_credentials_are_refused_by_name() -> None:
    with pytest.raises(ValidationError, match=r"bearer_token and headers\.Authorization exclude"):
        Prometheus(url=URL, bearer_token="t", headers={"Authorization": "Bearer t"})


def test_a_query_times_out_after_ten_seconds_unless_set() -> None:
    assert Prometheus(url=URL).timeout == 10.0
    assert Prometheus.model_validate({"url": URL, "timeout": "1m"}).timeout == 60.0


def test_an_empty_ca_file_is_none() -> None:
    assert Prometheus(url=URL, ca_file="").ca_file is None


@pytest.mark.parametrize("token", ["", "two words", "Bearer t", "t\n", "ü"])
def test_a_token_is_one_word_of_visible_ascii(token: str) -> None:
    with pytest.raises(ValidationError, match="not a token"):
        Prometheus(url=URL, bearer_token=token)


@pytest.mark.parametrize(
    ("username", "password"), [("a:b", "p"), ("", "p"), ("me", "a\x7f"), ("a\n", "p")]
)
def test_a_username_or_password_that_basic_authentication_cannot_carry_is_refused(
    username: str, password: str
) -> None:
    with pytest.raises(ValidationError):
        BasicAuth(username=username, password=password)


def test_a_password_may_be_empty_as_with_a_key_for_a_username() -> None:
    assert BasicAuth(username="key", password="").password == ""


def test_a_match_is_a_value_for_each_label_of_the_targets() -> None:
    match = {"env": "staging", "Team_2": "a b"}
    assert Prometheus(url=URL, match=match).match == match
    assert Prometheus(url=URL).match == {}


@pytest.mark.parametrize(
    ("match", "message"),
    [
        ({"bad-name": "x"}, "'bad-name' is not a label of a target; write letters, digits and _"),
        ({"app.kubernetes.io/name": "x"}, "is not a label of a target"),
        ({"1st": "x"}, "is not a label of a target"),
        ({"": "x"}, "is not a label of a target"),
        ({"env=~": "x"}, "is not a label of a target"),
        ({"job": "shop"}, "the job is that of each service; write job in the service"),
        ({"__address__": "x"}, "no target keeps __address__"),
        ({"env": ""}, "must be the value that the label has"),
        ({"env": " "}, "must be the value that the label has"),
    ],
)
def test_a_match_that_no_target_can_have_is_refused(match: dict[str, str], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Prometheus(url=URL, match=match)
