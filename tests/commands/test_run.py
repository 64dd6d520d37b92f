"""A run from its plan to its exit code, against a tiny service; and the module `run` itself."""

import io
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest
import typer

from commands.run import CurrentRun, run
from commands.shared.run_setup import open_run
from config.errors import ConfigError, Problem
from reports.progress import Progress
from scenarios.evidence.run_folder import Cause, Run, RunFolder
from tests.commands.shop_plan import COUNTED_SCENARIO, IS_WELL, SCENARIO, shop_plan
from tests.evidence_factory import (
    Load,
    exposition,
    write_agreeing_witnesses,
    write_expositions,
    write_rows,
    write_run,
)
from tests.paths import ROOT
from tests.tiny_server import Canned, nobody_listens_at, serving
from witnesses.collectors import Collectors
from witnesses.model import Moment
from witnesses.prometheus.collector import write_absence
from witnesses.prometheus.settling import Settling


@dataclass(frozen=True)
class Ended:
    """A run that has ended, and the paths that were asked for during it."""

    code: int
    folder: RunFolder
    asked: list[str]

    @property
    def record(self) -> Run:
        return self.folder.read_run()


def ran(
    place: Path, answers: Mapping[str, Canned] = IS_WELL, scenario: str = SCENARIO,
    iterations: int | None = None,
) -> Ended:  # fmt: skip
    """Run both profiles against a service."""
    place.mkdir(exist_ok=True)
    with serving(answers) as server:
        plan = shop_plan(
            place, server.url, "first", "second", scenario=scenario, iterations=iterations
        )
        with pytest.raises(typer.Exit) as ended:
            run(plan, as_json=True)
    folder = RunFolder((place / "runs" / "latest").resolve())
    return Ended(ended.value.exit_code, folder, server.asked)


def current_run(folder: Path) -> CurrentRun:
    plan = shop_plan(folder, nobody_listens_at(), "first")
    return CurrentRun(plan, *open_run(plan), Progress(io.StringIO()))


def test_every_profile_is_driven_and_the_run_passes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = ran(tmp_path)
    assert ended.code == 0
    assert ended.asked.count("/visit") == 3
    assert [each.profile for each in ended.record.phases] == ["first", "second"]
    assert all(each.finished_at and not each.error for each in ended.record.phases)
    assert ended.record.finished_at is not None
    assert ended.record.interruption is None
    assert json.loads(capsys.readouterr().out)["run_id"] == ended.record.run_id


@pytest.mark.parametrize("is_early", [True, False], ids=["before the baseline", "by it"])
def test_how_long_settling_takes_is_printed_once_as_soon_as_it_is_known(
    tmp_path: Path, *, is_early: bool
) -> None:
    current, known = current_run(tmp_path), Settling(15.0)
    current.take_baseline(cast("Collectors", Announcing(known if is_early else None, known)))
    words = "Prometheus scrapes every 15 s: settling takes about 45 s after the last response"
    first, second = cast("io.StringIO", current.progress._stream).getvalue().splitlines()
    assert (first if is_early else second) == words
    assert "baseline" in (second if is_early else first)


def test_where_it_is_not_known_how_long_settling_takes_nothing_is_printed(tmp_path: Path) -> None:
    current = current_run(tmp_path)
    current.take_baseline(cast("Collectors", Announcing(None, None)))
    assert len(cast("io.StringIO", current.progress._stream).getvalue().splitlines()) == 1


def test_how_long_usage_apis_settle_is_printed_before_the_baseline(tmp_path: Path) -> None:
    current = current_run(tmp_path)
    current.take_baseline(cast("Collectors", Announcing(None, None, {"billing": 30.0})))
    first, *_ = cast("io.StringIO", current.progress._stream).getvalue().splitlines()
    assert first == "the API billing settles for 30 s after the last response"


def test_the_ledger_sums_the_exchanges_of_every_profile(tmp_path: Path) -> None:
    ended = ran(tmp_path, scenario=COUNTED_SCENARIO)
    ledger = json.loads((ended.folder.evidence / "ledger.json").read_text())
    assert [(each["quantity"], each["confirmed"]) for each in ledger] == [("visits", 3)]


def test_the_services_health_and_metrics_frame_the_requests_of_the_load(tmp_path: Path) -> None:
    asked = ran(tmp_path).asked
    in_turn = [path for path, before in zip(asked, ["", *asked], strict=False) if path != before]
    assert in_turn == ["/health", "/metrics", "/visit", "/metrics", "/health"]


def test_nothing_is_sent_to_a_service_that_is_unwell(tmp_path: Path) -> None:
    ended = ran(tmp_path, {**IS_WELL, "/health": Canned("no", 503)})
    assert ended.code == 1
    assert set(ended.asked) == {"/health"}
    assert ended.record.phases == ()


def test_a_profile_after_one_without_any_success_is_not_driven(tmp_path: Path) -> None:
    ended = ran(tmp_path, {**IS_WELL, "/visit": Canned("no", 500)})
    assert ended.code == 1
    assert ended.asked.count("/visit") == 1
    assert [each.error for each in ended.record.phases] == [
        "",
        "not driven, since no iteration of first succeeded",
    ]
    assert all(each.finished_at for each in ended.record.phases)


@pytest.mark.core
@pytest.mark.long
def test_counters_that_fall_short_are_collected_once_more_and_others_are_not(
    tmp_path: Path,
) -> None:
    """The service never counts: it falls short where the scenario counts."""
    not_asked = ran(tmp_path / "not-asked")
    short = ran(tmp_path / "short", scenario=COUNTED_SCENARIO)
    assert (not_asked.code, short.code) == (0, 1)
    # one further scrape is that of the preflight, which asks for the counters of the scenario
    scrapes = not_asked.asked.count("/metrics")
    assert short.asked.count("/metrics") >= scrapes * 3 / 2 + 1


@dataclass(frozen=True)
class Announcing:
    """Collectors of which only is known how long settling takes: before the baseline, and by it."""

    early: Settling | None
    settling: Settling | None
    of_apis: Mapping[str, float] = field(default_factory=dict)

    def learn_settling(self) -> Settling | None:
        return self.early

    def collect(self, _: Moment) -> None:
        """Ask nobody."""

    def api_settling(self) -> Mapping[str, float]:
        return self.of_apis


class Counting:
    """Collectors that show a counter of eight uses as it is given, then as it was shown last."""

    def __init__(self, folder: RunFolder, *shown: int) -> None:
        self.folder, self.shown, self.collected = folder, list(shown), 0

    def attempts(self) -> Iterator[bool]:
        yield from (True, False, False, False)

    def further_records(self) -> Iterator[None]:
        yield from ()

    def collect(self, _: Moment) -> None:
        coffee = self.shown.pop(0) if len(self.shown) > 1 else self.shown[0]
        moment = "later" if self.collected else "after"
        page = {"shop-0": exposition({"tea": 4, "coffee": coffee}, visits=4)}
        write_expositions(self.folder, moment, page)
        self.collected += 1

    def collect_health(self, _: Moment) -> None:
        """Ask nobody."""


@pytest.mark.parametrize(
    ("shown", "collected"),
    [((8,), 1), ((9,), 5), ((9, 9, 10), 3), ((7,), 2), ((7, 8), 2)],
    ids=["agrees", "at rest", "others count", "lost", "late"],
)
def test_a_counter_that_exceeds_is_collected_until_it_moves_and_one_that_lacks_once_more(
    tmp_path: Path, shown: tuple[int, ...], collected: int
) -> None:
    folder = write_run(tmp_path, Load())
    write_agreeing_witnesses(folder)
    run_of = CurrentRun(
        shop_plan(tmp_path, nobody_listens_at(), "first"), folder, folder.read_run(),
        Progress(io.StringIO()),
    )  # fmt: skip
    witnesses = Counting(folder, *shown)
    write_absence(folder)
    write_rows(folder, "after", {"uses": {"rows": [["tea", 4], ["coffee", 8]]}})
    run_of.settle(cast(Collectors, witnesses))
    assert witnesses.collected == collected


def test_what_was_asked_for_instead_of_the_profiles_own_is_driven_and_recorded(
    tmp_path: Path,
) -> None:
    ended = ran(tmp_path, iterations=4)
    assert ended.asked.count("/visit") == 8
    assert [(each.users, each.iterations) for each in ended.record.phases] == [(None, 4)] * 2


def _interrupted() -> None:
    raise KeyboardInterrupt


def _failing() -> None:
    raise ZeroDivisionError("a fault of ours")


def _well() -> None:
    """Do nothing wrong."""


@pytest.mark.parametrize(
    ("act", "cause", "detail"),
    [
        (_well, None, ""),
        (_interrupted, Cause.SIGNAL, "KeyboardInterrupt"),
        (_failing, Cause.FAULT, "ZeroDivisionError: a fault of ours"),
    ],
)
def test_how_a_run_ended_is_recorded(
    tmp_path: Path, act: Callable[[], None], cause: Cause | None, detail: str
) -> None:
    current = current_run(tmp_path)
    with current.recorded():
        act()
    record = current.folder.read_run()
    ended = record.interruption
    assert (ended and ended.cause, ended.detail if ended else "") == (cause, detail)
    assert record.finished_at is not None
    assert (current.folder.evidence / "history.json").exists()


def test_the_traceback_of_a_fault_of_the_harness_is_in_the_log_of_the_run(tmp_path: Path) -> None:
    current = current_run(tmp_path)
    with current.recorded():
        _failing()
    log = (current.folder.path / "run.log").read_text()
    assert "Traceback" in log
    assert "ZeroDivisionError: a fault of ours" in log


def test_a_mistake_of_the_user_is_raised_and_no_end_is_recorded(tmp_path: Path) -> None:
    current = current_run(tmp_path)
    with pytest.raises(ConfigError, match="a mistake"), current.recorded():
        raise ConfigError(Problem(None, None, "a mistake"))
    assert current.folder.read_run() == current.record
    assert current.record.finished_at is None


def test_the_record_describes_the_services_once_they_are_there(tmp_path: Path) -> None:
    current = current_run(tmp_path)
    assert current.record.services == {}
    with current.opened():
        assert list(current.folder.read_run().services) == ["shop"]
        assert current.folder.read_run().tenant == "acme"


IMPORTING = """
import signal
def own(number, frame): pass
signal.signal(signal.SIGINT, {handler})
before = signal.getsignal(signal.SIGINT)
import run
assert callable(run.main)
assert signal.getsignal(signal.SIGINT) == before, signal.getsignal(signal.SIGINT)
"""


@pytest.mark.parametrize("handler", ["own", "signal.default_int_handler", "signal.SIG_IGN"])
def test_to_import_run_leaves_the_handler_of_an_interrupt_as_it_was(handler: str) -> None:
    command = [sys.executable, "-c", IMPORTING.format(handler=handler)]
    ended = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )
    assert (ended.returncode, ended.stderr) == (0, "")
