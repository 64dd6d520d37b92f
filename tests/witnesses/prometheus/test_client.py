import gzip
import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest

from config.prometheus import Prometheus
from tests.evidence_factory import vector
from tests.secured_servers import Exchange, answering
from tests.tiny_server import Canned, TinyServer, nobody_listens_at, serving
from witnesses.prometheus.client import PrometheusClient, PrometheusDown, QueryRejected

QUERY, TARGETS, BUILD = "/api/v1/query", "/api/v1/targets", "/api/v1/status/buildinfo"


def settings_of(url: str, **others: object) -> Prometheus:
    return Prometheus.model_validate({"url": url, **others})


@contextmanager
def _asking(
    answers: dict[str, Canned], timeout: str = "5s"
) -> Iterator[tuple[PrometheusClient, TinyServer]]:
    with (
        serving(answers) as server,
        closing(PrometheusClient(settings_of(server.url, timeout=timeout))) as client,
    ):
        yield client, server


def test_a_response_is_kept_verbatim_with_its_result_and_warnings() -> None:
    written = json.dumps(vector(3, warnings=["some data may be missing"]), indent=3)
    with _asking({QUERY: Canned(written)}) as (client, _):
        answer = client.query("up", 1_000.0)
    assert (answer.content, answer.text) == (written.encode(), written)
    assert answer.warnings == ["some data may be missing"]
    assert [each["value"][1] for each in answer.result] == ["3"]


@pytest.mark.parametrize(
    ("response", "message"),
    [
        (Canned("oh no", 500, "text/plain"), "responded 500"),
        (Canned('{"status":"error","error":"bad data"}', 400), "responded 400: bad data"),
        (Canned("<html>Sign in</html>", 200, "text/html"), "does not respond as Prometheus does"),
        (Canned('{"status": "succ', 200), "does not respond as Prometheus does"),
        (Canned("[]", 200), "does not respond as Prometheus does"),
        (Canned("{}", 200), "does not respond as Prometheus does"),
        (Canned("", 200), "does not respond as Prometheus does"),
        (Canned('{"data": {"result": 5}}', 200), "does not respond as Prometheus does"),
        (Canned("busy", 503, "text/plain"), "responded 503: busy; wait until it is ready"),
        (Canned("slow down", 429, "text/plain"), "responded 429: slow down; let it stand more"),
        (Canned("x" * 5_000, 502, "text/plain"), f"responded 502: {'x' * 200}…; see whether"),
        (Canned("<html>", 404, "text/html"), "responded 404; write in prometheus.url the path"),
        (Canned('{"error": {"odd": 1}}', 422), "responded 422: {'odd': 1}"),
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
def test_an_unusable_response_is_reported_after_exactly_one_request(
    response: Canned, message: str
) -> None:
    with _asking({QUERY: response}) as (client, server):
        with pytest.raises(PrometheusDown) as raised:
            assert client.query("up", None).result
        assert server.asked == [QUERY]
    assert message in str(raised.value)
    assert server.url in str(raised.value)


@pytest.mark.parametrize(
    ("response", "is_rejected"),
    [
        (Canned('{"status":"error","errorType":"bad_data","error":"parse error"}', 400), True),
        (Canned('{"status":"error","errorType":"execution","error":"many"}', 422), True),
        (Canned('{"status":"error","errorType":"422","error":"cannot parse"}', 422), True),
        (Canned('{"status":"error","errorType":"timeout","error":"slow"}', 503), False),
        (Canned("Client sent an HTTP request to an HTTPS server.", 400, "text/plain"), False),
        (Canned('{"error": "not of the query API"}', 400), False),
        (Canned("no", 404), False),
    ],
)
def test_a_query_is_rejected_only_where_prometheus_says_so(
    response: Canned, is_rejected: bool
) -> None:
    with _asking({QUERY: response}) as (client, _), pytest.raises(PrometheusDown) as raised:
        client.query("up", None)
    assert isinstance(raised.value, QueryRejected) is is_rejected


def test_data_other_than_a_query_is_fetched_whole() -> None:
    with _asking({"/api/v1/series": Canned('{"status": "success", "data": [{"a": "b"}]}')}) as each:
        assert each[0].fetch("series", {"match[]": "up"}) == [{"a": "b"}]


@pytest.mark.parametrize(
    ("response", "message"),
    [
        (Canned("busy", 503, "text/plain"), "responded 503: busy"),
        (Canned("<html>", 200, "text/html"), "does not respond as Prometheus does"),
        (Canned("[]", 200), "does not respond as Prometheus does"),
    ],
)
def test_data_that_cannot_be_fetched_is_reported(response: Canned, message: str) -> None:
    with (
        _asking({"/api/v1/series": response}) as (client, _),
        pytest.raises(PrometheusDown, match=message),
    ):
        client.fetch("series", {})


def test_a_prometheus_that_hangs_is_a_timeout_and_is_not_queried_again() -> None:
    with _asking({QUERY: Canned(hangs=True)}, timeout="100ms") as (client, server):
        with pytest.raises(PrometheusDown, match="did not respond in time"):
            client.query("up", None)
        assert server.asked == [QUERY]


def test_a_prometheus_that_nobody_runs_cannot_be_reached() -> None:
    url = nobody_listens_at()
    with closing(PrometheusClient(settings_of(url))) as client:
        with pytest.raises(PrometheusDown, match="cannot be reached"):
            client.query("up", None)
        assert client.intervals_s() is None
        assert client.version() == ""


def test_a_refusal_after_a_good_response_is_reported_as_a_refusal() -> None:
    with _asking({QUERY: Canned(json.dumps(vector(1)))}) as (client, server):
        client.query("up", None)
    with closing(client), pytest.raises(PrometheusDown, match="cannot be reached"):
        client.query("up", None)
    assert server.asked == [QUERY]


def test_the_clock_skew_is_that_of_the_server() -> None:
    clock = {"status": "success", "data": {"resultType": "scalar", "result": [0, "0"]}}
    with _asking({QUERY: Canned(json.dumps(clock))}) as (client, _):
        assert client.clock_skew_s() < -1e9


def test_a_clock_that_is_no_number_is_down() -> None:
    with (
        _asking({QUERY: Canned(json.dumps(vector()))}) as (client, _),
        pytest.raises(PrometheusDown),
    ):
        client.clock_skew_s()


@pytest.mark.parametrize(
    ("shown", "seconds"), [("15s", 15.0), ("1m30s", 90.0), ("500ms", 0.5), ("", None)]
)
def test_the_interval_of_a_job_is_read_from_its_targets(shown: str, seconds: float | None) -> None:
    target = {"labels": {"job": "shop"}, "scrapeInterval": shown}
    answer = {"status": "success", "data": {"activeTargets": [target]}}
    with _asking({TARGETS: Canned(json.dumps(answer))}) as (client, _):
        assert client.intervals_s() == {"shop": seconds}


def test_a_server_that_reports_no_targets_has_no_intervals_rather_than_none_known() -> None:
    with _asking({}) as (client, _):
        assert client.intervals_s() is None


def test_the_version_is_the_reported_one_or_unknown() -> None:
    with _asking({BUILD: Canned('{"data": {"version": "3.5.0"}}')}) as (client, _):
        assert client.version() == "3.5.0"
    with _asking({BUILD: Canned("<html>", 200, "text/html")}) as (client, _):
        assert client.version() == ""


UP = json.dumps(vector(1)).encode()


@contextmanager
def _asking_of(
    answer: Callable[[Exchange], None], timeout: str = "5s"
) -> Iterator[PrometheusClient]:
    with (
        answering(answer) as heard,
        closing(PrometheusClient(settings_of(heard.url, timeout=timeout))) as client,
    ):
        yield client


def test_a_compressed_response_is_read_and_kept_decompressed() -> None:
    packed = gzip.compress(UP)
    with _asking_of(lambda each: each.say(packed, Content_Encoding="gzip")) as client:
        answer = client.query("up", None)
    assert answer.content == UP
    assert answer.result[0]["value"][1] == "1"


def test_a_response_without_a_charset_is_read_as_utf_8() -> None:
    written = {"data": {"result": [{"metric": {"städt": "東京"}, "value": [1, "1"]}]}}
    content = json.dumps(written, ensure_ascii=False).encode()
    with _asking_of(lambda each: each.say(content)) as client:
        assert client.query("up", None).result == written["data"]["result"]


def _cut(exchange: Exchange) -> None:
    exchange.say(UP[:20], Content_Length=str(len(UP)))
    exchange.hang_up()


def _fall_silent(exchange: Exchange) -> None:
    exchange.say(UP[:20], Content_Length=str(len(UP)))
    exchange.over.wait(240)


def _hang_up(exchange: Exchange) -> None:
    exchange.hang_up()


def _write_noise(exchange: Exchange) -> None:
    exchange.write(b"\x15\x03\x01\x00\x02\x02\x50")
    exchange.hang_up()


def _pack_badly(exchange: Exchange) -> None:
    exchange.say(b"this is no gzip", Content_Encoding="gzip")


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (_cut, "sent a response that is not used: the body broke off; see whether prometheus.url"),
        (_fall_silent, "did not respond in time, within 0.2 s; see whether it is overloaded"),
        (_hang_up, "cannot be reached: the connection broke; start it"),
        (_write_noise, "does not respond in HTTP/1.1; write an address in prometheus.url that"),
        (_pack_badly, "sent a response that is not used: the body is not valid gzip; see whether"),
        (lambda each: each.say(b"\xff\xfe{}"), "does not respond as Prometheus does: "),
        (lambda each: each.say(b"{" * 100_000), "does not respond as Prometheus does: "),
        (lambda each: each.say(b'{"data":{"result":[' + b"[" * 100_000), "does not respond as"),
        (lambda each: each.say(b'{"data":{"result":["\xff"]}}'), "does not respond as Prometheus"),
    ],
    ids=["cut", "silent", "hangs up", "noise", "no gzip", "UTF-16", "braces", "deep", "no UTF-8"],
)
def test_a_broken_response_is_reported(answer: Callable[[Exchange], None], message: str) -> None:
    with _asking_of(answer, "200ms") as client:
        with pytest.raises(PrometheusDown) as raised:
            assert client.query("up", None).result
        assert client.intervals_s() is None
        assert client.version() == ""
    assert message in str(raised.value)


def test_a_partial_response_has_a_warning() -> None:
    with _asking({QUERY: Canned(json.dumps({**vector(1), "isPartial": True}))}) as (client, _):
        assert "partial" in client.query("up", None).warnings[0]
    with _asking({QUERY: Canned(json.dumps({**vector(1), "warnings": None}))}) as (client, _):
        assert client.query("up", None).warnings == []


def test_the_clock_of_a_server_without_scalars_is_read_with_its_fractions() -> None:
    since = time.time()
    whole, exact = vector(1_000), vector(f"{since + 100.25:.6f}")
    answers = {
        f"{QUERY}?time()": Canned(json.dumps(whole)),
        f"{QUERY}?now()": Canned(json.dumps(exact)),
    }
    with _asking(answers) as (client, _):
        skew_s = client.clock_skew_s()
    assert 100.25 - (time.time() - since) <= skew_s <= 100.2501


def _matrix(**stamps: list[list[float]]) -> Canned:
    result = [
        {"metric": {"job": job}, "values": [[at, "1"] for at in each]}
        for job, series in stamps.items()
        for each in series
    ]
    return Canned(json.dumps({"data": {"resultType": "matrix", "result": result}}))


def test_an_interval_that_no_target_shows_is_computed_from_what_was_scraped() -> None:
    answers = {
        f'{QUERY}?up{{job=~"gone|one|shop|slow"}}[1m]': _matrix(
            shop=[[0, 5, 10, 40, 45.1], [2, 7, 12]], one=[[7.0]]
        ),
        f'{QUERY}?up{{job=~"gone|one|slow"}}[5m]': _matrix(slow=[[0, 120]], one=[[7.0]]),
        f'{QUERY}?up{{job=~"gone|one"}}[15m]': _matrix(one=[[7.0]]),
    }
    with _asking(answers) as (client, server):
        intervals_s = client.intervals_s(["slow", "shop", "one", "gone"])
        assert intervals_s == {"shop": 5.0, "slow": 120.0, "one": None, "gone": None}
        assert server.asked == [TARGETS, *[QUERY] * 3]


def test_only_the_interval_that_the_targets_do_not_show_is_computed() -> None:
    targets = [
        {"labels": {"job": "shop"}},
        {"labels": {"job": "till"}, "scrapeInterval": "3s"},
        {"labels": {"job": "bank"}, "discoveredLabels": {"__scrape_interval__": "4s"}},
    ]
    answers = {
        TARGETS: Canned(json.dumps({"data": {"activeTargets": targets}})),
        f'{QUERY}?up{{job=~"shop"}}[1m]': _matrix(shop=[[0, 2]]),
    }
    with _asking(answers) as (client, _):
        intervals_s = client.intervals_s(["shop", "till", "bank", "unknown"])
        assert intervals_s == {"shop": 2.0, "till": 3.0, "bank": 4.0}
        assert client.intervals_s() == {"shop": None, "till": 3.0, "bank": 4.0}


@pytest.mark.parametrize("answer", [Canned("[]"), Canned(json.dumps(vector(1))), Canned("no", 500)])
def test_an_interval_that_cannot_be_computed_is_down(answer: Canned) -> None:
    with _asking({QUERY: answer}) as (client, _), pytest.raises(PrometheusDown):
        client.intervals_s(["shop"])


def test_where_none_of_the_jobs_is_reported_their_intervals_are_computed() -> None:
    """A backend of remote write reports its own targets, or none."""
    targets = [{"labels": {"job": "self"}, "scrapeInterval": "3s"}]
    answers = {
        TARGETS: Canned(json.dumps({"data": {"activeTargets": targets}})),
        f'{QUERY}?up{{job=~"gone|shop"}}[1m]': _matrix(shop=[[0, 2]]),
        f'{QUERY}?up{{job=~"gone"}}[5m]': _matrix(),
        f'{QUERY}?up{{job=~"gone"}}[15m]': _matrix(),
    }
    with _asking(answers) as (client, _):
        assert client.intervals_s(["shop", "gone"]) == {"self": 3.0, "shop": 2.0}


@pytest.mark.parametrize(("newest", "lag_s"), [(995.0, 0.0), (990.0, 0.0), (962.5, 27.5)])
def test_the_lag_is_by_how_much_the_newest_sample_is_older_than_an_interval(
    newest: float, lag_s: float
) -> None:
    query = f'{QUERY}?max(timestamp(up{{job=~"shop"}}))'
    with _asking({query: Canned(json.dumps(vector(newest)))}) as (client, _):
        assert client.lag_s(["shop"], interval_s=10.0, now=1_000.0) == lag_s


def test_where_nothing_was_scraped_there_is_no_lag() -> None:
    with _asking({QUERY: Canned(json.dumps({"data": {"resultType": "vector", "result": []}}))}) as (
        client,
        _,
    ):
        assert client.lag_s(["shop"], interval_s=10.0, now=1_000.0) == 0.0


@pytest.mark.parametrize("status", ["error", "Success", ""])
def test_an_error_with_status_200_is_no_response(status: str) -> None:
    document = {**vector(1), "status": status, "error": "out of memory"}
    with _asking({QUERY: Canned(json.dumps(document))}) as (client, _):
        with pytest.raises(PrometheusDown, match="does not respond as Prometheus does"):
            client.query("up", None)
        with pytest.raises(PrometheusDown, match="does not respond as Prometheus does"):
            client.fetch("query", {"query": "up"})


@pytest.mark.parametrize("value", ["NaN", "+Inf", "-Inf", "1e308", "1e11", "-1e300", "9" * 5000])
def test_what_is_no_instant_is_neither_a_clock_nor_a_lag(value: str) -> None:
    with _asking({QUERY: Canned(json.dumps(vector(value)))}) as (client, _):
        with pytest.raises(PrometheusDown, match="does not respond as Prometheus does"):
            client.clock_skew_s()
        with pytest.raises(PrometheusDown, match="does not respond as Prometheus does"):
            client.lag_s(["shop"], 5.0, time.time())


def test_a_sample_that_no_query_would_show_is_no_lag_to_wait_for() -> None:
    with _asking({QUERY: Canned(json.dumps(vector(0)))}) as (client, _):
        assert client.lag_s(["shop"], 5.0, 3_605.0) == 3_600.0
        with pytest.raises(PrometheusDown):
            client.lag_s(["shop"], 5.0, 3_606.0)


@pytest.mark.parametrize(
    "interval", ["9" * 5000 + "s", "9" * 400 + "h", "867240h", "61m", "0s", "often", ""]
)
def test_an_interval_that_cannot_be_waited_for_is_unknown(interval: str) -> None:
    targets = [{"labels": {"job": "shop"}, "scrapeInterval": interval}]
    answers = {TARGETS: Canned(json.dumps({"data": {"activeTargets": targets}}))}
    with _asking(answers) as (client, _):
        assert client.intervals_s() == {"shop": None}


@pytest.mark.parametrize("stamps", [[9, 1, 5], [1, 1, 1], [1e11, 2e11], [0, 3_601], [-1e300, 1]])
def test_stamps_that_no_clock_made_show_no_interval(stamps: list[float]) -> None:
    with _asking({QUERY: _matrix(shop=[stamps])}) as (client, _):
        assert client.intervals_s(["shop"]) == {"shop": None}


def test_every_query_of_targets_is_restricted_to_the_match_of_the_settings() -> None:
    up, asked = 'up{job=~"shop", env="staging"}', {}
    asked[f"{QUERY}?max(timestamp({up}))"] = Canned(json.dumps(vector(100)))
    asked[f"{QUERY}?sum(count_over_time({up}[86400s]))"] = Canned(json.dumps(vector(1)))
    with serving(asked) as server:
        settings = settings_of(server.url, match={"env": "staging"})
        with closing(PrometheusClient(settings)) as client:
            assert client.targets_of(["shop"]) == '{job=~"shop", env="staging"}'
            assert client.lag_s(["shop"], 5.0, 106.0) == 1.0
            assert client.has_future_samples(["shop"], 106.0)


def test_a_target_of_another_environment_has_no_say_in_the_interval() -> None:
    targets = [
        {"labels": {"job": "shop", "env": env}, "scrapeInterval": interval}
        for env, interval in (("staging", "5s"), ("prod", "60s"), ("", "30s"))
    ]
    body = json.dumps({"status": "success", "data": {"activeTargets": targets}})
    with serving({TARGETS: Canned(body)}) as server:
        settings = settings_of(server.url, match={"env": "staging"})
        with closing(PrometheusClient(settings)) as client:
            assert client.intervals_s(["shop"]) == {"shop": 5.0}
