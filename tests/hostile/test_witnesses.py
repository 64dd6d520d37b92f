"""Every hostile page is a witness that reports nothing, with one sentence as its reason."""

import math
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from config.apis import Api
from config.environment import Environment
from config.network import Network
from config.prometheus import Prometheus
from config.services import Service
from scenarios.driver.prober import Prober
from scenarios.http.transport import BoundedClient
from scenarios.language.apis import ApiRequest
from tests.hostile.bodies import BODIES
from tests.hostile.case import Case
from tests.hostile.cases import BY_NAME, HTTP
from tests.hostile.encodings import ENCODINGS
from tests.hostile.heads import HEADS
from tests.hostile.json_bodies import JSON
from tests.hostile.odd import ODD
from tests.hostile.pages import PAGES, READABLE_PAGES
from tests.hostile.prometheus_bodies import PROMETHEUS
from tests.hostile.sentences import is_one_sentence
from tests.hostile.server import HostileServer, serving
from tests.hostile.statuses import STATUSES
from witnesses.api.client import Patience, UsageUnknown, open_api
from witnesses.api.usage import UsageQuery
from witnesses.health.collector import fetch_statuses
from witnesses.prometheus.client import PrometheusClient, PrometheusDown
from witnesses.prometheus.samples import read_series
from witnesses.service.collector import fetch_exposition, metrics_client
from witnesses.service.exposition import parse_exposition

QUICK_S, HANGS_S = 0.3, 5.0
SMALL = 500_000  # bytes of a response of Prometheus

# An endless stream of these is whole before any limit, as far as a reader of the body can tell.
FEW = [HEADS[0], HEADS[3], HEADS[-2], BODIES[0], BODIES[-6], ENCODINGS[0], ENCODINGS[5], *JSON[:3]]


@pytest.fixture(scope="module")
def server() -> Iterator[HostileServer]:
    with serving() as running:
        yield running


def _scraping(server: HostileServer, case: Case, timeout_s: float = HANGS_S) -> BoundedClient:
    return metrics_client(_environment(server, case), "shop", server.url(case), timeout_s)


def _timeout_s(case: Case) -> float:
    return QUICK_S if case.is_slow else HANGS_S


def _environment(server: HostileServer, case: Case) -> Environment:
    return Environment(environment="e", services={"shop": Service(url=server.url(case))})


@pytest.mark.parametrize("case", HTTP, ids=lambda case: case.name)
def test_health_is_unknown_with_one_sentence(server: HostileServer, case: Case) -> None:
    environment = _environment(server, case)
    status = fetch_statuses(environment, "tenant", _timeout_s(case))["shop"]
    assert status.health.status is None
    assert is_one_sentence(status.health.error), status.health.error


@pytest.mark.parametrize("case", JSON, ids=lambda case: case.name)
def test_health_with_too_much_json_has_no_version(server: HostileServer, case: Case) -> None:
    status = fetch_statuses(_environment(server, case), "tenant", HANGS_S)["shop"]
    assert status.version == ""
    assert status.health.status or is_one_sentence(status.health.error)
    assert len(status.health.snippet) <= 200


@pytest.mark.parametrize("case", [*STATUSES, *ODD], ids=lambda case: case.name)
def test_what_is_odd_has_a_status_or_one_sentence(server: HostileServer, case: Case) -> None:
    environment = _environment(server, case)
    health = fetch_statuses(environment, "tenant", HANGS_S)["shop"].health
    assert health.status or is_one_sentence(health.error), health.error
    with metrics_client(environment, "shop", server.url(case), HANGS_S) as client:
        content, error = fetch_exposition(client, server.url(case))
    error = error or parse_exposition(content, server.url(case)).error
    assert is_one_sentence(error), error


@pytest.mark.parametrize("case", [*HTTP, *PAGES], ids=lambda case: case.name)
def test_metrics_are_unreadable_with_one_sentence(server: HostileServer, case: Case) -> None:
    with metrics_client(
        _environment(server, case), "shop", server.url(case), _timeout_s(case)
    ) as client:
        content, error = fetch_exposition(client, server.url(case))
    error = error or parse_exposition(content, server.url(case)).error
    assert is_one_sentence(error), error


@pytest.mark.parametrize(
    ("case", "value"), READABLE_PAGES, ids=lambda each: getattr(each, "name", "")
)
def test_an_odd_page_is_read_in_one_way(server: HostileServer, case: Case, value: str) -> None:
    with metrics_client(_environment(server, case), "shop", server.url(case)) as client:
        content, error = fetch_exposition(client, server.url(case))
    parsed = parse_exposition(content, "")
    series = "uses_total", (("kind", "tea"),)
    read = (
        "contradictory"
        if series in parsed.contradictory
        else str(parsed.values[series[0]][series[1]])
    )
    assert (error, parsed.error, read) == ("", "", value)


@pytest.mark.parametrize("case", PROMETHEUS, ids=lambda case: case.name)
def test_no_question_to_prometheus_has_another_end_than_a_value_or_one_sentence(
    server: HostileServer, case: Case
) -> None:
    settings = Prometheus.model_validate({"url": server.url(case), "timeout": "60s"})
    with closing(PrometheusClient(settings)) as client:
        questions: list[Callable[[], object]] = [
            lambda: client.query("up", None).values, client.clock_skew_s, client.version,
            lambda: client.has_future_samples(["shop"], 1e9), client.intervals_s,
            lambda: client.intervals_s(["shop"]), lambda: client.lag_s(["shop"], 5.0, 1e9),
            lambda: read_series(client.query("up", None).content),
            lambda: client.fetch("series", {"match[]": "up"}),
        ]  # fmt: skip
        for ask in questions:
            try:
                value = ask()
            except (PrometheusDown, ValueError) as error:
                is_ours = isinstance(error, PrometheusDown) or "range vector" in str(error)
                assert is_ours, error
                assert is_one_sentence(str(error)), error
            else:
                assert value is None or not isinstance(value, float) or math.isfinite(value)


@pytest.mark.parametrize("case", [*HTTP, *STATUSES, *JSON], ids=lambda case: case.name)
def test_prometheus_is_down_with_one_sentence(server: HostileServer, case: Case) -> None:
    settings = Prometheus.model_validate(
        {"url": server.url(case), "timeout": f"{_timeout_s(case):g}s"}
    )
    with closing(PrometheusClient(settings, max_bytes=SMALL)) as client:
        with pytest.raises(PrometheusDown) as raised:
            assert client.query("up", None).values is None
        if case in FEW:
            assert client.version() == ""
            assert client.intervals_s() is None
            with pytest.raises(PrometheusDown):
                client.fetch("series", {"match[]": "up"})
    assert is_one_sentence(str(raised.value)), str(raised.value)


@pytest.mark.parametrize("case", FEW, ids=lambda case: case.name)
def test_a_probe_of_a_watch_has_one_sentence(
    server: HostileServer, case: Case, tmp_path: Path
) -> None:
    prober = Prober(_environment(server, case), "shop", tmp_path)
    with closing(prober):
        error = prober.probe().error
    assert is_one_sentence(error) or case in JSON, error


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("a bomb in gzip, gzip",
         "the body is over 16,777,216 bytes after decoding (Content-Encoding: gzip, gzip)"),
        ("a body without end", "the body is over 16,777,216 bytes"),
        ("trailers without end", "its head, trailers or the line of a chunk do not end"),
        ("a body that breaks off", "the body broke off"),
        ("br that was not asked for", "its content-encoding br was not asked for"),
    ],
    ids=lambda each: each[:40],
)  # fmt: skip
def test_the_reason_names_the_limit(server: HostileServer, name: str, what: str) -> None:
    case = BY_NAME[name]
    with metrics_client(
        _environment(server, case), "shop", server.url(case), HANGS_S * 10
    ) as client:
        error = fetch_exposition(client, server.url(case))[1]
    assert error == f"{server.url(case)} sent a response that is not used: {what}"


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("a page of 200,000 samples", "shows more than 100,000 samples"),
        ("a page of 400,000 comments", "shows more than 300,000 lines"),
        ("a page of one long line", "shows a line of more than 16,384 bytes"),
        ("a page of 100,000 labels", "shows a line of more than 16,384 bytes"),
    ],
)
def test_a_page_that_cannot_be_parsed_in_bounds_is_not_parsed(
    server: HostileServer, name: str, what: str
) -> None:
    case = BY_NAME[name]
    with _scraping(server, case) as client:
        assert fetch_exposition(client, server.url(case))[1] == f"{server.url(case)} {what}"


@pytest.mark.parametrize("case", [*HTTP, *STATUSES, *ODD, *JSON], ids=lambda case: case.name)
def test_a_usage_api_has_no_count_with_one_sentence(server: HostileServer, case: Case) -> None:
    settings = {"url": server.url(case), "timeout": f"{_timeout_s(case):g}s"}
    request = ApiRequest.model_validate(
        {"get": "/", "pick": "{value: a}", "paging": {"page": "page"}}
    )
    patience = Patience(sleep=lambda _: None, whole_s=_timeout_s(case))
    with (
        open_api("billing", Api.model_validate(settings), Network(), patience) as client,
        pytest.raises(UsageUnknown) as error,
    ):
        UsageQuery(request, (), {}).fetch(client)
    assert is_one_sentence(str(error.value)), error.value
