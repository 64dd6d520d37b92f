from typing import Any

import pytest

from scenarios.language.apis import Paging
from witnesses.api.paging import MAX_PAGES, NextPage, Page, Pager, PagesMissing, next_link, unmet
from witnesses.api.pick import PickInvalid
from witnesses.api.request import Parameter

_URL = "https://usage.example/v1/usage"
_STRIPE = Paging(cursor="data[-1].id", parameter="starting_after", more="has_more")
_CURSOR = Paging(cursor="next", parameter="cursor")
_NUMBERS = Paging(page="page")
_LINKS = Paging(link="next")


def _page(content: Any = None, rows: int = 1, link: str = "") -> Page:
    return Page(_URL, link, content, rows)


def _cursor(name: str, value: Any) -> NextPage:
    return NextPage(Parameter(name, value))


def test_without_paging_one_response_is_the_whole() -> None:
    pager = Pager(None)
    assert pager.first() == NextPage()
    assert pager.after(_page({"has_more": True})) is None


def test_a_cursor_is_followed_until_the_response_has_no_more() -> None:
    pager = Pager(_STRIPE)
    assert pager.first() == NextPage()
    first = _page({"data": [{"id": "a"}, {"id": "b"}], "has_more": True})
    assert pager.after(first) == _cursor("starting_after", "b")
    assert pager.after(_page({"data": [{"id": "c"}], "has_more": False})) is None


@pytest.mark.parametrize("end", [None, "", []])
def test_a_cursor_is_followed_until_it_is_empty(end: object) -> None:
    pager = Pager(_CURSOR)
    assert pager.after(_page({"next": ["2026-11-27", 7]})) == _cursor("cursor", ["2026-11-27", 7])
    assert pager.after(_page({"next": end})) is None


def test_a_cursor_that_comes_again_is_no_end() -> None:
    pager = Pager(_CURSOR)
    pager.after(_page({"next": "a"}))
    pager.after(_page({"next": "b"}))
    with pytest.raises(PagesMissing, match="repeats a page"):
        pager.after(_page({"next": "a"}))


def test_more_without_a_cursor_is_no_end() -> None:
    with pytest.raises(PagesMissing, match="has a further page and no data"):
        Pager(_STRIPE).after(_page({"data": [], "has_more": True}))


def test_page_numbers_begin_where_they_say_and_end_at_a_page_without_rows() -> None:
    pager = Pager(Paging(page="offset_page", first=0))
    assert pager.first() == _cursor("offset_page", 0)
    assert pager.after(_page({"n": 0})) == _cursor("offset_page", 1)
    assert pager.after(_page({"n": 1}, rows=0)) == _cursor("offset_page", 2)
    assert pager.after(_page({"n": 1}, rows=0)) is None


def test_a_first_page_without_rows_is_the_only_one() -> None:
    assert Pager(_NUMBERS).after(_page({"data": []}, rows=0)) is None


def test_a_page_without_rows_between_others_is_missing_and_no_end() -> None:
    pager = Pager(_NUMBERS)
    pager.after(_page({"n": 1}))
    assert pager.after(_page({"data": []}, rows=0)) == _cursor("page", 3)
    with pytest.raises(PagesMissing, match="has no rows on the page before page 3, which has some"):
        pager.after(_page({"n": 3}))


def test_page_numbers_end_where_the_response_says_it() -> None:
    pager = Pager(Paging(page="page", more="meta.next_page"))
    assert pager.after(_page({"meta": {"next_page": 2}})) == _cursor("page", 2)
    assert pager.after(_page({"meta": {"next_page": None}})) is None


def test_an_empty_page_is_no_end_where_the_response_has_more() -> None:
    pager = Pager(Paging(page="page", more="more"))
    assert pager.after(_page({"more": True}, rows=0)) == _cursor("page", 2)


def test_an_api_that_ignores_the_page_number_is_named() -> None:
    for paging in (_NUMBERS, Paging(page="page", more="more")):
        pager = Pager(paging)
        pager.after(_page({"data": [1], "more": True}))
        with pytest.raises(PagesMissing, match="has the same page 2 as before"):
            pager.after(_page({"data": [1], "more": True}))


def test_pages_without_end_are_not_read_forever() -> None:
    pager = Pager(_NUMBERS)
    for number in range(MAX_PAGES - 1):
        pager.after(_page({"number": number}))
    with pytest.raises(PagesMissing, match="has more than 1,000 pages"):
        pager.after(_page({"number": MAX_PAGES}))


@pytest.mark.parametrize(
    ("total", "words"), [(3, "2 rows on 2 pages, and total is 3"), (None, "none"), ("x", "no num")]
)
def test_fewer_rows_than_there_are_is_a_page_that_is_missing(total: object, words: str) -> None:
    pager = Pager(Paging(cursor="next", parameter="cursor", total="total"))
    pager.after(_page({"next": "a", "total": total}))
    with pytest.raises(PagesMissing, match=words):
        pager.after(_page({"next": None, "total": total}))


def test_as_many_rows_as_there_are_is_the_whole() -> None:
    pager = Pager(Paging(page="page", total="total"))
    pager.after(_page({"total": "2"}, rows=2))
    pager.after(_page({"total": "2"}, rows=0))
    assert pager.after(_page({"total": "2"}, rows=0)) is None


def test_an_expression_that_does_not_fit_a_page_is_no_end() -> None:
    with pytest.raises(PagesMissing, match="cannot be paged"):
        Pager(Paging(cursor="max(data)", parameter="after")).after(_page({"data": "text"}))


@pytest.mark.parametrize(
    ("header", "url"),
    [
        ('</v1/usage?page=2>; rel="next"', f"{_URL}?page=2"),
        ("<?page=2>; rel=next", f"{_URL}?page=2"),
        (f'<{_URL}?a=1,2>; title="a; b"; rel="last next"', f"{_URL}?a=1,2"),
        ('<?page=1>; rel="prev", <?page=3>; REL="Next"', f"{_URL}?page=3"),
        ('<?page=1>; rel="nextish"', ""),
        ('<?page=1>; title="rel=next"', ""),
        ("", ""),
    ],
)
def test_the_next_page_of_a_link_header_is_the_one_of_that_relation(header: str, url: str) -> None:
    assert next_link(header, _URL) == url


@pytest.mark.parametrize(
    "target",
    ["https://other.example/u", "http://usage.example/v1", "//evil.example/", "https://a:b@[",
     "https://me@usage.example/v1/usage"],
)  # fmt: skip
def test_no_credentials_follow_a_link_to_another_origin(target: str) -> None:
    with pytest.raises(PagesMissing, match="another origin"):
        next_link(f'<{target}>; rel="next"', _URL)


def test_links_are_followed_until_there_is_none_and_none_twice() -> None:
    pager = Pager(_LINKS)
    second = pager.after(_page(link='<?page=2>; rel="next"'))
    assert second == NextPage(url=f"{_URL}?page=2")
    assert Pager(_LINKS).after(_page()) is None
    with pytest.raises(PagesMissing, match="repeats a page"):
        pager.after(_page(link='<?page=2>; rel="next"'))


def test_an_offset_grows_by_its_step() -> None:
    pager = Pager(Paging(page="offset", first=0, step=100))
    assert pager.first() == _cursor("offset", 0)
    assert pager.after(_page({"n": 0})) == _cursor("offset", 100)
    assert pager.after(_page({"n": 1})) == _cursor("offset", 200)


def test_an_address_in_the_body_is_followed_until_it_is_null() -> None:
    pager = Pager(Paging(url="next"))
    assert pager.first() == NextPage()
    assert pager.after(_page({"next": f"{_URL}?page=2"})) == NextPage(url=f"{_URL}?page=2")
    assert pager.after(_page({"next": "?page=3"})) == NextPage(url=f"{_URL}?page=3")
    assert pager.after(_page({"next": None})) is None


def test_an_address_is_no_further_page_where_the_response_says_so() -> None:
    pager = Pager(Paging(url="links.next", more="more"))
    assert pager.after(_page({"links": {"next": "?page=2"}, "more": False})) is None


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"next": "https://other.example/u", "more": True}, "leads to another origin"),
        ({"next": None, "more": True}, "has a further page and no address at next"),
        ({"next": 7, "more": True}, "no address at next"),
    ],
)
def test_an_address_that_leads_nowhere_is_no_end(content: Any, words: str) -> None:
    with pytest.raises(PagesMissing, match=words):
        Pager(Paging(url="next", more="more")).after(_page(content))


def test_an_address_that_comes_again_is_no_end() -> None:
    pager = Pager(Paging(url="next"))
    pager.after(_page({"next": "?page=2"}))
    with pytest.raises(PagesMissing, match="repeats a page"):
        pager.after(_page({"next": f"{_URL}?page=2"}))


def test_a_parameter_may_be_in_the_query_though_there_is_a_body() -> None:
    paging = Paging.model_validate({"cursor": "next", "parameter": "next_page", "in": "query"})
    following = Pager(paging).after(_page({"next": "a"}))
    assert following == NextPage(Parameter("next_page", "a", in_query=True))


@pytest.mark.parametrize(
    ("expected", "content", "words"),
    [
        ({"_shards.failed": 0, "timed_out": False}, {"_shards": {"failed": 0}, "timed_out": False},
         ""),
        ({"_shards.failed": 0}, {"_shards": {"failed": 1}}, "_shards.failed is not 0"),
        ({"failed": 0}, {"failed": False}, "failed is not 0"),
        ({"complete": True}, {"complete": 1}, "complete is not true"),
        ({"status": "success"}, {}, 'status is not "success"'),
    ],
)  # fmt: skip
def test_a_response_that_is_not_complete_is_named(
    expected: dict[str, Any], content: Any, words: str
) -> None:
    assert unmet(expected, content) == words


def test_an_expectation_that_does_not_fit_is_invalid() -> None:
    with pytest.raises(PickInvalid):
        unmet({"length(a)": 1}, {"a": 5})
