"""Whatever time the clock of Prometheus is set to, and whenever, no figure accuses anybody."""

import math
import re
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from scenarios.evidence.run_folder import RunFolder
from scenarios.language.objectives import PromqlCheck
from tests.witnesses.counted_quantities import uses_by_kind
from tests.witnesses.prometheus.fake_prometheus import (
    INTERVAL_S,
    FakePrometheus,
    client_of,
    scraping,
)
from witnesses.figure import Direction, Figure, Reason
from witnesses.model import Moment
from witnesses.prometheus.client import CLOCKS_APART_S
from witnesses.prometheus.collector import PrometheusCollector
from witnesses.prometheus.reading import PrometheusReading, read_prometheus
from witnesses.prometheus.service_targets import ServiceTargets

_SHOP = ServiceTargets.of_jobs("shop")
_HISTORY_S, _DAY_S = 4_000, 86_400
_USES = 3
_STEPS_S = (-5.0, 5.0, -3600.0, 3600.0)
_BEFORE, _LOAD, _SETTLED = "before", "load", "settled"
# When the clock is set: in which part of the run, and after how many queries of that part.
_MOMENTS = (
    (_BEFORE, 0), (_BEFORE, 1), (_BEFORE, 3), (_LOAD, 0), (_LOAD, 1), (_LOAD, 2),
    (_SETTLED, 0), (_SETTLED, 1), (_SETTLED, 5), (_SETTLED, 9),
)  # fmt: skip


@dataclass
class _SetPrometheus(FakePrometheus):
    """A Prometheus whose clock is set once so many queries of a part of the run were answered."""

    moment: tuple[str, int] = ("", 0)
    step_s: float = 0.0
    delayed: tuple[str, float] = ("", 0.0)
    part: str = ""
    number: int = 0

    def enter(self, part: str) -> None:
        self.part, self.number = part, 0
        self._set_if_due()

    def answer(self, query: str, at: float) -> Any:
        if query == "time()" and self.part == self.delayed[0]:
            time.sleep(self.delayed[1])
        response = super().answer(query, at)
        self.count()
        return response

    def count(self) -> None:
        self.number += 1
        self._set_if_due()

    def _set_if_due(self) -> None:
        if (self.part, self.number) == self.moment:
            self.set_clock(self.step_s)


@dataclass
class _StalledPrometheus(_SetPrometheus):
    """A Prometheus that a query for samples of the future reaches late, once."""

    has_stalled: bool = False

    def answer(self, query: str, at: float) -> Any:
        if at > time.time() + _DAY_S / 2 and self.part == _SETTLED and not self.has_stalled:
            self.has_stalled = True
            time.sleep(CLOCKS_APART_S + 2 * INTERVAL_S)
        return super().answer(query, at)


def _run(folder: RunFolder, fake: _SetPrometheus) -> PrometheusReading:
    """Collect before and after a load of some uses."""
    fake.began_at = time.time() - _HISTORY_S
    used_at: list[float] = []
    fake.counter = lambda at: float(sum(each <= at for each in used_at))
    check = PromqlCheck(name="few", query="errors", expect="<= 3")
    with scraping(fake), closing(client_of(fake)) as client:
        collector = PrometheusCollector(client, _SHOP, folder, [uses_by_kind()], promql=[check])
        fake.enter(_BEFORE)
        collector.collect(Moment.BEFORE, folder)
        fake.enter(_LOAD)
        for _ in range(_USES):
            used_at.append(time.time())
            time.sleep(0.02)
            fake.count()
        fake.enter(_SETTLED)
        collector.collect(Moment.AFTER, folder)
        if _figure(read_prometheus(folder)).low != _USES:
            collector.collect(Moment.AFTER, folder)
    return read_prometheus(folder)


def _figure(reading: PrometheusReading) -> Figure:
    return reading.figures(uses_by_kind()).at(("0",))


def _accuses_nobody(reading: PrometheusReading) -> bool:
    figure = _figure(reading)
    low = -math.inf if figure.low is None else figure.low
    return low <= _USES <= (math.inf if figure.high is None else figure.high)


def test_a_clock_that_nobody_sets_leaves_the_figure_exact(tmp_path: Path) -> None:
    reading = _run(RunFolder(tmp_path), _SetPrometheus(lambda _: 0.0))
    assert _figure(reading) == Figure.exact(_USES)
    assert not reading.collection.is_clock_set


def test_a_prometheus_that_takes_long_to_tell_the_time_is_not_taken_for_one_whose_clock_was_set(
    tmp_path: Path,
) -> None:
    """It looks ahead by half of the time that it took."""
    reading = _run(RunFolder(tmp_path), _SetPrometheus(lambda _: 0.0, delayed=(_SETTLED, 1.2)))
    assert not reading.collection.is_clock_set
    assert _accuses_nobody(reading)


def test_a_baseline_ends_before_the_first_request_however_long_the_time_is_told(
    tmp_path: Path,
) -> None:
    """Else what was counted soon after it would be in the baseline, and be missed."""
    reading = _run(RunFolder(tmp_path), _SetPrometheus(lambda _: 0.0, delayed=(_BEFORE, 0.6)))
    assert not reading.collection.is_clock_set
    assert _figure(reading) == Figure.exact(_USES)


@pytest.mark.long
def test_samples_that_come_while_a_query_is_on_its_way_are_not_those_of_the_future(
    tmp_path: Path,
) -> None:
    reading = _run(RunFolder(tmp_path), _StalledPrometheus(lambda _: 0.0))
    assert not reading.collection.is_clock_set
    assert _accuses_nobody(reading)


@pytest.mark.parametrize("step_s", _STEPS_S)
def test_a_clock_set_during_the_load_is_the_reason_why_nothing_is_known(
    tmp_path: Path, step_s: float
) -> None:
    reading = _run(
        RunFolder(tmp_path), _SetPrometheus(lambda _: 0.0, moment=(_LOAD, 2), step_s=step_s)
    )
    figure = _figure(reading)
    assert (figure.direction, figure.reason) == (Direction.VOID, Reason.CLOCK_SET)
    direction = "back" if step_s < 0 else "forward"
    shown = re.match(rf"the clock of Prometheus was set {direction} by ([\d,.]+) s", figure.detail)
    assert shown
    assert float(shown[1].replace(",", "")) == pytest.approx(abs(step_s), rel=0.5)
    promql = (tmp_path / "evidence" / "witnesses" / "promql-0.json").read_text()
    assert "the clock of Prometheus was set" in promql


def test_samples_of_an_hour_ago_are_not_taken_for_present_ones(tmp_path: Path) -> None:
    fake = _SetPrometheus(lambda _: 0.0)
    fake.steps = [(time.time() - 60, -3600.0)]
    assert _figure(_run(RunFolder(tmp_path), fake)).reason is Reason.CLOCK_SET


def test_a_clock_that_was_set_forward_long_before_the_run_changes_nothing(tmp_path: Path) -> None:
    fake = _SetPrometheus(lambda _: 0.0)
    fake.steps = [(time.time() - 60, 3600.0)]
    assert _figure(_run(RunFolder(tmp_path), fake)) == Figure.exact(_USES)


def test_a_clock_set_forward_and_back_during_the_load_leaves_samples_of_the_future(
    tmp_path: Path,
) -> None:
    fake = _SetPrometheus(lambda _: 0.0, moment=(_LOAD, 1), step_s=-3600.0)
    fake.steps = [(time.time() - 60, 3600.0)]
    assert _figure(_run(RunFolder(tmp_path), fake)).reason is Reason.CLOCK_SET


@pytest.mark.long
@pytest.mark.parametrize("moment", _MOMENTS, ids=lambda each: f"{each[0]}-{each[1]}")
@pytest.mark.parametrize("step_s", _STEPS_S)
def test_a_clock_set_at_any_moment_accuses_nobody(
    tmp_path: Path, step_s: float, moment: tuple[str, int]
) -> None:
    fake = _SetPrometheus(lambda _: 0.0, moment=moment, step_s=step_s)
    reading = _run(RunFolder(tmp_path), fake)
    assert _accuses_nobody(reading)
    record = reading.collection
    assert record.begin <= record.at
    assert record.error or record.begin <= record.end <= record.at
