"""A load's own figures in the report: its model, what was dropped, its workers."""

from dataclasses import replace
from html import escape

import pytest

from checks.observations import Deployment, Generator, GeneratorWorker
from checks.result import ClientFigure
from reports.html import render_html
from reports.views.sections import environment_rows, generator_rows, phase_row, step_row
from tests.reports.results import good_result, latency_row, phase

_WORKERS = (
    GeneratorWorker("soak-w1", 0.25, 0.0015, 0.012, 91_000_000, 1_250, 0),
    GeneratorWorker("soak-w2", None, None, None, None, 1_249, 3),
)


def test_an_open_model_says_how_many_users_there_may_be() -> None:
    open_phase = replace(phase("soak", 200, 100), model="open")
    assert phase_row(open_phase).users == "up to 200, open model"
    assert phase_row(phase("benchmark", 10, 100)).users == "10"


def test_the_rate_is_of_the_measured_window() -> None:
    warmed = replace(phase("soak", 10, 100), elapsed_s=20.0, measured=60)
    assert phase_row(warmed).rate == "3.0/s"
    assert phase_row(replace(warmed, measured=None)).rate == "5.0/s"
    assert phase_row(replace(warmed, elapsed_s=0.0)).rate == "no data"


def test_dropped_arrivals_stand_in_the_phase() -> None:
    assert phase_row(replace(phase("soak", 10, 100), dropped=1_234)).dropped == "1,234"


def test_each_of_several_workers_has_a_row_and_one_alone_has_none() -> None:
    rows = dict(generator_rows(Generator(0.25, 0.0015, 0.012, 0.003, 91_000_000, _WORKERS)))
    assert rows["Memory, most"] == "91 MB"
    assert rows["soak-w1"] == (
        "CPU 25.00 %, lag 0.002 s, loop delay 0.012 s, memory 91 MB, 1,250 begun, 0 dropped"
    )
    assert rows["soak-w2"] == (
        "CPU not measured, lag not measured, loop delay not measured, "
        "memory not measured, 1,249 begun, 3 dropped"
    )
    alone = generator_rows(Generator(0.25, 0.0015, 0.012, 0.003, 91_000_000, _WORKERS[:1]))
    assert len(alone) == len(rows) - 2


@pytest.mark.parametrize("name", ["<b>w1</b>", "w1&amp;"])
def test_a_workers_name_is_text_on_the_page(name: str) -> None:
    workers = (replace(_WORKERS[0], name=name), _WORKERS[1])
    generator = Generator(0.25, 0.0015, 0.012, 0.003, 91_000_000, workers)
    page = render_html(good_result(generator=generator))
    assert f">{escape(name)}</th>" in page
    assert "1,250 begun, 0 dropped" in page


def test_what_was_not_served_is_shown_with_its_own_p95() -> None:
    row = latency_row("buy", 0.5, not_served=15, not_served_p95=0.001)
    assert step_row(row).not_served == "15, p95 0.001 s"
    assert step_row(latency_row("buy", 0.5)).not_served == "0"


def test_the_environment_names_versions_commit_machine_addresses_rate_and_seed() -> None:
    deployment = Deployment(
        {"cards": "1.14.2 (4c1f9e0)"}, "http://ada:s3cret@prometheus:9090", 15.0,
        {"cards": "postgresql://db/cards"}, "4c1f9e0", "3.5.0",
    )  # fmt: skip
    soak = replace(phase("soak", 20, 100), target_rate_per_s=20.0, seed=42)
    result = good_result(deployment=deployment, machine="2 cores", phases=(soak,))
    rows = dict(environment_rows(result))
    assert rows["Service cards"] == "http://127.0.0.1:8002, version 1.14.2 (4c1f9e0)"
    assert rows["Service onboarding"] == "http://127.0.0.1:8001"
    assert rows["Prometheus"] == "http://prometheus:9090, version 3.5.0, scrapes every 15 s"
    assert rows["Database cards"] == "postgresql://db/cards"
    assert (rows["Commit"], rows["Machine of the load"]) == ("4c1f9e0", "2 cores")
    assert rows["Target rate of soak"] == "20 iterations a second, seed 42"


def test_what_is_not_known_has_no_row() -> None:
    names = dict(environment_rows(good_result()))
    assert not {"Prometheus", "Commit", "Machine of the load", "Target rate of e2e"} & set(names)


def test_a_phase_that_counted_what_was_planned_says_only_that() -> None:
    assert phase_row(phase("benchmark", 10, 100)).count_texts == ("as planned",)
    short = replace(phase("benchmark", 10, 100), counts={"cards_used": ClientFigure(360, 40)},
                    planned_counts={"cards_used": 400})  # fmt: skip
    assert phase_row(short).count_texts == ("cards_used 360–400 of 400 (90.00 %)",)
