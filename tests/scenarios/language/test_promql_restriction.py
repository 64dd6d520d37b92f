import pytest

from scenarios.language.promql_restriction import restrict_query

_ENV = {"env": "x"}


@pytest.mark.parametrize(
    ("query", "restricted"),
    [
        ("a_total", 'a_total{env="x"}'),
        ("sum(rate(a_total[5m]))", 'sum(rate(a_total{env="x"}[5m]))'),
        ('a{b="c",}', 'a{b="c", env="x"}'),
        ("absent(a{ })", 'absent(a{env="x"})'),
        ("a{b='{'} - a:b:c", 'a{b=\'{\', env="x"} - a:b:c{env="x"}'),
        ('{"a.total", b="c"}', '{"a.total", b="c", env="x"}'),
        ('{__name__=~"a.*"}', '{__name__=~"a.*", env="x"}'),
        ("sum by (le) (a) / sum(b) by (le)", 'sum by (le) (a{env="x"}) / sum(b{env="x"}) by (le)'),
        ("a / on (c) group_left (d) b", 'a{env="x"} / on (c) group_left (d) b{env="x"}'),
        ("a / on (c) group_left b", 'a{env="x"} / on (c) group_left b{env="x"}'),
        ("a AND b or c unless d", 'a{env="x"} AND b{env="x"} or c{env="x"} unless d{env="x"}'),
        ("a > bool 1e-5 + 0x1f", 'a{env="x"} > bool 1e-5 + 0x1f'),
        ("a offset -1h30m @ 12.5", 'a{env="x"} offset -1h30m @ 12.5'),
        ("max_over_time(rate(a[1m])[10m:30s])", 'max_over_time(rate(a{env="x"}[1m])[10m:30s])'),
        ('label_replace(a, "b", "$1", "c", "d")', 'label_replace(a{env="x"}, "b", "$1", "c", "d")'),
        ("a > +Inf # not b", 'a{env="x"} > +Inf # not b'),
        ("vector(1) + time()", "vector(1) + time()"),
        ("a @ end()", 'a{env="x"} @ end()'),
    ],
)
def test_every_selector_of_a_query_is_restricted_and_nothing_else(
    query: str, restricted: str
) -> None:
    assert restrict_query(query, _ENV) == restricted


@pytest.mark.parametrize(
    "query", ['a{env="y"}', 'a{env=~".+"}', 'a{"env"!="x"}', 'a{b="c",env=""}']
)
def test_a_selector_that_names_the_label_is_left_as_it_is(query: str) -> None:
    assert restrict_query(query, _ENV) == query


def test_each_label_that_a_selector_does_not_name_is_added() -> None:
    restricted = restrict_query('a{env="y"}', {"env": "x", "team": 'the "b"'})
    assert restricted == 'a{env="y", team="the \\"b\\""}'


@pytest.mark.parametrize(
    "query",
    [
        "WITH (x = 1) a",
        'a{b="c" or d="e"}',
        "a default 0",
        "sum",
        "a keep_metric_names",
        "a / on (c + d) b",
        "start + a",
    ],
)
def test_of_a_query_that_may_mean_something_else_nothing_is_changed(query: str) -> None:
    assert restrict_query(query, _ENV) is None


def test_a_value_that_looks_like_promql_stays_a_value() -> None:
    assert restrict_query("a", {"env": 'x"} or b{c="d'}) == 'a{env="x\\"} or b{c=\\"d"}'
