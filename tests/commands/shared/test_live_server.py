import http.client
from urllib.parse import urlsplit

import httpx
import pytest

from commands.shared.live_server import live_server


def test_the_page_is_served_as_it_is_now_and_renewed_every_two_seconds() -> None:
    pages = iter(["one", "two"])
    with live_server(lambda: next(pages)) as address:
        first, second = httpx.get(address), httpx.get(address)
    assert (first.text, second.text) == ("one", "two")
    assert first.headers["refresh"] == "2"
    assert first.headers["cache-control"] == "no-store"
    assert first.headers["x-frame-options"] == "DENY"


def test_it_is_for_this_machine_only() -> None:
    with live_server(lambda: "page") as address:
        assert urlsplit(address).hostname == "127.0.0.1"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_it_is_read_only(method: str) -> None:
    with live_server(lambda: "page") as address:
        assert httpx.request(method, address).status_code == 501


def test_a_head_has_no_body_and_no_other_path_is_there() -> None:
    with live_server(lambda: "page") as address:
        assert httpx.head(address).text == ""
        assert httpx.get(f"{address}evidence/run.json").status_code == 404
        assert httpx.get(f"{address}?x=1").status_code == 404


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1:1", ""])
def test_another_name_for_this_machine_is_refused(host: str) -> None:
    with live_server(lambda: "page") as address:
        connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
        connection.request("GET", "/", headers={"Host": host})
        assert connection.getresponse().status == 421
        connection.close()


def test_it_is_closed_with_the_run() -> None:
    with live_server(lambda: "page") as address:
        pass
    with pytest.raises(httpx.ConnectError):
        httpx.get(address)
