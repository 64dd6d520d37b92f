import json
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from checks.witnesses.queries import PrometheusDown, PrometheusQueries
from tests.checks.evidence_factory import vector
from tests.checks.tiny_server import Says, TinyServer, nobody_listens_at, serving

QUERY, TARGETS, BUILD = "/api/v1/query", "/api/v1/targets", "/api/v1/status/buildinfo"


@contextmanager
def _asking(
    answers: dict[str, Says], timeout_s: float = 5.0
) -> Iterator[tuple[PrometheusQueries, TinyServer]]:
    with (
        serving(answers) as server,
        closing(PrometheusQueries(server.url, timeout_s)) as queries,
    ):
        yield queries, server


def test_an_answer_is_kept_verbatim_with_its_result_and_warnings() -> None:
    said = json.dumps(vector(3, warnings=["some data may be missing"]), indent=3)
    with _asking({QUERY: Says(said)}) as (queries, _):
        answer = queries.ask("up", 1_000.0)
    assert answer.text == said
    assert answer.warnings == ["some data may be missing"]
    assert [each["value"][1] for each in answer.result] == ["3"]


@pytest.mark.parametrize(
    ("says", "sentence"),
    [
        (Says("oh no", 500, "text/plain"), "answered 500"),
        (Says('{"status":"error","error":"bad data"}', 400), "answered 400: bad data"),
        (Says("<html>Sign in</html>", 200, "text/html"), "does not answer as Prometheus does"),
        (Says('{"status": "succ', 200), "does not answer as Prometheus does"),
        (Says("[]", 200), "does not answer as Prometheus does"),
        (Says("{}", 200), "does not answer as Prometheus does"),
        (Says("", 200), "does not answer as Prometheus does"),
        (Says("busy", 503, "text/plain"), "answered 503"),
    ],
    ids=["500", "400", "HTML", "torn JSON", "a list", "no data", "empty", "503"],
)
def test_an_unusable_answer_is_said_in_a_sentence_after_exactly_one_request(
    says: Says, sentence: str
) -> None:
    with _asking({QUERY: says}) as (queries, server):
        with pytest.raises(PrometheusDown) as raised:
            queries.ask("up", None)
        assert server.asked == [QUERY]
    assert sentence in str(raised.value)
    assert server.url in str(raised.value)


def test_a_prometheus_that_hangs_did_not_answer_in_time_and_is_not_asked_again() -> None:
    with _asking({QUERY: Says(hangs=True)}, timeout_s=0.1) as (queries, server):
        with pytest.raises(PrometheusDown, match="did not answer in time"):
            queries.ask("up", None)
        assert server.asked == [QUERY]


def test_a_prometheus_that_nobody_runs_cannot_be_reached() -> None:
    url = nobody_listens_at()
    with closing(PrometheusQueries(url, 5.0)) as queries:
        with pytest.raises(PrometheusDown, match="cannot be reached"):
            queries.ask("up", None)
        assert queries.intervals_s() is None
        assert queries.version() == ""


def test_a_refusal_after_a_good_answer_tells_of_the_refusal() -> None:
    with _asking({QUERY: Says(json.dumps(vector(1)))}) as (queries, server):
        queries.ask("up", None)
    with closing(queries), pytest.raises(PrometheusDown, match="cannot be reached"):
        queries.ask("up", None)
    assert server.asked == [QUERY]


def test_the_clock_skew_is_that_of_the_server() -> None:
    told = {"status": "success", "data": {"resultType": "scalar", "result": [0, "0"]}}
    with _asking({QUERY: Says(json.dumps(told))}) as (queries, _):
        assert queries.clock_skew_s() < -1e9


def test_a_clock_that_is_no_number_is_down() -> None:
    with (
        _asking({QUERY: Says(json.dumps(vector()))}) as (queries, _),
        pytest.raises(PrometheusDown),
    ):
        queries.clock_skew_s()


@pytest.mark.parametrize(
    ("told", "seconds"), [("15s", 15.0), ("1m30s", 90.0), ("500ms", 0.5), ("", 15.0)]
)
def test_the_interval_of_a_job_is_read_from_its_targets(told: str, seconds: float) -> None:
    target = {"labels": {"job": "shop"}, "scrapeInterval": told}
    answer = {"status": "success", "data": {"activeTargets": [target]}}
    with _asking({TARGETS: Says(json.dumps(answer))}) as (queries, _):
        assert queries.intervals_s() == {"shop": seconds}


def test_targets_that_are_not_told_are_not_none_at_all() -> None:
    with _asking({}) as (queries, _):
        assert queries.intervals_s() is None


def test_the_version_is_the_one_told_or_none() -> None:
    with _asking({BUILD: Says('{"data": {"version": "3.5.0"}}')}) as (queries, _):
        assert queries.version() == "3.5.0"
    with _asking({BUILD: Says("<html>", 200, "text/html")}) as (queries, _):
        assert queries.version() == ""
