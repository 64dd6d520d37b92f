"""The sentence that says how long a run waits after its last response."""

import pytest

from reports.settling import render_settling
from witnesses.prometheus.settling import Settling


@pytest.mark.parametrize(
    ("settling", "words"),
    [
        (Settling(0.2), "every 0.2 s: settling takes about 1 s"),
        (Settling(15.0), "every 15 s: settling takes about 45 s"),
        (Settling(15.0, delay_s=65.0), "every 15 s: settling takes about 110 s"),
        (Settling(60.0), "every 60 s: settling takes about 3 min"),
        (Settling(300.0, delay_s=60.0), "every 300 s: settling takes about 16 min"),
    ],
)
def test_the_sentence_has_the_interval_and_the_duration(settling: Settling, words: str) -> None:
    assert render_settling(settling) == f"Prometheus scrapes {words} after the last response"


def test_a_service_that_pushes_is_the_subject_if_its_interval_is_the_longest() -> None:
    settling = Settling(5.106, pushed_by="shop")
    assert render_settling(settling) == (
        "shop pushes its metrics every 5.11 s: settling takes about 15 s after the last response"
    )
