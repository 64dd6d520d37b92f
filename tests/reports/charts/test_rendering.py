"""Tests of the charts of a whole page: right or absent with a reason, and never too large."""

import logging
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from checks.case import Case, DrivenProfile, read_case
from checks.result import Result
from reports.charts.model import Chart, NotDrawn, Pictures, Section
from reports.charts.rendering import chart_makers, draw_charts, draw_pictures
from reports.charts.source import ChartSource
from reports.html import render_html
from reports.html_template import MOST_BYTES
from scenarios.evidence.exchanges import ROW, Exchanges
from scenarios.evidence.manifest import write_manifest
from scenarios.evidence.run_folder import RunFolder
from tests.evidence_factory import Load, write_run
from tests.paths import ROOT
from tests.reports.attacks import EVIL, crowded
from tests.reports.charts.conftest import SourceOf
from tests.reports.charts.made_runs import Shape, judged, make_rows, make_run
from tests.reports.charts.specs import points_of
from tests.reports.results import good_result

MOST_POINTS = 1000


@pytest.fixture
def made(tmp_path: Path) -> tuple[Result, RunFolder]:
    folder = make_run(tmp_path, Shape(duration_s=30.0))
    return judged(folder), folder


def test_each_section_has_its_charts(made: tuple[Result, RunFolder]) -> None:
    result, folder = made
    pictures = draw_charts(result, folder.path)
    drawn = [(each.section, each.title) for each in pictures.pictures if each.svg]
    assert [section for section, _ in drawn] == [
        Section.FLOW, Section.FLOW, Section.LATENCY, Section.LATENCY, Section.BALANCE,
        Section.VALIDITY, Section.VALIDITY,
    ]  # fmt: skip
    page = render_html(result, pictures)
    for _, title in drawn:
        assert f"<h3>{title}</h3>" in page
        assert f"<summary>Data: {title}</summary>" in page
    for each in pictures.pictures:
        assert not each.svg or f'aria-label="{each.title}. {each.sentence}"' in each.svg


def test_the_same_evidence_gives_the_same_bytes(made: tuple[Result, RunFolder]) -> None:
    result, folder = made
    pages = [render_html(result, draw_charts(result, folder.path)) for _ in range(2)]
    assert pages[0] == pages[1]


def test_without_evidence_the_reason_is_on_the_page(tmp_path: Path) -> None:
    pictures = draw_charts(good_result(), tmp_path)
    assert pictures.reason == "the folder of the run has no evidence"
    assert pictures.reason in render_html(good_result(), pictures)


def test_evidence_that_changed_or_is_another_runs_is_not_drawn(
    made: tuple[Result, RunFolder],
) -> None:
    result, folder = made
    assert "another run" in draw_charts(replace(result, run_id="x"), folder.path).reason
    write_manifest(folder)
    assert draw_charts(result, folder.path).reason == ""
    with (folder.exchanges / "load.rows").open("ab") as file:
        file.write(b"x" * 40)
    assert draw_charts(result, folder.path).reason == "the evidence changed since the run"


@pytest.mark.parametrize("name", ["run.json", "scenario.yaml"])
def test_evidence_that_cannot_be_read_is_a_reason_not_an_error(
    made: tuple[Result, RunFolder], name: str
) -> None:
    result, folder = made
    (folder.evidence / name).write_text("{")
    assert draw_charts(result, folder.path).reason.startswith("the evidence cannot be read: ")


def test_a_chart_that_fails_says_so_in_its_place_and_the_others_are_drawn(
    run_of: SourceOf, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(_: ChartSource) -> Iterator[Chart | NotDrawn]:
        yield NotDrawn("before", "a reason")
        raise ZeroDivisionError(EVIL)

    def wrong(_: ChartSource) -> Iterator[Chart]:
        yield Chart("wrong", "A sentence.", {"mark": "no such mark"}, (), ())

    makers = [(Section.FLOW, "a", fails), (Section.FLOW, "b", wrong), *chart_makers()]
    with caplog.at_level(logging.ERROR):
        first, second, third, *others = draw_pictures(run_of(Shape()), makers)
    assert first.reason == "a reason"
    assert second.reason.startswith("this chart could not be drawn: ZeroDivisionError: ")
    assert (third.title, third.svg) == ("wrong", "")
    assert third.reason.startswith("this chart could not be drawn: ")
    assert sum(bool(each.svg) for each in others) == 7
    assert "ZeroDivisionError" in caplog.text


def test_without_the_library_there_are_tables_and_the_reason(
    made: tuple[Result, RunFolder], monkeypatch: pytest.MonkeyPatch
) -> None:
    result, folder = made
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    pictures = draw_charts(result, folder.path)
    page = render_html(result, pictures)
    assert page.count("vl_convert is not installed") == 7
    assert "Data: Response time over time" in page
    assert not any(each.svg for each in pictures.pictures)


def test_a_run_without_requests_has_reasons_only(tmp_path: Path) -> None:
    folder = write_run(tmp_path, Load((), scheduled=0))
    result = judged(folder)
    pictures = draw_charts(result, folder.path)
    assert not any(each.svg for each in pictures.pictures)
    assert all(each.reason for each in pictures.pictures)
    assert "could not be drawn" not in render_html(result, pictures)


def large(source: ChartSource, rows: np.ndarray, steps: tuple[str, ...]) -> ChartSource:
    """Return a source with other exchanges in its only recording."""
    (driven,) = source.case.driven
    (recording,) = driven.recordings
    reasons = ("", *(f"reason {number}" for number in range(9_999)))
    exchanges = Exchanges("load", steps, reasons, reasons, np.arange(1, len(rows) + 1), rows)
    recordings = (replace(recording, exchanges=exchanges),)
    changed = DrivenProfile(driven.phase, driven.profile, recordings)
    case = source.case
    return ChartSource(Case(case.folder, case.run, case.scenario, (changed,)), source.result)


def assert_small(source: ChartSource) -> None:
    """Check points and bytes."""
    for _, _, make in chart_makers():
        for chart in make(source):
            assert isinstance(chart, NotDrawn) or points_of(chart.spec) <= MOST_POINTS
    pictures = list(draw_pictures(source, chart_makers()))
    assert not [each for each in pictures if "could not be drawn" in each.reason]
    assert sum(len(each.svg) for each in pictures) < MOST_BYTES / 2
    page = render_html(source.result, Pictures(tuple(pictures)))
    assert len(page.encode()) < MOST_BYTES


@pytest.mark.long
def test_a_million_requests_are_aggregated(run_of: SourceOf) -> None:
    rows = make_rows(Shape(rate_per_s=5000.0, duration_s=100.0, burst_s=(50, 51)))
    assert len(rows) == 1_000_000
    assert_small(large(run_of(Shape()), rows, ("open", "use")))


@pytest.mark.core
@pytest.mark.long
def test_a_day_is_aggregated(run_of: SourceOf) -> None:
    rows = make_rows(Shape(rate_per_s=0.1, duration_s=86_400.0, slow_s=(40_000, 43_600)))
    source = large(run_of(Shape()), rows, ("open", "use"))
    assert source.interval_s == 1800
    assert_small(source)


@pytest.mark.long
def test_two_hundred_steps_and_ten_thousand_reasons_are_cut(run_of: SourceOf) -> None:
    count = 20_000
    rows = np.zeros(count, ROW)
    number = np.arange(count)
    rows["iteration"], rows["step"] = 1 + number // 200, number % 200
    rows["outcome"], rows["reason"], rows["status"] = 2 + number % 3, number % 10_000, 200
    rows["due_s"] = rows["sent_s"] = number / 100
    rows["done_s"] = rows["due_s"] + 0.01
    steps = tuple(f"<{'step' * 15} {each}>" for each in range(200))
    source = large(run_of(Shape()), rows, steps)
    case, flow = source.case, source.case.scenario.steps
    scenario = case.scenario.model_copy(
        update={"flow": [flow[0].model_copy(update={"step": each}) for each in steps]}
    )
    assert_small(ChartSource(replace(case, scenario=scenario), source.result))


def test_ten_thousand_label_sets_are_three_charts_at_most(run_of: SourceOf) -> None:
    source = run_of(Shape(lost_from_s=150.0))
    failing = source.result.usage[0]
    usage = tuple(replace(failing, labels={"kind": f"{n}"}) for n in range(10_000))
    result = replace(source.result, usage=(*usage, failing))
    charts = ChartSource(source.case, result)
    assert len([each for each in draw_pictures(charts, chart_makers())
                if each.section is Section.BALANCE]) <= 3  # fmt: skip


@pytest.mark.core
@pytest.mark.long
def test_a_page_that_must_be_short_drops_the_pictures_first(
    made: tuple[Result, RunFolder],
) -> None:
    result, folder = made
    long = replace(crowded(300), run_id=result.run_id, scenario="x" * 5000)
    page = render_html(long, draw_charts(result, folder.path))
    assert len(page.encode()) < MOST_BYTES


@pytest.mark.core
@pytest.mark.long
def test_charts_need_neither_pandas_nor_vl_convert_until_a_run_is_drawn() -> None:
    code = ("import sys, reports.charts.rendering, reports.html; "
            "sys.exit(len({'pandas', 'vl_convert'} & set(sys.modules)))")  # fmt: skip
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_a_case_is_read_from_the_folder_alone(made: tuple[Result, RunFolder]) -> None:
    result, folder = made
    source = ChartSource(read_case(folder), result)
    assert len(source.exchanges) == 1200
