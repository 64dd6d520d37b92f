import json
from pathlib import Path
from typing import Any

import pytest

from config.environment import Environment, Service
from scenarios.evidence.run_folder import RunFolder
from tests.evidence_factory import exposition
from tests.secured_servers import Exchange, answering
from tests.tiny_server import Says, nobody_listens_at, serving
from tests.witnesses.counted_quantities import uses_by_kind
from tests.witnesses.service.scraped_shop import responds, shop_at
from witnesses.model import Moment
from witnesses.service.collector import ServiceCollector, fetch_exposition, metrics_client


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
    assert scrapes == {
        "number": number, "start_times": [512.5] * number, "fell": "", "self_counting": [],
    }  # fmt: skip
    assert number > 2


def test_a_counter_that_falls_between_two_scrapes_is_recorded(folder: RunFolder) -> None:
    numbers = iter([5, 4, *[6] * 30])

    def answer(exchange: Exchange) -> None:
        exchange.say(exposition({"tea": next(numbers)}).encode(), Content_Type="text/plain")

    with answering(answer) as heard:
        collector = ServiceCollector(shop_at(heard.url), [uses_by_kind()])
        collector.collect(Moment.BEFORE, folder)
    assert "uses_total" in _index(folder)["shop-0"]["scrapes"]["fell"]


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
    with serving({"/metrics": Says("oh no", 500)}) as server:
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
        with metrics_client(environment) as client:
            assert fetch_exposition(client, f"{heard.url}/metrics") == (b"", "")
    assert heard.headers[0]["X-Scrape"] == "yes"
    assert "X-Tenant-ID" not in heard.headers[0]
