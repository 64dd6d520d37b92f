"""Real backends behind TLS, a password, a prefix or a proxy."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TypeVar
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from config.prometheus import Prometheus
from tests.secured_servers import (
    Exchange,
    answering,
    find_program,
    free_port,
    running,
    sign,
    write_scraping,
)
from witnesses.prometheus.client import PrometheusClient, PrometheusDown
from witnesses.prometheus.discovery import discover_replicas
from witnesses.target_labels import job_matcher

pytestmark = pytest.mark.stack

T = TypeVar("T")

# What bcrypt makes of the password, in 16 rounds.
PASSWORD = "open sesame"
HASH = "$2b$04$jvcJGjcHV4cN89f36k9tSeTEuwiMUqWtcnPSZIPlUDzjgdDd7K2Km"
JOB = "back-office"
WAIT_S = 60.0


def asking(url: str, **others: object) -> "closing[PrometheusClient]":
    settings = {"url": url, "timeout": "5s", **others}
    return closing(PrometheusClient(Prometheus.model_validate(settings)))


def awaited(ask: Callable[[], T]) -> T:
    """Ask until there is a result; a backend is not ready at once, and then has no scrapes yet."""
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        with suppress(PrometheusDown):
            if found := ask():
                return found
        time.sleep(0.05)
    return ask()


def assert_same_clock(queries: PrometheusClient) -> None:
    """Two clocks that are one differ by no more than it takes to ask."""
    since = time.monotonic()
    skew_s = queries.clock_skew_s()
    assert abs(skew_s) <= 0.01 + time.monotonic() - since


@contextmanager
def prometheus(folder: Path, *options: str, **scrape: object) -> Iterator[str]:
    """Yield the address of a Prometheus that scrapes itself below /prometheus, as HOST:PORT."""
    address = f"127.0.0.1:{free_port()}"
    scraping = write_scraping(folder, JOB, address, metrics_path="/prometheus/metrics", **scrape)
    command = [
        *(find_program("prometheus"), f"--config.file={scraping}"),
        *(f"--storage.tsdb.path={folder / 'samples'}", f"--web.listen-address={address}"),
        *("--web.route-prefix=/prometheus", *options),
    ]
    with running(command, address, folder):
        yield address


@pytest.mark.core
@pytest.mark.long
def test_a_prometheus_with_tls_a_password_and_a_prefix_responds_to_every_query(
    tmp_path: Path,
) -> None:
    made = sign(tmp_path / "certificates")
    guard = tmp_path / "guard.json"
    tls = {"cert_file": str(made.certificate), "key_file": str(made.key)}
    guard.write_text(json.dumps({"tls_server_config": tls, "basic_auth_users": {"me": HASH}}))
    scrape = {
        "scheme": "https",
        "tls_config": {"ca_file": str(made.ca)},
        "basic_auth": {"username": "me", "password": PASSWORD},
    }
    with prometheus(tmp_path, f"--web.config.file={guard}", **scrape) as address:
        url, ca_file = f"https://{address}/prometheus", str(made.ca)
        me = {"username": "me", "password": PASSWORD}
        with asking(url, ca_file=ca_file, basic_auth=me) as client:
            awaited(lambda: client.query(f"up{job_matcher([JOB])} == 1", None).result)
            assert client.query(f"up{job_matcher([JOB])}", None).result[0]["value"][1] == "1"
            assert_same_clock(client)
            assert client.intervals_s() == {JOB: 0.2}
            assert awaited(lambda: client.stamped_intervals_s([JOB])[JOB]) == pytest.approx(
                0.2, abs=0.05
            )
            assert client.version()
        wrong = {**me, "password": "open barley"}
        refused: list[tuple[dict[str, object], str]] = [
            ({"ca_file": ca_file}, r"wants to know who asks \(401: Unauthorized\)"),
            ({"ca_file": ca_file, "basic_auth": wrong}, "refused the user or password"),
            ({"ca_file": ca_file, "bearer_token": "t"}, "refused the token"),
            ({}, "that nobody trusted here signed"),
        ]
        for others, error in refused:
            with asking(url, **others) as client, pytest.raises(PrometheusDown, match=error):
                client.query("up", None)
        for wrong_url, error in [
            (url.replace("https:", "http:"), r"speaks TLS only \(400.*write https://"),
            (url.replace("127.0.0.1", "localhost"), "that is not for localhost"),
        ]:
            with (
                asking(wrong_url, ca_file=ca_file) as client,
                pytest.raises(PrometheusDown, match=error),
            ):
                client.query("up", None)


@pytest.mark.long
def test_a_prometheus_behind_a_proxy_responds_to_requests_with_the_token(tmp_path: Path) -> None:
    def forward(exchange: Exchange) -> None:
        if exchange.headers.get("Authorization") != "Bearer t0ken":
            exchange.say(b"who are you?", 403, Content_Type="text/plain")
            return
        try:
            with urlopen(Request(f"http://{address}{exchange.path}"), timeout=60) as answer:
                exchange.say(answer.read(), answer.status, Content_Type="application/json")
        except HTTPError as error:
            exchange.say(error.read(), error.code, Content_Type="text/plain")

    with prometheus(tmp_path) as address, answering(forward) as proxy:
        with asking(f"{proxy.url}/prometheus/", bearer_token="t0ken") as client:
            assert awaited(client.intervals_s) == {JOB: 0.2}
            assert_same_clock(client)
            assert client.version()
            with pytest.raises(PrometheusDown, match=r"responded 400: .*parse error"):
                client.query("((", None)
        with (
            asking(proxy.url, bearer_token="t0ken") as client,
            pytest.raises(PrometheusDown, match=r"responded 404.*write in prometheus\.url"),
        ):
            client.query("up", None)
        with (
            asking(f"{proxy.url}/prometheus") as client,
            pytest.raises(PrometheusDown, match=r"\(403: who are you\?\)"),
        ):
            client.query("up", None)


@pytest.mark.long
def test_victoria_metrics_evaluates_every_query_as_of_now(tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    command = [
        *(find_program("victoria-metrics"), "-memory.allowedBytes=64MB"),
        f"-promscrape.config={write_scraping(tmp_path, JOB, address)}",
        *(f"-storageDataPath={tmp_path / 'samples'}", f"-httpListenAddr={address}"),
    ]
    with running(command, address, tmp_path), asking(f"http://{address}") as client:
        ups = awaited(lambda: client.query(f"up{job_matcher([JOB])}", None).result)
        assert [each["value"][1] for each in ups] == ["1"]
        assert_same_clock(client)
        assert client.intervals_s() == {JOB: 0.2}
        assert awaited(lambda: client.stamped_intervals_s([JOB])[JOB]) == pytest.approx(
            0.2, abs=0.05
        )
        assert client.stamped_intervals_s(["nobody"]) == {"nobody": None}
        assert isinstance(client.version(), str)
        counted = client.query(f"count_over_time(up{job_matcher([JOB])}[10s])", time.time())
        assert float(counted.result[0]["value"][1]) > 0
        with pytest.raises(PrometheusDown, match=r"answered \d+: .*unparsed data"):
            client.query("((", None)


@pytest.mark.long
@pytest.mark.parametrize("backend", ["prometheus", "victoria-metrics"])
def test_the_targets_of_a_backend_that_match_are_the_replicas_that_are_discovered(
    tmp_path: Path, backend: str
) -> None:
    """It scrapes itself, once for each of two environments."""
    address = f"127.0.0.1:{free_port()}"
    envs = [{"targets": [address], "labels": {"env": env}} for env in ("staging", "prod")]
    scraping = write_scraping(tmp_path, JOB, address, static_configs=envs)
    options = {
        "prometheus": [f"--config.file={scraping}", f"--storage.tsdb.path={tmp_path / 'samples'}",
                       f"--web.listen-address={address}"],
        "victoria-metrics": [f"-promscrape.config={scraping}", "-memory.allowedBytes=64MB",
                             f"-storageDataPath={tmp_path / 'samples'}",
                             f"-httpListenAddr={address}"],
    }  # fmt: skip
    command = [find_program(backend), *options[backend]]
    url = f"http://{address}"
    with running(command, address, tmp_path), asking(url, match={"env": "staging"}) as client:
        awaited(lambda: client.query(f"up{client.targets_of([JOB])}", None).result)
        (replica,) = discover_replicas(client, JOB)
        assert (replica.instance, replica.url) == (address, f"{url}/metrics")
        assert not replica.is_guessed
        assert awaited(lambda: discover_replicas(client, JOB)[0].start_time)
        with asking(url, match={"env": "test"}) as of_test:
            assert discover_replicas(of_test, JOB) == []
