"""Find series that two writers push: the same samples twice, told apart by a label of the writer.

    orders_total{kind="tea", collector="a"}   10.013:5  20.013:8
    orders_total{kind="tea", collector="b"}   10.013:5  20.013:8

Two processes that count do not collect in the same millisecond each time, so equal timestamps and
values under such a label are one count, delivered twice.
"""

import re
from collections.abc import Mapping

import msgspec

from witnesses.prometheus.increase import Tally

_OF_WRITERS = re.compile(r"replica|collector|prometheus|agent|writer|receiver", re.IGNORECASE)
_LABELS = msgspec.json.Decoder(dict[str, str])


def label_of_twins(tallies: Mapping[bytes, Tally]) -> str:
    """Return a label by which alone two series differ that have the same samples, or "".

    `tallies` are by the labels of their series, as JSON.
    """
    seen: dict[tuple[str, bytes], list[Tally]] = {}
    for name, tally in tallies.items():
        labels = _LABELS.decode(name)
        for label in filter(_OF_WRITERS.search, labels):
            others = {each: value for each, value in labels.items() if each != label}
            alike = seen.setdefault((label, msgspec.json.encode(others, order="sorted")), [])
            if any(_are_same(tally, each) for each in alike):
                return label
            alike.append(tally)
    return ""


def _are_same(one: Tally, other: Tally) -> bool:
    return one.shown_at == other.shown_at and (
        (one.baseline, one.first, one.last, one.lost)
        == (other.baseline, other.first, other.last, other.lost)
    )
