from dataclasses import replace

import pytest

from reports.views.trace_links import trace_url
from tests.reports.results import good_result


def _url(link: str, trace_id: str = "run-load-1") -> str:
    return trace_url(replace(good_result(), trace_link=link), trace_id)


def test_the_id_stands_where_the_link_has_its_name() -> None:
    assert _url("https://ui.example/t/{trace_id}") == "https://ui.example/t/run-load-1"


def test_an_id_is_encoded_for_an_address() -> None:
    assert _url("https://ui.example/{trace_id}", 'a/b"?') == "https://ui.example/a%2Fb%22%3F"


@pytest.mark.parametrize(
    "link", ["", "javascript:alert({trace_id})", "data:,{trace_id}", "https://" + "x" * 2000]
)
def test_what_is_no_web_address_is_no_link(link: str) -> None:
    assert _url(link) == ""
