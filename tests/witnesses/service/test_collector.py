import gzip
import json
import socket
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Barrier, Event, Thread
from typing import Any

import msgspec
import pytest

from config.auth import Auth, OAuth2
from config.environment import Environment
from config.prometheus import Prometheus
from config.services import Service
from scenarios.evidence.run_folder import RunFolder
from tests.evidence_factory import exposition
from tests.secured_servers import Exchange, answering
from tests.tiny_server import Canned, nobody_listens_at, serving
from tests.token_server import serving_tokens
from tests.witnesses.counted_quantities import uses_by_kind
from tests.witnesses.service.scraped_shop import responds, shop_at
from witnesses.model import Moment
from witnesses.prometheus.client import PrometheusClient, QueryResponse
from witnesses.service.collector import ServiceCollector, fetch_exposition, metrics_client
from witnesses.service.reading import read_services


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path)


def _index(folder: RunFolder, moment: Moment = Moment.BEFORE) -> dict[str, Any]:
    path = folder.witnesses / "service" / moment / "index.json"
    content: dict[str, Any] = json.loads(path.read_text())
    return content


def test_the_first_exposition_of_each_replica_is_kept_verbatim(folder: RunFolder) -> None:
    texts = [exposition({"tea": 1}), exposition({"tea": 2}) + "# a comment\n"]
    with serving({f"/{n}": responds(text) for n, text in enumerate(texts)}) as server:
        environment = shop_at(server.url, [f"{server.url}/0", f"{server.url}/1"])
        ServiceCollector(environment).collect(Moment.BEFORE, folder)
    path = folder.witnesses / "service" / "before"
    assert [(path / f"shop-{n}.txt").read_text() for n in (0, 1)] == texts
    assert [each["error"] for each in _index(folder).values()] == ["", ""]


def test_a_replica_is_scraped_repeatedly_and_its_start_times_are_kept(folder: RunFolder) -> None:
    with serving({"/metrics": responds(exposition({"tea": 1}, start_time=512.5))}) as server:
        ServiceCollector(shop_at(server.url)).collect(Moment.AFTER, folder)
        number = len(server.asked)
    scrapes = _index(folder, Moment.AFTER)["shop-0"]["scrapes"]
    page_s = scrapes.pop("page_s")
    assert scrapes == {
        "number": number, "start_times": [512.5] * number, "fell": "", "self_counting": [],
        "moved": [], "sank": [], "page_bytes": len(exposition({"tea": 1}, start_time=512.5)),
    }  # fmt: skip
    assert number > 2
    assert page_s > 0


def test_a_counter_that_falls_between_two_scrapes_is_recorded(folder: RunFolder) -> None:
    numbers = iter([5, 4, *[6] * 30])

    def answer(exchange: Exchange) -> None:
        exchange.say(exposition({"tea": next(numbers)}).encode(), Content_Type="text/plain")

    with answering(answer) as heard:
        collector = ServiceCollector(shop_at(heard.url), [uses_by_kind()])
        collector.collect(Moment.BEFORE, folder)
    assert "uses_total" in _index(folder)["shop-0"]["scrapes"]["fell"]


@pytest.mark.parametrize(("use", "moved"), [(1, ['uses_total{kind="tea",tenant="acme"}']), (0, [])])
def test_a_counter_that_moves_some_time_after_the_first_scrapes_has_moved(
    folder: RunFolder, use: int, moved: list[str]
) -> None:
    """Others that count every few seconds are not seen in scrapes of a moment."""
    uses = [1]

    def answer(exchange: Exchange) -> None:
        exchange.say(exposition({"tea": uses[0]}).encode(), Content_Type="text/plain")

    def sleep(_: float) -> None:
        uses[0] += use

    with answering(answer) as heard:
        shop = shop_at(heard.url)
        ServiceCollector(shop, [uses_by_kind()], 4.0, sleep).collect(Moment.BEFORE, folder)
        asked = len(heard.paths)
        ServiceCollector(shop, [uses_by_kind()], 4.0, sleep).collect(Moment.AFTER, folder)
    scrapes = _index(folder)["shop-0"]["scrapes"]
    assert (scrapes["number"], scrapes["moved"]) == (asked, moved)
    assert (folder.witnesses / "service/before/shop-0.txt").read_text() == exposition({"tea": 1})
    assert uses[0] == 1 + use  # only before the run


def test_all_replicas_of_all_services_are_scraped_at_once(folder: RunFolder) -> None:
    """Each of them responds to its first scrape only when all have been asked."""
    together, served = Barrier(6), list[str]()

    def answer(exchange: Exchange) -> None:
        is_first = exchange.path not in served
        served.append(exchange.path)
        if is_first:
            together.wait(240)
        exchange.say(exposition({"tea": 1}).encode(), Content_Type="text/plain")

    with answering(answer) as heard:
        services = {
            name: Service(url=heard.url, metrics=[f"{heard.url}/{name}/{n}" for n in range(3)])
            for name in ("shop", "till")
        }
        environment = Environment(environment="test", services=services)
        ServiceCollector(environment).collect(Moment.BEFORE, folder)
    index = _index(folder)
    assert list(index) == [f"{name}-{n}" for name in ("shop", "till") for n in range(3)]
    assert [each["error"] for each in index.values()] == [""] * 6


def test_a_replica_that_does_not_respond_holds_no_other_up(folder: RunFolder) -> None:
    is_over, asked = Event(), list[str]()

    def answer(exchange: Exchange) -> None:
        asked.append(exchange.path)
        if exchange.path == "/0":
            is_over.wait(240)
        elif asked.count("/1") == 20:
            is_over.set()
        exchange.say(exposition({"tea": 1}).encode(), Content_Type="text/plain")

    with answering(answer) as heard:
        environment = shop_at(heard.url, [f"{heard.url}/0", f"{heard.url}/1"])
        ServiceCollector(environment, clock=lambda: 0.0).collect(Moment.BEFORE, folder)
    assert [each["scrapes"]["number"] for each in _index(folder).values()] == [20, 20]


@pytest.mark.parametrize(
    ("page_s", "baseline_s", "number", "duration_s"),
    [
        (0.1, 0.0, 20, 2.0),
        (1.5, 0.0, 3, 4.5),
        (1.5, 4.0, 4, 6.0),
        (6.0, 0.0, 2, 12.0),
        (6.0, 4.0, 2, 12.0),
    ],
)
def test_however_long_a_page_takes_the_scrapes_are_over_in_two_scrapes_and_a_bound(
    folder: RunFolder, page_s: float, baseline_s: float, number: int, duration_s: float
) -> None:
    """The clock moves only while a page is scraped, and while the collector sleeps."""
    now_s = [0.0]

    def answer(exchange: Exchange) -> None:
        now_s[0] += page_s
        exchange.say(exposition({"tea": 1}).encode(), Content_Type="text/plain")

    def sleep(for_s: float) -> None:
        now_s[0] += for_s

    with answering(answer) as heard:
        collector = ServiceCollector(
            shop_at(heard.url), [uses_by_kind()], baseline_s, sleep, lambda: now_s[0]
        )
        collector.looks_s = 3.5
        collector.collect(Moment.BEFORE, folder)
    scrapes = _index(folder)["shop-0"]["scrapes"]
    assert (scrapes["number"], scrapes["page_s"]) == (number, pytest.approx(page_s))
    assert now_s[0] == pytest.approx(duration_s)


def test_an_address_that_two_services_share_is_scraped_for_both_at_a_time(
    folder: RunFolder,
) -> None:
    """Scraped for each at once, a counter of the scrapes would rise unevenly."""
    counts = iter(range(1, 100))

    def answer(exchange: Exchange) -> None:
        exchange.say(exposition({"tea": next(counts)}).encode(), Content_Type="text/plain")

    with answering(answer) as heard:
        urls = [heard.url, heard.url.replace("127.0.0.1", "localhost")]
        services = {f"shop{n}": Service(url=url, job="shops") for n, url in enumerate(urls)}
        environment = Environment(environment="test", services=services)
        ServiceCollector(environment, [uses_by_kind()]).collect(Moment.BEFORE, folder)
    first, second = _index(folder).values()
    assert (first["service"], second["service"], second["job"]) == ("shop0", "shop1", "shops")
    assert first["scrapes"] == second["scrapes"]
    assert (first["scrapes"]["number"], first["scrapes"]["moved"]) == (20, [])
    assert first["scrapes"]["self_counting"] == ['uses_total{kind="tea",tenant="acme"}']


def test_each_scrape_has_a_connection_of_its_own(folder: RunFolder) -> None:
    """A kept connection would lead to one process behind a load balancer."""
    handlers = []

    def answer(exchange: Exchange) -> None:
        handlers.append(exchange._handler)
        exchange.say(exposition({"tea": 1}).encode(), Content_Type="text/plain")

    with answering(answer) as heard:
        ServiceCollector(shop_at(heard.url)).collect(Moment.BEFORE, folder)
    assert len({id(handler) for handler in handlers}) == len(handlers) > 2


def test_a_replica_that_fails_is_scraped_once_and_its_body_is_kept(folder: RunFolder) -> None:
    with serving({"/metrics": Canned("oh no", 500)}) as server:
        ServiceCollector(shop_at(server.url)).collect(Moment.BEFORE, folder)
        assert server.asked == ["/metrics"]
    entry = _index(folder)["shop-0"]
    assert entry["error"] == f"{server.url}/metrics responded 500"
    assert (entry["scrapes"]["number"], entry["scrapes"]["start_times"]) == (1, [])
    assert (folder.witnesses / "service" / "before" / "shop-0.txt").read_text() == "oh no"


def test_a_replica_that_cannot_be_reached_has_no_exposition_on_disk(folder: RunFolder) -> None:
    url = nobody_listens_at()
    ServiceCollector(shop_at(url)).collect(Moment.BEFORE, folder)
    assert _index(folder)["shop-0"]["error"].startswith(f"{url}/metrics cannot be reached: ")
    assert not (folder.witnesses / "service" / "before" / "shop-0.txt").exists()


def test_scrapes_carry_the_headers_for_metrics_and_not_those_of_the_traffic() -> None:
    def answer(exchange: Exchange) -> None:
        exchange.say(b"")

    with answering(answer) as heard:
        environment = Environment(
            environment="test",
            services={"shop": Service(url=heard.url)},
            headers={"X-Tenant-ID": "acme"},
            metrics_headers={"X-Scrape": "yes"},
        )
        with metrics_client(environment, "shop", heard.url) as client:
            assert fetch_exposition(client, f"{heard.url}/metrics") == (b"", "")
    assert heard.headers[0]["X-Scrape"] == "yes"
    assert "X-Tenant-ID" not in heard.headers[0]


def test_a_scrape_carries_the_headers_for_metrics_of_its_service(folder: RunFolder) -> None:
    with answering(lambda exchange: exchange.say(exposition({"tea": 1}).encode())) as heard:
        services = {
            "shop": Service(url=heard.url, metrics=[f"{heard.url}/shop"]),
            "broker": Service(
                url=heard.url, metrics=[f"{heard.url}/broker"],
                metrics_headers={"x-scrape": None, "X-Own": "b"},
            ),
        }  # fmt: skip
        environment = Environment(
            environment="test", services=services, metrics_headers={"X-Scrape": "yes"}
        )
        ServiceCollector(environment).collect(Moment.BEFORE, folder)
    shown = {
        (path, headers.get("X-Scrape"), headers.get("X-Own"))
        for path, headers in zip(heard.paths, heard.headers, strict=True)
    }
    assert shown == {("/shop", "yes", None), ("/broker", None, "b")}


def test_a_scrape_carries_the_credentials_of_its_service_on_the_same_origin_only(
    folder: RunFolder,
) -> None:
    def answer(exchange: Exchange) -> None:
        exchange.say(exposition({"tea": 1}).encode())

    with answering(answer) as own, answering(answer) as other:
        urls = [f"{own.url}/metrics", f"{other.url}/metrics"]
        shop = Service(url=own.url, metrics=urls, auth=Auth(bearer="t0ken"))
        environment = Environment(environment="test", services={"shop": shop})
        ServiceCollector(environment).collect(Moment.BEFORE, folder)
    assert {headers.get("Authorization") for headers in own.headers} == {"Bearer t0ken"}
    assert {headers.get("Authorization") for headers in other.headers} == {None}


def test_a_scrape_without_a_token_is_unreadable_and_names_the_endpoint() -> None:
    with serving_tokens(answer=lambda: (500, b"")) as server:
        shop = Service(url=server.url, auth=Auth(oauth2=OAuth2(**server.auth)))
        environment = Environment(environment="test", services={"shop": shop})
        with metrics_client(environment, "shop", f"{server.url}/metrics") as client:
            content, error = fetch_exposition(client, f"{server.url}/metrics")
    assert content == b""
    assert error == (
        f"{server.url}/metrics was not asked: no token: {server.url}/token refused the client "
        "with status 500"
    )


def _redirecting(status: int, **targets: str) -> Callable[[Exchange], None]:
    """Redirect paths by name, and show metrics at all others."""

    def answer(exchange: Exchange) -> None:
        target = targets.get(exchange.path.strip("/"))
        if target:
            exchange.say(b"", status, Location=target)
        else:
            exchange.say(exposition({"tea": 1}).encode(), Content_Type="text/plain")

    return answer


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_on_the_same_address_is_followed(status: int) -> None:
    with (
        answering(_redirecting(status, metrics="/shown/")) as heard,
        metrics_client(shop_at(heard.url), "shop", heard.url) as client,
    ):
        content, error = fetch_exposition(client, f"{heard.url}/metrics")
    assert (content, error) == (exposition({"tea": 1}).encode(), "")
    assert heard.paths == ["/metrics", "/shown/"]


def test_a_redirect_to_another_address_is_named_and_not_followed() -> None:
    with answering(_redirecting(302)) as other:
        target = f"{other.url}/login?token=s3cret"
        with (
            answering(_redirecting(302, metrics=target)) as heard,
            metrics_client(shop_at(heard.url), "shop", heard.url) as client,
        ):
            content, error = fetch_exposition(client, f"{heard.url}/metrics")
    assert content == b""
    assert error.endswith(f"redirects to {other.url}/login; write that address in metrics")
    assert other.paths == []


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("file:///etc/passwd", "file:///etc/passwd"),
        ("javascript:alert(1)", "javascript:alert(1)"),
        ("data:text/plain,orders_total", "data:text/plain,orders_total"),
        ("//ada:s3cret@shop.example/?token=s3cret#s3cret", "http://shop.example/"),
        ("http://[::1", "an address that cannot be read"),
        (f"http://shop.example/{'a' * 9000}", "an address of 9,020 characters"),
    ],
)
def test_an_odd_redirect_is_named_and_not_followed(location: str, shown: str) -> None:
    with (
        answering(_redirecting(302, metrics=location)) as heard,
        metrics_client(shop_at(heard.url), "shop", f"{heard.url}/metrics") as client,
    ):
        error = fetch_exposition(client, f"{heard.url}/metrics")[1]
    assert error == f"{heard.url}/metrics redirects to {shown}; write that address in metrics"
    assert heard.paths == ["/metrics"]


def test_a_redirect_without_an_end_is_an_error() -> None:
    with (
        answering(_redirecting(302, metrics="/metrics")) as heard,
        metrics_client(shop_at(heard.url), "shop", heard.url) as client,
    ):
        assert fetch_exposition(client, f"{heard.url}/metrics")[1].endswith("responded 302")
    assert len(heard.paths) == 4


def test_a_service_whose_metrics_are_none_is_not_scraped_and_not_missed(folder: RunFolder) -> None:
    services = {"shop": Service(url=nobody_listens_at(), metrics="none")}
    collector = ServiceCollector(Environment(environment="test", services=services))
    for moment in Moment:
        collector.collect(moment, folder)
    reading = read_services(folder)
    assert not reading.replicas
    assert reading.absent == {"shop"}
    assert not reading.counts(uses_by_kind())


def test_a_server_of_http_2_alone_is_said_in_one_sentence(folder: RunFolder) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def settings_frame() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(bytes([0, 0, 0, 4, 0, 0, 0, 0, 0]) + b"\r\n")

        thread = Thread(target=settings_frame)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        ServiceCollector(shop_at(url)).collect(Moment.BEFORE, folder)
        thread.join()
    assert _index(folder)["shop-0"]["error"] == f"{url}/metrics does not respond in HTTP/1.1"


def _compressed(encoding: str, kept_ratio: float) -> Callable[[Exchange], None]:
    """Answer with the first part of a compressed exposition, as if that were all."""
    text = exposition({f"kind {n}": n for n in range(100)}).encode()
    body = gzip.compress(text) if encoding == "gzip" else zlib.compress(text)
    part = body[: round(kept_ratio * len(body))]

    def answer(exchange: Exchange) -> None:
        exchange.say(part, Content_Type="text/plain", Content_Encoding=encoding)

    return answer


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
@pytest.mark.parametrize("kept_ratio", [0.0, 0.3, 0.9, 0.99])
def test_a_compressed_page_that_breaks_off_is_an_error_and_no_page_with_fewer_counters(
    encoding: str, kept_ratio: float
) -> None:
    with (
        answering(_compressed(encoding, kept_ratio)) as heard,
        metrics_client(shop_at(heard.url), "shop", heard.url) as client,
    ):
        error = fetch_exposition(client, f"{heard.url}/metrics")[1]
    assert error == (
        f"{heard.url}/metrics sent a response that is not used: "
        "the body broke off: its encoding is incomplete"
    )


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_compressed_page_that_is_whole_is_decoded(encoding: str) -> None:
    with (
        answering(_compressed(encoding, 1.0)) as heard,
        metrics_client(shop_at(heard.url), "shop", heard.url) as client,
    ):
        content, error = fetch_exposition(client, f"{heard.url}/metrics")
    assert error == ""
    assert content.decode() == exposition({f"kind {n}": n for n in range(100)})


class _Targets(PrometheusClient):
    """A client that knows the scraped addresses of a job, which a test changes."""

    def __init__(self, urls: Sequence[str]) -> None:
        super().__init__(Prometheus(url="http://127.0.0.1:9090"))
        self.urls = urls

    def active_targets(self) -> Any:
        labels = {"job": "shop"}
        return [{"labels": {**labels, "instance": url[-1]}, "scrapeUrl": url} for url in self.urls]

    def query(self, query: str, at: float | None) -> QueryResponse:
        return QueryResponse(b"", [], msgspec.Raw(b"[]"), "")


def _discovered(url: str = "http://shop.example", **settings: Any) -> Environment:
    service = Service(url=url, replicas="discovered", **settings)
    prometheus = Prometheus(url="http://127.0.0.1:9090")
    return Environment(environment="test", services={"shop": service}, prometheus=prometheus)


def test_discovered_replicas_are_scraped_before_and_with_those_that_came_after(
    folder: RunFolder,
) -> None:
    pages = {f"/{n}": responds(exposition({"tea": n})) for n in (1, 2, 3)}
    with serving(pages) as server:
        client = _Targets([f"{server.url}/1", f"{server.url}/2"])
        collector = ServiceCollector(_discovered(), client=client)
        collector.collect(Moment.BEFORE, folder)
        client.urls = [f"{server.url}/2", f"{server.url}/3"]
        asked = len(server.asked)
        collector.collect(Moment.AFTER, folder)
        assert "/1" not in server.asked[asked:]
    before, after = _index(folder), _index(folder, Moment.AFTER)
    assert [(each["instance"], each["is_gone"]) for each in before.values()] == [
        ("1", False), ("2", False),
    ]  # fmt: skip
    assert [(each["instance"], each["is_gone"]) for each in after.values()] == [
        ("1", True), ("2", False), ("3", False),
    ]  # fmt: skip
    assert (folder.witnesses / "service/after/shop-2.txt").read_text() == exposition({"tea": 3})


def test_pages_that_cannot_be_read_from_here_are_stated_and_not_asked_for_again(
    folder: RunFolder,
) -> None:
    with serving({"/1": responds(exposition({}))}) as server:
        client = _Targets([f"{server.url}/1", f"{server.url}/2"])
        collector = ServiceCollector(_discovered(), client=client)
        collector.collect(Moment.BEFORE, folder)
        asked = len(server.asked)
        collector.collect(Moment.AFTER, folder)
        assert len(server.asked) == asked
    reason = f"1 of 2 pages cannot be read: {server.url}/2 responded 404"
    for moment in Moment:
        assert _index(folder, moment) == {"shop": {"service": "shop", "unasked": reason}}


def test_what_a_discovered_address_responds_is_kept_only_if_it_is_a_page_of_metrics(
    folder: RunFolder,
) -> None:
    with serving({"/1": responds(exposition({}))}) as server:
        client = _Targets([f"{server.url}/1"])
        collector = ServiceCollector(_discovered(), client=client)
        collector.collect(Moment.BEFORE, folder)
    with serving({"/2": Canned("the keys of the house", 500)}) as server:
        client.urls = [f"{server.url}/2"]
        collector.collect(Moment.AFTER, folder)
    kept = [path.name for path in (folder.witnesses / "service/after").iterdir()]
    assert kept == ["index.json"]
    assert "500" in _index(folder, Moment.AFTER)["shop-1"]["error"]


def test_a_discovered_address_of_another_origin_gets_no_header(folder: RunFolder) -> None:
    seen: list[dict[str, str]] = []

    def answer(exchange: Exchange) -> None:
        seen.append(dict(exchange.headers.items()))
        exchange.say(exposition({}).encode(), Content_Type="text/plain")

    with answering(answer) as heard:
        url = heard.url
        settings: dict[str, Any] = {
            "metrics_headers": {"X-Key": "secret"}, "auth": Auth(bearer="secret")
        }  # fmt: skip
        collector = ServiceCollector(_discovered(**settings), client=_Targets([f"{url}/1"]))
        collector.collect(Moment.BEFORE, folder)
        assert seen
        assert not [each for each in seen if "secret" in " ".join(each.values())]
        seen.clear()
        own = ServiceCollector(_discovered(url, **settings), client=_Targets([f"{url}/1"]))
        own.collect(Moment.BEFORE, folder)
    assert {each["X-Key"] for each in seen} == {"secret"}
    assert {each["Authorization"] for each in seen} == {"Bearer secret"}
