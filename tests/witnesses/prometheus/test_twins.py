"""Series that two writers push."""

from collections.abc import Mapping

import pytest

from witnesses.prometheus.accumulator import series_name
from witnesses.prometheus.increase import Tally
from witnesses.prometheus.twins import label_of_twins

_TEA = {"kind": "tea", "instance": "a"}


def _tally(first: float, last: float, shown_at: float = 20.0) -> Tally:
    return Tally(first=first, last=last, shown_at=shown_at)


@pytest.mark.parametrize(
    ("one", "other", "label"),
    [
        ({"collector": "a"}, {"collector": "b"}, "collector"),
        ({"prometheus_replica": "0"}, {"prometheus_replica": "1"}, "prometheus_replica"),
        ({"otelCollectorPod": "x"}, {"otelCollectorPod": "y"}, "otelCollectorPod"),
        ({"payment": "card"}, {"payment": "cash"}, ""),
        ({"collector": "a", "payment": "card"}, {"collector": "b", "payment": "cash"}, ""),
        ({"collector": "a"}, {"replica": "a"}, ""),
    ],
)
def test_series_that_differ_in_a_label_of_their_writer_alone_are_one_count(
    one: Mapping[str, str], other: Mapping[str, str], label: str
) -> None:
    tallies = {series_name({**_TEA, **each}): _tally(5.0, 25.0) for each in (one, other)}
    assert label_of_twins(tallies) == label


@pytest.mark.parametrize("other", [_tally(5.0, 24.0), _tally(5.0, 25.0, 20.001), _tally(4.0, 25.0)])
def test_processes_that_count_for_themselves_are_no_twins(other: Tally) -> None:
    names = [series_name({**_TEA, "replica": each}) for each in "01"]
    assert label_of_twins(dict(zip(names, (_tally(5.0, 25.0), other), strict=True))) == ""
