import gzip
import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest

from config.prometheus import Prometheus
from tests.evidence_factory import vector
from tests.secured_servers import Exchange, answering
from tests.tiny_server import Says, TinyServer, nobody_listens_at, serving
from witnesses.prometheus.client import PrometheusDown, PrometheusQueries

QUERY, TARGETS, BUILD = "/api/v1/query", "/api/v1/targets", "/api/v1/status/buildinfo"


def settings_of(url: str, **others: object) -> Prometheus:
    return Prometheus.model_validate({"url": url, **others})


@contextmanager
def _asking(
    answers: dict[str, Says], timeout: str = "5s"
) -> Iterator[tuple[PrometheusQueries, TinyServer]]:
    with (
        serving(answers) as server,
        closing(PrometheusQueries(settings_of(server.url, timeout=timeout))) as queries,
    ):
        yield queries, server


def test_an_answer_is_kept_verbatim_with_its_result_and_warnings() -> None:
    said = json.dumps(vector(3, warnings=["some data may be missing"]), indent=3)
    with _asking({QUERY: Says(said)}) as (queries, _):
        answer = queries.ask("up", 1_000.0)
    assert (answer.content, answer.text) == (said.encode(), said)
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
        (Says('{"data": {"result": 5}}', 200), "does not answer as Prometheus does"),
        (Says("busy", 503, "text/plain"), "answered 503: busy; wait until it is ready"),
        (Says("slow down", 429, "text/plain"), "answered 429: slow down; let it stand more"),
        (Says("x" * 5_000, 502, "text/plain"), f"answered 502: {'x' * 200}…; see whether"),
        (Says("<html>", 404, "text/html"), "answered 404; write in prometheus.url the path"),
        (Says('{"error": {"odd": 1}}', 422), "answered 422: {'odd': 1}"),
    ],
    ids=[
        "500",
        "400",
        "HTML",
        "torn JSON",
        "a list",
        "no data",
        "empty",
        "a number",
        "503",
        "429",
        "502",
        "404",
        "422",
    ],
)
def test_an_unusable_answer_is_said_in_a_sentence_after_exactly_one_request(
    says: Says, sentence: str
) -> None:
    with _asking({QUERY: says}) as (queries, server):
        with pytest.raises(PrometheusDown) as raised:
            assert queries.ask("up", None).result
        assert server.asked == [QUERY]
    assert sentence in str(raised.value)
    assert server.url in str(raised.value)


def test_a_prometheus_that_hangs_did_not_answer_in_time_and_is_not_asked_again() -> None:
    with _asking({QUERY: Says(hangs=True)}, timeout="100ms") as (queries, server):
        with pytest.raises(PrometheusDown, match="did not answer in time"):
            queries.ask("up", None)
        assert server.asked == [QUERY]


def test_a_prometheus_that_nobody_runs_cannot_be_reached() -> None:
    url = nobody_listens_at()
    with closing(PrometheusQueries(settings_of(url))) as queries:
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
    ("told", "seconds"), [("15s", 15.0), ("1m30s", 90.0), ("500ms", 0.5), ("", None)]
)
def test_the_interval_of_a_job_is_read_from_its_targets(told: str, seconds: float | None) -> None:
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


UP = json.dumps(vector(1)).encode()


@contextmanager
def _asking_of(
    answer: Callable[[Exchange], None], timeout: str = "5s"
) -> Iterator[PrometheusQueries]:
    with (
        answering(answer) as heard,
        closing(PrometheusQueries(settings_of(heard.url, timeout=timeout))) as queries,
    ):
        yield queries


def test_an_answer_that_comes_packed_is_read_and_kept_unpacked() -> None:
    packed = gzip.compress(UP)
    with _asking_of(lambda each: each.say(packed, Content_Encoding="gzip")) as queries:
        answer = queries.ask("up", None)
    assert answer.content == UP
    assert answer.result[0]["value"][1] == "1"


def test_an_answer_without_a_charset_is_read_as_utf_8() -> None:
    said = {"data": {"result": [{"metric": {"städt": "東京"}, "value": [1, "1"]}]}}
    content = json.dumps(said, ensure_ascii=False).encode()
    with _asking_of(lambda each: each.say(content)) as queries:
        assert queries.ask("up", None).result == said["data"]["result"]


def _cut(exchange: Exchange) -> None:
    exchange.say(UP[:20], Content_Length=str(len(UP)))
    exchange.hang_up()


def _fall_silent(exchange: Exchange) -> None:
    exchange.say(UP[:20], Content_Length=str(len(UP)))
    exchange.over.wait(10)


def _hang_up(exchange: Exchange) -> None:
    exchange.hang_up()


def _write_noise(exchange: Exchange) -> None:
    exchange.write(b"\x15\x03\x01\x00\x02\x02\x50")
    exchange.hang_up()


def _pack_badly(exchange: Exchange) -> None:
    exchange.say(b"this is no gzip", Content_Encoding="gzip")


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (_cut, "broke its answer off in the middle; read its log, or its proxy's"),
        (_fall_silent, "did not answer in time, within 0.2 s; see whether it is overloaded"),
        (_hang_up, "cannot be reached: the connection broke; start it"),
        (_write_noise, "cannot be reached: the connection broke; start it"),
        (_pack_badly, "packs its answer in a way that cannot be undone"),
        (lambda each: each.say(b"\xff\xfe{}"), "does not answer as Prometheus does: "),
        (lambda each: each.say(b"{" * 100_000), "does not answer as Prometheus does: "),
        (lambda each: each.say(b'{"data":{"result":[' + b"[" * 100_000), "does not answer as"),
        (lambda each: each.say(b'{"data":{"result":["\xff"]}}'), "does not answer as Prometheus"),
    ],
    ids=["cut", "silent", "hangs up", "noise", "no gzip", "UTF-16", "braces", "deep", "no UTF-8"],
)
def test_a_broken_answer_is_said_in_a_sentence(
    answer: Callable[[Exchange], None], sentence: str
) -> None:
    with _asking_of(answer, "200ms") as queries:
        with pytest.raises(PrometheusDown) as raised:
            assert queries.ask("up", None).result
        assert queries.intervals_s() is None
        assert queries.version() == ""
    assert sentence in str(raised.value)


def test_an_answer_that_knows_itself_to_be_partial_warns_of_it() -> None:
    with _asking({QUERY: Says(json.dumps({**vector(1), "isPartial": True}))}) as (queries, _):
        assert "partial" in queries.ask("up", None).warnings[0]
    with _asking({QUERY: Says(json.dumps({**vector(1), "warnings": None}))}) as (queries, _):
        assert queries.ask("up", None).warnings == []


def test_the_clock_of_a_server_without_scalars_is_asked_for_with_its_fractions() -> None:
    whole, exact = vector(1_000), vector(f"{time.time() + 100.25:.6f}")
    answers = {
        f"{QUERY}?time()": Says(json.dumps(whole)),
        f"{QUERY}?now()": Says(json.dumps(exact)),
    }
    with _asking(answers) as (queries, _):
        assert queries.clock_skew_s() == pytest.approx(100.25, abs=0.2)


def _matrix(**stamps: list[list[float]]) -> Says:
    result = [
        {"metric": {"job": job}, "values": [[at, "1"] for at in each]}
        for job, series in stamps.items()
        for each in series
    ]
    return Says(json.dumps({"data": {"resultType": "matrix", "result": result}}))


def test_an_interval_that_nobody_tells_is_learned_from_what_was_scraped() -> None:
    answers = {
        f'{QUERY}?up{{job=~"gone|one|shop|slow"}}[1m]': _matrix(
            shop=[[0, 5, 10, 40, 45.1], [2, 7, 12]], one=[[7.0]]
        ),
        f'{QUERY}?up{{job=~"gone|one|slow"}}[5m]': _matrix(slow=[[0, 120]], one=[[7.0]]),
        f'{QUERY}?up{{job=~"gone|one"}}[15m]': _matrix(one=[[7.0]]),
    }
    with _asking(answers) as (queries, server):
        told = queries.intervals_s(["slow", "shop", "one", "gone"])
        assert told == {"shop": 5.0, "slow": 120.0, "one": None, "gone": None}
        assert server.asked == [TARGETS, *[QUERY] * 3]


def test_only_the_interval_that_the_targets_do_not_tell_is_learned() -> None:
    targets = [
        {"labels": {"job": "shop"}},
        {"labels": {"job": "till"}, "scrapeInterval": "3s"},
        {"labels": {"job": "bank"}, "discoveredLabels": {"__scrape_interval__": "4s"}},
    ]
    answers = {
        TARGETS: Says(json.dumps({"data": {"activeTargets": targets}})),
        f'{QUERY}?up{{job=~"shop"}}[1m]': _matrix(shop=[[0, 2]]),
    }
    with _asking(answers) as (queries, _):
        told = queries.intervals_s(["shop", "till", "bank", "unknown"])
        assert told == {"shop": 2.0, "till": 3.0, "bank": 4.0}
        assert queries.intervals_s() == {"shop": None, "till": 3.0, "bank": 4.0}


@pytest.mark.parametrize("answer", [Says("[]"), Says(json.dumps(vector(1))), Says("no", 500)])
def test_an_interval_that_cannot_be_learned_is_down(answer: Says) -> None:
    with _asking({QUERY: answer}) as (queries, _), pytest.raises(PrometheusDown):
        queries.intervals_s(["shop"])
