"""Measure the time and memory that judging the Prometheus witness takes with many series.

    .venv/bin/python -m benchmarks.balance [--series 10000] [--seconds 10]
    .venv/bin/python -m benchmarks.balance --hours 10 [--series 200]

Starts an exporter with N series (tenants × types) and a Prometheus that scrapes it every second,
increments the counters, and keeps the ledger. A subprocess then collects all samples, reads them
and judges the rows. With `--hours`, it judges generated evidence of one hour and of N hours
instead, to show that memory does not grow with the length of the run. Exits with 1 if a row does
not pass.
"""

import argparse
import json
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple
from urllib.error import URLError
from urllib.request import Request, urlopen

from benchmarks.series_exporter import METRIC, labels_of
from checks.balance.rows import judge_row
from checks.result import ClientFigure
from checks.verdict import Verdict
from config.prometheus import Prometheus
from reference_services.stack.processes import find_prometheus
from scenarios.evidence.run_folder import RunFolder
from scenarios.language.quantities import Quantity
from witnesses.model import CountedQuantity, RecordKind
from witnesses.prometheus.client import PrometheusClient
from witnesses.prometheus.collection import COLLECTION_FILE, CollectionRecord
from witnesses.prometheus.collector import PrometheusCollector
from witnesses.prometheus.reading import read_prometheus
from witnesses.prometheus.sample_collector import MAX_SAMPLES
from witnesses.prometheus.service_targets import ServiceTargets
from witnesses.prometheus.windows import DURATIONS, SAMPLE_COUNTS, START_TIMES, UP, file_name

_JOB, _BY = "shop", ("tenant", "type")
_TARGETS = ServiceTargets.of_jobs(_JOB)
_USES = CountedQuantity("uses", Quantity(by=[*_BY], prometheus=METRIC), "", is_exclusive=True)
_HOST = "127.0.0.1"
_TIMEOUT_S = 30.0
_SCRAPES_AFTER = 5
_SEED = 14

Ledger = dict[tuple[str, ...], int]


class BalanceMeasurement(NamedTuple):
    """Durations of the judging subprocess, its peak memory in MiB, and the rows that failed."""

    collect_s: float
    figures_s: float
    rows_s: float
    peak_mb: float
    wrong: int
    evidence_mb: float

    @property
    def all_s(self) -> float:
        """Total duration in seconds."""
        return self.collect_s + self.figures_s + self.rows_s


@contextmanager
def running(command: list[str], **options: Any) -> Iterator[subprocess.Popen[str]]:
    """Run a process, and terminate it at the end of the block."""
    with subprocess.Popen(command, text=True, **options) as process:
        try:
            yield process
        finally:
            process.terminate()


@contextmanager
def scraped_exporter(folder: Path, series: int) -> Iterator[tuple[str, str]]:
    """Start the exporter and a Prometheus that scrapes it; yield their URLs."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server((_HOST, 0)))
        exporter = f"{_HOST}:{listener.getsockname()[1]}"
        command = [sys.executable, "-m", "benchmarks.series_exporter", str(series)]
        command.append(str(listener.fileno()))
        stack.enter_context(running(command, pass_fds=[listener.fileno()]))
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
        log = stack.enter_context((folder / "prometheus.log").open("w"))
        stack.enter_context(running(command, stderr=log))
        _wait_until_ready(f"http://{address}")
        yield f"http://{exporter}", f"http://{address}"


def increment_counters(url: str, series: int, seconds: int) -> Ledger:
    """Increment a third of the counters each second; return the sums by labels."""
    generator = random.Random(_SEED)  # noqa: S311 - nothing is secret here
    ledger: Ledger = {}
    for _ in range(seconds):
        numbers = generator.sample(range(series), max(1, series // 3))
        amounts = [(number, generator.randrange(1, 9)) for number in numbers]
        for number, amount in amounts:
            labels = labels_of(number, series)
            ledger[labels] = ledger.get(labels, 0) + amount
        urlopen(Request(f"{url}/move", json.dumps(amounts).encode())).close()  # noqa: S310 - ours
        time.sleep(1)
    return ledger


def measure_run(series: int, seconds: int) -> BalanceMeasurement:
    """Drive one run against a real Prometheus, and judge it in a subprocess."""
    with tempfile.TemporaryDirectory() as place, ExitStack() as stack:
        folder = Path(place)
        exporter, prometheus = stack.enter_context(scraped_exporter(folder, series))
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        judge = stack.enter_context(running([*_command("collect"), prometheus, place], **pipes))
        _expect(judge, "opened")
        ledger = increment_counters(exporter, series, seconds)
        ended_at = time.time()
        _write_ledger(folder, ledger)
        time.sleep(_SCRAPES_AFTER)
        return BalanceMeasurement(*json.loads(_expect(judge, "", str(ended_at))))


def collect_and_judge(url: str, folder: Path) -> BalanceMeasurement:
    """Open the witness, read the end of the load from standard input, then collect and judge."""
    with closing(
        PrometheusClient(Prometheus.model_validate({"url": url, "timeout": "30s"}))
    ) as client:
        collector = PrometheusCollector(client, _TARGETS, RunFolder(folder), [_USES])
        collector.wait_for_baseline()
        print("opened", flush=True)
        ended_at = float(sys.stdin.readline())
        began_at = time.perf_counter()
        collector.collect_samples(ended_at)
        return judge(folder, time.perf_counter() - began_at)


def judge(folder: Path, collect_s: float = 0.0) -> BalanceMeasurement:
    """Read the evidence, and judge each row against the ledger."""
    ledger: Ledger = {tuple(labels): n for labels, n in json.loads(
        (folder / "ledger.json").read_bytes())}  # fmt: skip
    began_at = time.perf_counter()
    figures = read_prometheus(RunFolder(folder)).figures(_USES)
    figures_s = time.perf_counter() - began_at
    rows = [
        judge_row(
            "uses",
            dict(zip(_BY, labels, strict=True)),
            ClientFigure(ledger.get(labels, 0), 0),
            {"prometheus": figures.at(labels)},
            {"prometheus": RecordKind.COUNTER},
            has_other_traffic=False,
        )
        for labels in {**ledger, **figures.by_labels}
    ]
    wrong = sum(row.verdict is not Verdict.PASS for row in rows) + (not rows)
    return BalanceMeasurement(
        collect_s,
        figures_s,
        time.perf_counter() - began_at - figures_s,
        _peak_mb(),
        wrong,
        sum(path.stat().st_size for path in folder.rglob("prometheus/*.json")) / 1e6,
    )


def _peak_mb() -> float:
    """Return the peak memory of this process in MiB; `ru_maxrss` would include its parent's."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak_kib = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(peak_kib) / 1024


def write_evidence(folder: Path, series: int, hours: float) -> None:
    """Generate Prometheus' responses: one scrape per second, each series increasing by 1."""
    begin, until = 1_000_000.0, 1_000_000.0 + 3600 * hours
    length = max(1, MAX_SAMPLES // series)
    starts = range(int(begin) - 5, int(until) + 5, length)
    path = folder / "evidence" / "witnesses" / "prometheus"
    path.mkdir(parents=True)
    ends = [float(start + length) for start in starts]
    collection = CollectionRecord(False, begin, until, ends[-1], 0.0, 1.0, windows=ends)
    (path / COLLECTION_FILE).write_text(json.dumps(asdict(collection)))
    for number, start in enumerate(starts, 1):
        stamps = range(start, min(start + length, int(until) + 5))
        _write_window(path, number, stamps, series, (int(begin), int(until)))
    total = int(until - begin)
    _write_ledger(folder, {labels_of(number, series): total for number in range(series)})


def measure_hours(series: int, hours: float) -> BalanceMeasurement:
    """Judge the generated evidence of a run in a subprocess."""
    with tempfile.TemporaryDirectory() as place:
        write_evidence(Path(place), series, hours)
        ended = subprocess.run(
            [*_command("judge"), place], check=True, capture_output=True, text=True
        )
        return BalanceMeasurement(*json.loads(ended.stdout))


def _write_window(
    path: Path, number: int, stamps: range, series: int, span: tuple[int, int]
) -> None:
    target = {"instance": "shop:80", "job": _JOB}
    values = [[at, str(min(max(at, span[0]), span[1]) - span[0])] for at in stamps]
    kinds = (labels_of(index, series) for index in range(series))
    uses = [{**target, "tenant": tenant, "type": kind} for tenant, kind in kinds]
    constants = {UP: "1", START_TIMES: "500000", DURATIONS: "0.01", SAMPLE_COUNTS: str(series)}
    for name, value in constants.items():
        _write_response(path / file_name(name, number), [target], [[at, value] for at in stamps])
    _write_response(path / file_name("quantity-uses", number), uses, values)


def _write_response(path: Path, metrics: list[dict[str, str]], values: list[list[Any]]) -> None:
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


def _expect(process: subprocess.Popen[str], expected: str, message: str = "") -> str:
    """Send a line to the judging process, and return the line that it prints."""
    if process.stdin is None or process.stdout is None:
        raise SystemExit("the judging process has no pipes")
    if message:
        print(message, file=process.stdin, flush=True)
    line = process.stdout.readline().strip()
    if not line or (expected and line != expected):
        raise SystemExit(f"the judging process printed {line!r}")
    return line


def _wait_until_ready(url: str) -> None:
    deadline = time.monotonic() + _TIMEOUT_S
    while time.monotonic() < deadline:
        try:
            urlopen(f"{url}/-/ready").close()  # noqa: S310 - our own
            return
        except URLError:
            time.sleep(0.1)
    raise SystemExit("Prometheus did not start")


def _print(name: str, series: int, judged: BalanceMeasurement) -> None:
    print(
        f"{name}: {series:,} series in {judged.all_s:.2f} s (collect {judged.collect_s:.2f}, "
        f"read {judged.figures_s:.2f}, judge {judged.rows_s:.2f}); memory {judged.peak_mb:.0f} MB, "
        f"evidence {judged.evidence_mb:.1f} MB; {judged.wrong:,} rows did not pass"
    )


def _run_part(part: str, arguments: list[str]) -> None:
    if part == "collect":
        print(json.dumps(collect_and_judge(arguments[0], Path(arguments[1]))))
    else:
        print(json.dumps(judge(Path(arguments[0]))))


def main() -> None:
    """Run the benchmark, and print one line per run; exit with 1 if a row does not pass."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--series", type=int, help="number of series (10000; 200 with --hours)")
    parser.add_argument("--seconds", type=int, default=10, help="duration of the load (10)")
    parser.add_argument(
        "--hours", type=float, help="judge generated evidence of a run of this length"
    )
    parser.add_argument("--part", help=argparse.SUPPRESS)
    parser.add_argument("arguments", nargs="*", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        _run_part(options.part, options.arguments)
        return
    series = options.series or (200 if options.hours else 10_000)
    if options.hours:
        by_name = {f"{hours:g} h": measure_hours(series, hours) for hours in (1.0, options.hours)}
    else:
        by_name = {f"{options.seconds} s": measure_run(series, options.seconds)}
    for name, judged in by_name.items():
        _print(name, series, judged)
    if options.hours:
        peaks = [judged.peak_mb for judged in by_name.values()]
        print(f"peak memory of the longer run over that of the shorter: {peaks[-1] / peaks[0]:.2f}")
    sys.exit(any(judged.wrong for judged in by_name.values()))


if __name__ == "__main__":
    main()
