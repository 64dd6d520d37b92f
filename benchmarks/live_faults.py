"""Run real loads against a shop with a fault, and ask each page the questions of a new reader.

    python -m benchmarks.live_faults --folder runs/live-faults [--fault stall] [--seconds 40]

A shop of its own (`faulty_shop`), a real Prometheus that scrapes it five times a second, and
`run.py load`: some runs without a fault, then one run per fault, each with these as its history.
The shop writes the true times of its fault. Prints the path of each page and the sentences that
answer when it was, in which step, which witness differs, whether it was the service or the load
generator, and since which run. Exits with 1 if one of them is missing, or names another time.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

from benchmarks.faulty_shop import DATABASE, TIMES, FaultName
from tests.integration.real_prometheus import real_prometheus
from tests.secured_servers import free_port, running

ROOT = Path(__file__).resolve().parents[1]
BANNER = "banner"
SOUND_RUNS = 5
_SCRAPES_S = 1.5  # until Prometheus has scraped the shop several times
_TOLERANCE = timedelta(seconds=2)  # an interval of a chart, and some scrapes

_ENVIRONMENT = """\
environment: shop
services:
  shop: {{url: "http://{shop}", metrics: "http://{shop}/metrics"}}
prometheus: {{url: "{prometheus}"}}
databases: {{shop: "sqlite:///{database}"}}
headers: {{X-Tenant-ID: "{{{{ tenant }}}}"}}
tenant: per run
exclusive: true
load: {{allowed: true, max_users: 100, max_rate: 100/s}}
"""
_SCENARIO = """\
scenario: shop
quantities:
  orders:
    prometheus: shop_orders_total{{tenant="{{{{ tenant }}}}"}}
    database: {{shop: "SELECT count(*) FROM orders WHERE tenant = :tenant"}}
    traces: {{shop: "SELECT trace, count(*) FROM orders WHERE tenant = :tenant GROUP BY trace"}}
flow:
  - step: read catalog
    request: GET shop /catalog
    expect: {{status: 200, json: {{"length(items[?@ > `0`]) > `0`": true}}}}
  - step: order
    request: POST shop /orders
    json: {{owner: "{{{{ unique }}}}"}}
    expect: {{status: 201, json: {{state: done}}}}
    counts: {{orders: 1}}
profiles:
  load: {{rate: 20/s, duration: {seconds:g}s, warm_up: 5s, max_users: 100}}
checks:
  latency: [{{p95: 500ms}}, {{step: iteration, p95: 1s}}]
  success_rate: 99%
  usage: [orders]
"""


@dataclass(frozen=True)
class Answer:
    """What a page must say to a question, and in which section.

    A group `time` of the pattern is the time at which the fault must have begun.
    """

    question: str
    section: str
    pattern: str

    def sentence_in(self, texts: dict[str, str], begun_at: datetime) -> str:
        """Return what the page says, or "" if it does not or names another time."""
        for found in re.finditer(self.pattern, texts.get(self.section, "")):
            time = found.groupdict().get("time")
            if time is None or is_near(time, begun_at):
                return found[0]
        return ""


WHEN, STEP, WITNESS, WHO, SINCE = (
    "when?", "which step?", "which witness, since when?", "service or generator?",
    "since which night?",
)  # fmt: skip
_TIME = r"(?P<time>\d\d:\d\d:\d\d(\.\d+)?)"
_AGREE = Answer(WITNESS, BANNER, "1 of 1 counts agree")
_NEW = Answer(SINCE, BANNER, "New in this run: .* passed in each of the \\d+ earlier runs")
_SLOW = rf"Step .* was slow from {_TIME} to [\d:.]+ UTC"
_SERVICE = Answer(WHO, BANNER, "the service and the network took [\\d.]+ % of the response time")
ANSWERS: dict[FaultName, tuple[Answer, ...]] = {
    FaultName.STALL: (
        Answer(WHEN, BANNER, _SLOW),
        Answer(STEP, BANNER, "Step (order|read catalog) was slow"),
        _AGREE,
        _SERVICE,
        Answer(SINCE, BANNER, "iteration p95 [\\d.]+ s; median of the last \\d+ passing runs"),
    ),
    FaultName.SLOW_THIRD: (
        Answer(WHEN, BANNER, _SLOW),
        Answer(STEP, BANNER, "Step order was slow"),
        _AGREE,
        _SERVICE,
        _NEW,
    ),
    FaultName.ERRORS: (
        Answer(WHEN, BANNER, rf"from {_TIME} to [\d:]+ UTC"),
        Answer(STEP, BANNER, r"order: status 503, expected 201 \(\d+ of \d+\)"),
        _AGREE,
        Answer(WHO, BANNER, "status 503"),  # a response, so the service's
        _NEW,
    ),
    FaultName.LOSING_COUNTER: (
        Answer(WHEN, BANNER, f"Prometheus differs since {_TIME} UTC"),
        Answer(STEP, BANNER, r"\d+ orders short in step order: \d+ counted, \d+ done"),
        Answer(WITNESS, BANNER, f"The service and Prometheus are .* since {_TIME} UTC"),
        Answer(WHO, "balance", "client and database:shop agree on .* the counter missed"),
        _NEW,
    ),
    FaultName.LOSING_ROWS: (
        Answer(WHEN, BANNER, f"the first was sent at {_TIME} UTC"),
        Answer(STEP, BANNER, r"\d+ orders short in step order: \d+ counted, \d+ done"),
        Answer(WITNESS, BANNER, f"The database shop is .* the first was sent at {_TIME} UTC"),
        Answer(WHO, "balance", "client, service and prometheus agree on .* was not stored"),
        _NEW,
    ),
    FaultName.LARGE_CATALOG: (
        Answer(WHEN, BANNER, _SLOW),
        Answer(STEP, BANNER, "Step read catalog was slow"),
        _AGREE,
        Answer(WHO, BANNER, "[Tt]he load generator( did not keep up|, not the service, took)"),
        _NEW,
    ),
}


class _Texts(HTMLParser):
    """Collects the text that stands open on a page, by section."""

    _HIDDEN = ("svg", "style", "script", "title")
    _INLINE = ("a", "b", "strong", "span", "small", "code")

    def __init__(self) -> None:
        super().__init__()
        self.section, self.texts = BANNER, {BANNER: ""}
        self._hidden: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a section, or something that is folded or no text."""
        if tag == "section":
            self.section = dict(attrs).get("aria-labelledby") or ""
            self.texts[self.section] = ""
        if tag in self._HIDDEN or tag == "details":
            self._hidden.append(tag)
        if tag not in self._INLINE:
            self.handle_data(" ")

    def handle_endtag(self, tag: str) -> None:
        """End what the tag began."""
        if self._hidden and self._hidden[-1] == tag:
            self._hidden.pop()

    def handle_data(self, data: str) -> None:
        """Take the text, unless it is folded."""
        if not self._hidden:
            self.texts[self.section] += data


def texts_of(page: str) -> dict[str, str]:
    """Return the open text of a page by section; the first is the banner."""
    parser = _Texts()
    parser.feed(page)
    return {name: " ".join(text.split()) for name, text in parser.texts.items()}


def is_near(time: str, truth: datetime) -> bool:
    """Tell whether a time of day is the true time, within `_TOLERANCE`; also around midnight."""
    hour, minute, second = time.split(":")
    named = timedelta(hours=int(hour), minutes=int(minute), seconds=float(second))
    midnight = truth.replace(hour=0, minute=0, second=0, microsecond=0)
    day = timedelta(days=1)
    apart = (midnight + named - truth + day / 2) % day - day / 2
    return abs(apart) <= _TOLERANCE


@dataclass(frozen=True)
class LiveRun:
    """A run that has ended: its page, and when the fault of the shop truly began."""

    page: Path
    begun_at: datetime

    def answers(self, expected: Sequence[Answer]) -> Iterator[tuple[Answer, str]]:
        """Yield each question with the sentence that answers it, or ""."""
        texts = texts_of(self.page.read_text())
        for each in expected:
            yield each, each.sentence_in(texts, self.begun_at)


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--folder", type=Path, default=ROOT / "runs" / "live-faults")
    parser.add_argument("--fault", type=FaultName, action="append", choices=list(ANSWERS))
    parser.add_argument("--seconds", type=float, default=40, help="length of each load")
    options = parser.parse_args(arguments)
    sound = options.folder / FaultName.NONE
    for _ in range(SOUND_RUNS - count_runs(sound)):
        run_load(sound, FaultName.NONE, options.seconds)
    missing = 0
    for fault in options.fault or ANSWERS:
        runs = options.folder / fault
        shutil.rmtree(runs, ignore_errors=True)
        shutil.copytree(sound / "history", runs / "history")
        run = run_load(runs, fault, options.seconds)
        missing += print_answers(fault, run)
    return 1 if missing else 0


def count_runs(runs: Path) -> int:
    """Count the runs of a history."""
    return len(list((runs / "history").glob("*.json")))


def print_answers(fault: FaultName, run: LiveRun) -> int:
    """Print what the page of a run answers; return how many questions it does not."""
    print(f"{fault}, from {run.begun_at:%H:%M:%S} UTC: {run.page}", flush=True)
    answers = list(run.answers(ANSWERS[fault]))
    for each, sentence in answers:
        print(f"  {each.question:<27} {each.section:<10} {sentence or 'NO ANSWER'}", flush=True)
    return sum(not sentence for _, sentence in answers)


def run_load(runs: Path, fault: FaultName, load_s: float) -> LiveRun:
    """Run one load against a new shop. Raises CalledProcessError if it ends without a verdict."""
    runs.mkdir(parents=True, exist_ok=True)
    scenario, environment = (runs / name for name in ("scenario.yaml", "environment.yaml"))
    scenario.write_text(_SCENARIO.format(seconds=load_s))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with shop_with(folder, fault, load_s) as settings:
            environment.write_text(settings)
            command = [sys.executable, "run.py", "load", "--env", str(environment), "--scenario",
                       str(scenario), "--profile", "load", "--runs", str(runs)]  # fmt: skip
            ended = subprocess.run(
                command, cwd=ROOT, capture_output=True, text=True, check=False,
                env={**os.environ, "COLUMNS": "80"},
            )  # fmt: skip
            if ended.returncode == 2:  # noqa: PLR2004  # wrong input, nothing sent
                ended.check_returncode()
        times = folder / TIMES
        begun_s = float(times.read_text().split()[0]) if times.exists() else 0.0
    page = (runs / "latest" / "report.html").resolve(strict=True)
    (page.parent / "terminal.txt").write_text(ended.stdout)
    return LiveRun(page, datetime.fromtimestamp(begun_s, UTC))


@contextmanager
def shop_with(folder: Path, fault: FaultName, load_s: float) -> Iterator[str]:
    """Run the shop and its Prometheus within the block; yield the environment file."""
    port = free_port()
    address = f"127.0.0.1:{port}"
    command = [sys.executable, "-m", "benchmarks.faulty_shop", str(port), str(folder),
               "--fault", fault, "--seconds", f"{load_s:g}"]  # fmt: skip
    with running(command, address, folder), real_prometheus(folder, "shop", port) as prometheus:
        yield _ENVIRONMENT.format(shop=address, prometheus=prometheus, database=folder / DATABASE)


if __name__ == "__main__":
    sys.exit(main())
