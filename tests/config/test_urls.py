import pytest
from pydantic import TypeAdapter, ValidationError

from config.urls import BaseUrl, PrometheusUrl, Url, UrlPath

URL = TypeAdapter(Url)
BASE = TypeAdapter(BaseUrl)
PROMETHEUS = TypeAdapter(PrometheusUrl)
PATH = TypeAdapter(UrlPath)


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("http://shop", "http://shop"),
        ("https://shop.example:8443/a/", "https://shop.example:8443/a"),
        ("http://[::1]:80/", "http://[::1]:80"),
    ],
)
def test_a_base_url_keeps_everything_but_its_trailing_slash(written: str, url: str) -> None:
    assert BASE.validate_python(written) == PROMETHEUS.validate_python(written) == url


@pytest.mark.parametrize("written", ["http://shop/metrics/", "http://shop/metrics?job=a"])
def test_a_url_of_metrics_is_used_as_it_was_written(written: str) -> None:
    assert URL.validate_python(written) == written


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("shop.example", "is not an address; write http://… or https://…"),
        ("ftp://shop.example", "is not an address"),
        ("http://shop.example:0", "is not an address"),
        ("http://shop.example:70000", "is not an address"),
        ("http://shop .example", "is not an address"),
        ("http://café.example", "write its host in Punycode, xn--…"),
        ("http://me:s3cret@shop.example", "use a header"),
    ],
)
def test_a_url_that_no_request_can_go_to_is_refused(url: str, reason: str) -> None:
    with pytest.raises(ValidationError) as error:
        URL.validate_python(url)
    assert reason in error.value.errors()[0]["msg"]
    assert "s3cret" not in error.value.errors()[0]["msg"]


@pytest.mark.parametrize(
    ("adapter", "remedy"), [(BASE, "use a header"), (PROMETHEUS, "use headers or bearer_token")]
)
@pytest.mark.parametrize("end", ["?key=s3cret", "#s3cret"])
def test_a_base_url_ends_before_its_query(adapter: TypeAdapter[str], remedy: str, end: str) -> None:
    with pytest.raises(ValidationError) as error:
        adapter.validate_python(f"http://shop.example{end}")
    assert error.value.errors()[0]["msg"].endswith(f"a URL must not contain ? or #; {remedy}")


def test_a_path_begins_with_a_slash() -> None:
    assert PATH.validate_python("/health") == "/health"
    with pytest.raises(ValidationError, match="'health' is not a path; write /…"):
        PATH.validate_python("health")
