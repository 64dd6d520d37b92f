import json

from scenarios.language.objectives import PromqlCheck
from witnesses.prometheus.check_query import CheckQuery


def _of(query: str, **match: str) -> CheckQuery:
    check = PromqlCheck(name="errors", query=query, expect="== 0")
    return CheckQuery.of_check(check, match, "acme", "30s")


def test_a_query_has_its_variables_and_is_restricted_to_the_targets() -> None:
    query = _of("sum(increase(errors_total{tenant='{{ tenant }}'}[{{ window }}]))", env="staging")
    assert query.text == "sum(increase(errors_total{tenant='acme', env=\"staging\"}[30s]))"
    assert query.is_restricted


def test_without_a_match_a_query_is_left_alone_even_where_it_cannot_be_read() -> None:
    assert _of("a default 0") == CheckQuery("a default 0", is_restricted=True)


def test_a_query_that_cannot_be_restricted_is_asked_as_it_is_and_recorded_so() -> None:
    query = _of("a default 0", env="staging")
    assert query == CheckQuery("a default 0", is_restricted=False)
    assert json.loads(query.recorded({"status": "success"})) == {
        "query": "a default 0",
        "is_restricted": False,
        "response": {"status": "success"},
    }
