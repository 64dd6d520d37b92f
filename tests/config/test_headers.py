import pytest
from pydantic import TypeAdapter, ValidationError

from config.headers import RESERVED, FlowHeaders, HeaderName, HeaderValue

NAME = TypeAdapter(HeaderName)
VALUE = TypeAdapter(HeaderValue)
FLOW_HEADERS = TypeAdapter(FlowHeaders)


@pytest.mark.parametrize("name", ["Accept", "x-api-key", "X_Y.Z!", "7"])
def test_a_header_name_is_an_http_token(name: str) -> None:
    assert NAME.validate_python(name) == name


@pytest.mark.parametrize("name", ["", "X Key", "X:Key", "X-Key\n", "X-Schlüssel", "(x)"])
def test_a_name_that_is_not_an_http_token_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="is not the name of a header"):
        NAME.validate_python(name)


@pytest.mark.parametrize("value", ["a", "a b", "Bearer {{ token }}", "~"])
def test_a_header_value_may_have_spaces_inside(value: str) -> None:
    assert VALUE.validate_python(value) == value


@pytest.mark.parametrize("value", ["", " ", " a", "a ", "a\nX-Other: 1", "a\tb", "ü"])
def test_a_value_that_could_break_the_request_is_refused(value: str) -> None:
    with pytest.raises(ValidationError, match="not a valid header value"):
        VALUE.validate_python(value)


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_a_flow_cannot_set_a_header_that_the_client_sets(name: str) -> None:
    with pytest.raises(ValidationError, match="leave it out"):
        FLOW_HEADERS.validate_python({name.title(): "1"})


def test_other_clients_may_set_a_reserved_name() -> None:
    assert NAME.validate_python("Connection") == "Connection"
