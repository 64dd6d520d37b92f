"""Pages of metrics that are slow, large or never come bound what a run asks before its load."""

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.integration.command import Ended, Start
from tests.tiny_server import in_background

pytestmark = [pytest.mark.stack, pytest.mark.long]

PAGE_S = 1.5
SERVICES = [f"shop{number}" for number in range(3)]
REPLICAS = 3
FIRST_LINES = "# TYPE uses_total counter\nuses_total {uses}\nprocess_start_time_seconds 1000\n"


class SlowShops:
    """Three services of three replicas on one port; what they were asked, until the first use."""

    def __init__(self) -> None:
        self.url = ""
        self.uses = 0
        self.asked_before: Counter[str] = Counter()
        self.most_at_once = 0
        self._at_once = 0
        self._lock = threading.Lock()
        self.over = threading.Event()

    @contextmanager
    def scraped(self, path: str) -> Iterator[None]:
        """Note a scrape while it lasts."""
        with self._lock:
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
            self.asked_before[path] += not self.uses
        try:
            yield
        finally:
            with self._lock:
                self._at_once -= 1

    def use(self) -> None:
        """Count a use."""
        self.uses += 1


@contextmanager
def _shops(page: Callable[[SlowShops, str], str | None]) -> Iterator[SlowShops]:
    """Serve them; `page` returns the body of a scrape, or None to hang."""
    shops = SlowShops()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if not self.path.startswith("/metrics"):
                self._say("{}")
                return
            with shops.scraped(self.path):
                body = page(shops, self.path)
            if body is not None:
                self._say(body)

        def do_POST(self) -> None:
            shops.use()
            self._say("{}")

        def _say(self, body: str) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            """Write no log."""

    with ExitStack() as held:
        server = held.enter_context(ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        held.enter_context(in_background(server))
        held.callback(shops.over.set)
        shops.url = f"http://127.0.0.1:{server.server_port}"
        yield shops


def _ran(start: Start, shops: SlowShops, folder: Path) -> Ended:
    services = {
        name: {"url": shops.url, "metrics": [f"{shops.url}/metrics/{name}/{number}"
                                             for number in range(REPLICAS)]}
        for name in SERVICES
    }  # fmt: skip
    environment = {"environment": "slow", "services": services, "exclusive": True,
                   "load": {"allowed": True}}  # fmt: skip
    scenario = {
        "scenario": "slow", "quantities": {"uses": {"prometheus": "uses_total"}},
        "flow": [{"step": "use", "request": "POST shop0 /use", "counts": {"uses": 1}}],
        "profiles": {"load": {"users": 1, "iterations": 3}},
    }  # fmt: skip
    for name, document in (("s.yaml", scenario), ("env.yaml", environment)):
        folder.joinpath(name).write_text(json.dumps(document))
    return start("load", "--profile=load", f"--scenario={folder / 's.yaml'}",
                 f"--env={folder / 'env.yaml'}").wait()  # fmt: skip


def _first_replica(shops: SlowShops, path: str, more: str = "") -> str:
    """Return a page of which only the first replica of the first service has counted."""
    uses = shops.uses if path == "/metrics/shop0/0" else 0
    return FIRST_LINES.format(uses=uses) + more


def test_three_services_of_three_slow_replicas_are_scraped_at_once_and_few_times(
    start: Start, tmp_path: Path
) -> None:
    """Five scrapes of 1.5 s in a row are 7.5 s: preflight, three, and one after the baseline."""

    def page(shops: SlowShops, path: str) -> str:
        shops.over.wait(PAGE_S)
        return _first_replica(shops, path)

    with _shops(page) as shops:
        ended = _ran(start, shops, tmp_path)

    assert ended.code == 0, ended.stdout + ended.stderr
    assert shops.most_at_once == len(SERVICES) * REPLICAS
    assert 3 <= min(shops.asked_before.values()) <= max(shops.asked_before.values()) <= 5
    for name in SERVICES:
        observed = ended.finding(f"precondition/single-process/{name}")["observed"]
        assert "of 20 in a row, since a page takes 1." in observed


def test_a_replica_that_hangs_costs_its_own_time_only_and_is_named(
    start: Start, tmp_path: Path
) -> None:
    def page(shops: SlowShops, path: str) -> str | None:
        if path == "/metrics/shop2/2":
            shops.over.wait(240)
            return None
        return _first_replica(shops, path)

    with _shops(page) as shops:
        ended = _ran(start, shops, tmp_path)

    assert ended.code == 3, ended.stdout + ended.stderr
    hanging = shops.asked_before.pop("/metrics/shop2/2")
    assert hanging == 2
    assert min(shops.asked_before.values()) >= 3  # preflight, baseline, and one at its end
    finding = ended.finding("precondition/metrics-readable/shop2")
    assert "did not respond within 10 s" in finding["observed"]
    assert "declare `metrics: none` on the service shop2" in finding["reason"]


@pytest.mark.parametrize(("megabytes", "is_read"), [(2, True), (20, False)])
def test_large_pages_are_read_up_to_their_limit_and_refused_beyond(
    start: Start, tmp_path: Path, megabytes: int, is_read: bool
) -> None:
    line = 'requests_total{path="/api/v1/things/%08d"} 1\n'
    more = "".join(line % number for number in range(megabytes * 1_000_000 // 80))
    more += "# " + "x" * 1_000 + "\n"
    more += ("# " + "x" * 1_000 + "\n") * ((megabytes * 1_000_000 - len(more)) // 1_003)

    def page(shops: SlowShops, path: str) -> str:
        return _first_replica(shops, path, more if path.startswith("/metrics/shop0") else "")

    with _shops(page) as shops:
        ended = _ran(start, shops, tmp_path)

    finding = ended.finding("precondition/metrics-readable/shop0")
    assert ended.code == (0 if is_read else 3), ended.stdout + ended.stderr
    if is_read:
        assert finding["verdict"] == "pass"
        of_one = ended.finding("precondition/single-process/shop0")["observed"]
        assert f"since a page has {megabytes}" in of_one
    else:
        assert "over 16,777,216 bytes" in finding["observed"]
        assert max(shops.asked_before.values()) <= 22
