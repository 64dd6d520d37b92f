from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from checks.case import read_case
from checks.suite import judge
from reports.charts import availability
from reports.charts.model import Chart, NotDrawn, Section
from reports.charts.rendering import draw_charts
from reports.charts.source import ChartSource
from reports.html import render_html
from scenarios.evidence.probes import Probe, probes_path
from scenarios.evidence.run_folder import RunFolder, Watch
from tests.evidence_factory import STARTED_AT, write_run
from tests.reports.charts.specs import layers_of

BEGIN = STARTED_AT.timestamp()
WATCH = Watch(STARTED_AT + timedelta(minutes=10), 0.5, 60.0, 0.99)


def probes_of(*down: tuple[float, float], until_s: float = 600.0) -> list[Probe]:
    """Probe every half second; in the given spans nothing answers, and it is asked in 10 ms."""
    probes = []
    for number in range(int(until_s * 2)):
        at = BEGIN + number / 2
        is_down = any(since <= number / 2 < end for since, end in down)
        duration_s = 0.9 if number == 300 else 0.01
        probes.append(Probe(at, at + duration_s, "connection refused" if is_down else ""))
    return probes


def watched(place: Path, services: Mapping[str, Sequence[Probe]]) -> RunFolder:
    """Write a watch of ten minutes."""
    folder = write_run(place, services=tuple(services))
    folder.write_run(replace(folder.read_run(), watch=WATCH, finished_at=WATCH.until))
    for name, probes in services.items():
        path = probes_path(folder.evidence, name)
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(f'[{each.sent_at}, {each.done_at}, "{each.error}"]\n'
                                for each in probes))  # fmt: skip
    return folder


def charts_of(folder: RunFolder) -> list[Chart]:
    drawn = list(availability.charts(ChartSource(read_case(folder), judge(folder))))
    return [each for each in drawn if isinstance(each, Chart)]


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    services = {"shop": probes_of((120.0, 150.0), (300.0, 302.0)), "till": probes_of()}
    return watched(tmp_path, services)


def test_the_strip_has_a_bar_for_each_incident_and_says_when(folder: RunFolder) -> None:
    strip = charts_of(folder)[0]
    bars = next(layers_of(strip.spec))["data"]["values"]
    assert [each["state"] for each in bars if each["service"] == "shop"] == ["up", "down", "down"]
    assert [each["state"] for each in bars if each["service"] == "till"] == ["up"]
    assert strip.sentence.startswith("shop was down 2 times, 3")
    assert "first at 17:51:59 UTC" in strip.sentence  # half an edge before the first failure
    assert [row[1] for row in strip.rows] == ["shop", "shop"]


def test_a_time_without_probes_is_neither_up_nor_down(tmp_path: Path) -> None:
    probes = [each for each in probes_of() if not 100 <= each.sent_at - BEGIN < 200]
    strip = charts_of(watched(tmp_path, {"shop": probes}))[0]
    bars = next(layers_of(strip.spec))["data"]["values"]
    (gap,) = [each for each in bars if each["state"] == "not probed"]
    assert (gap["until"] - gap["at"]) / 1000 == pytest.approx(100, abs=1)
    assert strip.sentence == "Every service was up at every probe."


def test_the_slowest_probe_is_named_with_its_time(folder: RunFolder) -> None:
    slowest = charts_of(folder)[1]
    assert slowest.sentence.startswith("The slowest probe, of ")
    assert "took 0.900 s at 17:52:30 UTC" in slowest.sentence
    assert sum(len(each["data"]["values"]) for each in layers_of(slowest.spec)) <= 1000


def test_the_budget_burns_down_with_each_incident(folder: RunFolder) -> None:
    budget = charts_of(folder)[2]
    left = [value["value"] for value in next(layers_of(budget.spec))["data"]["values"]
            if value["series"] == "shop"]  # fmt: skip
    assert left[0] == pytest.approx(6.0, abs=0.01)
    assert left == sorted(left, reverse=True)
    assert left[-1] == pytest.approx(-26, abs=1.5)
    assert budget.sentence.startswith("shop has overspent its budget of 6.004 s by 2")


def test_without_a_probe_each_chart_says_why_it_is_not_there(tmp_path: Path) -> None:
    folder = watched(tmp_path, {"shop": []})
    drawn = list(availability.charts(ChartSource(read_case(folder), judge(folder))))
    assert [each.reason for each in drawn if isinstance(each, NotDrawn)] == [
        "no service was probed"
    ] * 3


def test_the_page_of_a_watch_has_the_three_charts(folder: RunFolder) -> None:
    result = judge(folder)
    pictures = draw_charts(result, folder.path)
    assert len(list(pictures.of(Section.AVAILABILITY))) == 3
    page = render_html(result, pictures)
    section = page[page.index('id="availability"') : page.index('id="objectives"')]
    assert section.count("<svg") == 3
    assert availability.BUDGET_TITLE in section
