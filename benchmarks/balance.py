"""How long does Prometheus' part of a balance take, and how much memory, with many series?

    .venv/bin/python -m benchmarks.balance [--series 10000] [--seconds 10]
    .venv/bin/python -m benchmarks.balance --hours 10 [--series 200]

It starts an exporter with so many series (tenants by types) and a Prometheus that scrapes it each
second, moves the counters, and keeps the ledger. A process of its own then takes all samples,
reads them, judges the rows, and must find every figure right. With `--hours`, it judges made-up
evidence of one hour and of so many instead, to show that the memory does not grow with the run.
"""

import argparse
import json
import math
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.error import URLError
from urllib.request import Request, urlopen

from checks.balance.rows import judge_row
from checks.result import ClientFigure
from checks.verdict import Verdict
from config.prometheus import Prometheus
from reference_services.stack.processes import find_prometheus
from scenarios.evidence.run_folder import RunFolder
from witnesses.prometheus.client import PrometheusQueries
from witnesses.prometheus.sample_collector import MOST_SAMPLES
from witnesses.prometheus.windows import BIRTHS, DURATIONS, SHOWN, UP, file_name
from witnesses.prometheus.witness import PrometheusWitness, Reading, read_prometheus

_JOB, _METRIC, _BY = "shop", "uses_total", ("tenant", "type")
_HOST = "127.0.0.1"
_TIMEOUT_S = 30.0
_SCRAPES_AFTER = 5
_SEED = 14

Ledger = dict[tuple[str, ...], int]


class Judged(NamedTuple):
    """What the judging process says: how long each part took, and its peak memory."""

    take_s: float
    figures_s: float
    rows_s: float
    peak_mb: float
    wrong: int
    evidence_mb: float

    @property
    def all_s(self) -> float:
        """All parts together, in seconds."""
        return self.take_s + self.figures_s + self.rows_s


def labels_of(number: int, series: int) -> tuple[str, str]:
    """Return a tenant and a type: as many of the one as of the other."""
    types = max(1, math.isqrt(series))
    return f"tenant-{number // types:05}", f"type-{number % types:05}"


def export(series: int, listener: socket.socket) -> None:
    """Serve so many counters on a socket; a POST of amounts, by number, moves them."""
    labels = (labels_of(number, series) for number in range(series))
    names = [f'{_METRIC}{{tenant="{tenant}",type="{kind}"}} ' for tenant, kind in labels]
    values = [0] * series
    born = f"process_start_time_seconds {time.time()}\n"

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            lines = [f"{name}{value}\n" for name, value in zip(names, values, strict=True)]
            self._answer("".join([f"# TYPE {_METRIC} counter\n", *lines, born]).encode())

        def do_POST(self) -> None:
            amounts = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            for number, amount in amounts:
                values[number] += amount
            self._answer(b"")

        def _answer(self, content: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer((_HOST, 0), Handler, bind_and_activate=False)
    server.socket = listener
    server.serve_forever()


@contextmanager
def running(command: list[str], **options: Any) -> Iterator[subprocess.Popen[str]]:
    """Run a process, and end it with the block."""
    with subprocess.Popen(command, text=True, **options) as process:
        try:
            yield process
        finally:
            process.terminate()


@contextmanager
def scraped_exporter(folder: Path, series: int) -> Iterator[tuple[str, str]]:
    """Start the exporter and a Prometheus that scrapes it; yield where both answer."""
    with ExitStack() as held:
        listener = held.enter_context(socket.create_server((_HOST, 0)))
        exporter = f"{_HOST}:{listener.getsockname()[1]}"
        command = [*_command("export"), str(series), str(listener.fileno())]
        held.enter_context(running(command, pass_fds=[listener.fileno()]))
        with socket.create_server((_HOST, 0)) as free:
            address = f"{_HOST}:{free.getsockname()[1]}"
        settings = {
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
            "scrape_configs": [{"job_name": _JOB, "static_configs": [{"targets": [exporter]}]}],
        }
        (folder / "prometheus.json").write_text(json.dumps(settings))
        command = [
            find_prometheus(),
            f"--config.file={folder / 'prometheus.json'}",
            f"--storage.tsdb.path={folder / 'samples'}",
            f"--web.listen-address={address}",
        ]
        log = held.enter_context((folder / "prometheus.log").open("w"))
        held.enter_context(running(command, stderr=log))
        _wait_until_ready(f"http://{address}")
        yield f"http://{exporter}", f"http://{address}"


def move(url: str, series: int, seconds: int) -> Ledger:
    """Move a third of the counters each second; return what was counted."""
    chance = random.Random(_SEED)  # noqa: S311 - nothing is secret here
    ledger: Ledger = {}
    for _ in range(seconds):
        moved = chance.sample(range(series), max(1, series // 3))
        amounts = [(number, chance.randrange(1, 9)) for number in moved]
        for number, amount in amounts:
            labels = labels_of(number, series)
            ledger[labels] = ledger.get(labels, 0) + amount
        urlopen(Request(f"{url}/move", json.dumps(amounts).encode())).close()  # noqa: S310 - ours
        time.sleep(1)
    return ledger


def measure_run(series: int, seconds: int) -> Judged:
    """Drive one run against a real Prometheus, and judge it in a process of its own."""
    with tempfile.TemporaryDirectory() as place, ExitStack() as held:
        folder = Path(place)
        exporter, prometheus = held.enter_context(scraped_exporter(folder, series))
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        judge = held.enter_context(running([*_command("take"), prometheus, place], **pipes))
        _expect(judge, "opened")
        ledger = move(exporter, series, seconds)
        ended_at = time.time()
        _write_ledger(folder, ledger)
        time.sleep(_SCRAPES_AFTER)
        return Judged(*json.loads(_expect(judge, "", str(ended_at))))


def take_and_judge(url: str, folder: Path) -> Judged:
    """Open the witness, wait to be told when the last answer came, and take and judge all."""
    with closing(
        PrometheusQueries(Prometheus.model_validate({"url": url, "timeout": "30s"}))
    ) as queries:
        witness = PrometheusWitness(queries, [_JOB], RunFolder(folder))
        witness.open(fresh=False)
        print("opened", flush=True)
        ended_at = float(sys.stdin.readline())
        began_at = time.perf_counter()
        witness.close(ended_at, {"uses": _METRIC})
        return judge(folder, time.perf_counter() - began_at)


def judge(folder: Path, take_s: float = 0.0) -> Judged:
    """Read the evidence, and judge each row against the ledger."""
    ledger: Ledger = {tuple(labels): n for labels, n in json.loads(
        (folder / "ledger.json").read_bytes())}  # fmt: skip
    began_at = time.perf_counter()
    figures = read_prometheus(RunFolder(folder)).figures("uses", _BY)
    figures_s = time.perf_counter() - began_at
    rows = [
        judge_row(
            "uses",
            dict(zip(_BY, labels, strict=True)),
            ClientFigure(ledger.get(labels, 0), 0),
            {"prometheus": figures.at(labels)},
            foreign=False,
        )
        for labels in {**ledger, **figures.by_labels}
    ]
    wrong = sum(each.verdict is not Verdict.PASS for each in rows) + (not rows)
    return Judged(
        take_s,
        figures_s,
        time.perf_counter() - began_at - figures_s,
        _peak_mb(),
        wrong,
        sum(path.stat().st_size for path in folder.rglob("prometheus/*.json")) / 1e6,
    )


def _peak_mb() -> float:
    """Return the most memory of this process, in MiB. `ru_maxrss` would begin with its parent's."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    told_kib = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(told_kib) / 1024


def write_evidence(folder: Path, series: int, hours: float) -> None:
    """Make up what Prometheus would have answered: a scrape a second, every series moving."""
    begin, until = 1_000_000.0, 1_000_000.0 + 3600 * hours
    length = max(1, MOST_SAMPLES // series)
    starts = range(int(begin) - 5, int(until) + 5, length)
    path = folder / "evidence" / "witnesses" / "prometheus"
    path.mkdir(parents=True)
    ends = [float(start + length) for start in starts]
    reading = Reading(False, begin, until, ends[-1], 0.0, 1.0, windows=ends)
    (path / "reading.json").write_text(json.dumps(asdict(reading)))
    for number, start in enumerate(starts, 1):
        stamps = range(start, min(start + length, int(until) + 5))
        _write_window(path, number, stamps, series, (int(begin), int(until)))
    total = int(until - begin)
    _write_ledger(folder, {labels_of(number, series): total for number in range(series)})


def measure_hours(series: int, hours: float) -> Judged:
    """Judge a made-up run of so many hours in a process of its own."""
    with tempfile.TemporaryDirectory() as place:
        write_evidence(Path(place), series, hours)
        told = subprocess.run(
            [*_command("judge"), place], check=True, capture_output=True, text=True
        )
        return Judged(*json.loads(told.stdout))


def _write_window(
    path: Path, number: int, stamps: range, series: int, span: tuple[int, int]
) -> None:
    target = {"instance": "shop:80", "job": _JOB}
    values = [[at, str(min(max(at, span[0]), span[1]) - span[0])] for at in stamps]
    kinds = (labels_of(each, series) for each in range(series))
    uses = [{**target, "tenant": tenant, "type": kind} for tenant, kind in kinds]
    constants = {UP: "1", BIRTHS: "500000", DURATIONS: "0.01", SHOWN: str(series)}
    for name, value in constants.items():
        _write_answer(path / file_name(name, number), [target], [[at, value] for at in stamps])
    _write_answer(path / file_name("quantity-uses", number), uses, values)


def _write_answer(path: Path, metrics: list[dict[str, str]], values: list[list[Any]]) -> None:
    samples = json.dumps(values, separators=(",", ":"))
    with path.open("w") as file:
        file.write('{"status":"success","data":{"resultType":"matrix","result":[')
        for number, metric in enumerate(metrics):
            file.write("," * bool(number))
            file.write(f'{{"metric":{json.dumps(metric)},"values":{samples}}}')
        file.write("]}}")


def _write_ledger(folder: Path, ledger: Ledger) -> None:
    (folder / "ledger.json").write_text(json.dumps(list(ledger.items())))


def _command(part: str) -> list[str]:
    return [sys.executable, "-m", "benchmarks.balance", "--part", part]


def _expect(process: subprocess.Popen[str], said: str, told: str = "") -> str:
    if process.stdin is None or process.stdout is None:
        raise SystemExit("the judging process cannot be spoken to")
    if told:
        print(told, file=process.stdin, flush=True)
    line = process.stdout.readline().strip()
    if not line or (said and line != said):
        raise SystemExit(f"the judging process said {line!r}")
    return line


def _wait_until_ready(url: str) -> None:
    deadline = time.monotonic() + _TIMEOUT_S
    while time.monotonic() < deadline:
        try:
            urlopen(f"{url}/-/ready").close()  # noqa: S310 - an address of our own
            return
        except URLError:
            time.sleep(0.1)
    raise SystemExit("Prometheus did not start")


def _print(name: str, series: int, judged: Judged) -> None:
    print(
        f"{name}: {series:,} series in {judged.all_s:.2f} s (taken {judged.take_s:.2f}, "
        f"read {judged.figures_s:.2f}, judged {judged.rows_s:.2f}), peak {judged.peak_mb:.0f} MB, "
        f"evidence {judged.evidence_mb:.1f} MB, {judged.wrong:,} rows wrong"
    )


def _do_part(part: str, given: list[str]) -> None:
    if part == "export":
        export(int(given[0]), socket.socket(fileno=int(given[1])))
    elif part == "take":
        print(json.dumps(take_and_judge(given[0], Path(given[1]))))
    else:
        print(json.dumps(judge(Path(given[0]))))


def main() -> None:
    """Measure, and print one line a run; a wrong figure is the exit status 1."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--series", type=int)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--hours", type=float)
    parser.add_argument("--part", help=argparse.SUPPRESS)
    parser.add_argument("given", nargs="*", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.part:
        _do_part(asked.part, asked.given)
        return
    series = asked.series or (200 if asked.hours else 10_000)
    if asked.hours:
        of = {f"{hours:g} h": measure_hours(series, hours) for hours in (1.0, asked.hours)}
    else:
        of = {f"{asked.seconds} s": measure_run(series, asked.seconds)}
    for name, judged in of.items():
        _print(name, series, judged)
    if asked.hours:
        peaks = [each.peak_mb for each in of.values()]
        print(f"peak memory of the longer over the shorter: {peaks[-1] / peaks[0]:.2f}")
    sys.exit(any(each.wrong for each in of.values()))


if __name__ == "__main__":
    main()
