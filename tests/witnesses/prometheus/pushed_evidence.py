"""The evidence of a run whose metrics were pushed, written as a collector leaves it."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import Any

from scenarios.evidence.run_folder import RunFolder
from tests.witnesses.counted_quantities import counted
from witnesses.model import CountedQuantity
from witnesses.prometheus.collection import COLLECTION_FILE, CollectionRecord, PushedTarget
from witnesses.prometheus.pushes import history_file, push_file
from witnesses.prometheus.reading import PrometheusReading, read_prometheus

EVERY_S = 10.0
BEGIN, END = 1_000.0, 1_030.0
# The instants of the pushes: three before the run, three during it, and four after it.
BEFORE = (972.0, 982.0, 992.0)
DURING = (1_002.0, 1_012.0, 1_022.0)
AFTER = (1_032.0, 1_042.0, 1_052.0, 1_062.0)
ALL = (*BEFORE, *DURING, *AFTER)


@dataclass(frozen=True)
class PushedSeries:
    """One series: the timestamps and values of its samples."""

    values: Mapping[float, float]
    kind: str = "tea"
    instance: str = "a"
    writer: str = ""

    @classmethod
    def grown(cls, *grown: float, first: float = 5.0, **labels: str) -> "PushedSeries":
        """Return one that was pushed each time, and grew by so much during each of them."""
        by = dict(zip(DURING, grown, strict=True))
        values = accumulate((by.get(at, 0.0) for at in ALL), initial=first)
        return cls(dict(zip(ALL, list(values)[1:], strict=True)), **labels)

    @property
    def labels(self) -> dict[str, str]:
        writer = {"collector": self.writer} if self.writer else {}
        return {**_labels(self.instance), "kind": self.kind, **writer}

    def only(self, *stamps: float) -> "PushedSeries":
        """Return it with the samples of some pushes only."""
        values = {at: value for at, value in self.values.items() if at in stamps}
        return PushedSeries(values, self.kind, self.instance)

    def shifted(self, by_s: float) -> "PushedSeries":
        """Return it as an exporter with another clock stamps it."""
        values = {at + by_s: value for at, value in self.values.items()}
        return PushedSeries(values, self.kind, self.instance)


@dataclass(frozen=True)
class PushedRun:
    """What was pushed around a run. `pushes` are those of each instance, by their timestamps.

    `ahead_s` is by how much the exporters' clocks are ahead of the backend's. `shown_before` are
    kinds whose series were pushed some hours before the run.
    """

    series: Sequence[PushedSeries]
    pushes: Mapping[str, Sequence[float]] = field(default_factory=lambda: {"a": ALL})
    ahead_s: float = 0.0
    shown_before: Sequence[str] = ()
    start_times: Mapping[str, float] = field(default_factory=dict)
    every_s: float = EVERY_S
    is_tenant_new: bool = False
    fresh: bool = False

    def read(self, folder: Path) -> PrometheusReading:
        """Write it, and return what is read of it."""
        run = RunFolder(folder)
        record = CollectionRecord(
            fresh=self.fresh, begin=BEGIN, end=END, at=1_065.0, interval_s=EVERY_S,
            windows=[1_065.0], jobs={"shop": "shop"}, pushed={"shop": PushedTarget(self.every_s)},
            is_tenant_new=self.is_tenant_new,
        )  # fmt: skip
        files: dict[str, Any] = {
            COLLECTION_FILE: asdict(record),
            push_file("shop"): {"responses": list(self._responses())},
            history_file("orders"): _matrix(
                ({"kind": each, **_OF_A}, {}) for each in self.shown_before
            ),
            "quantity-orders-0001.json": _matrix(
                (each.labels, each.values) for each in self.series
            ),
            "start_times-0001.json": _matrix(
                (_labels(instance), dict.fromkeys(self.pushes[instance], started))
                for instance, started in self.start_times.items()
            ),
        }  # fmt: skip
        for name in ("up", "durations", "sample_counts"):
            files[f"{name}-0001.json"] = _matrix(())
        for name, content in files.items():
            run.write_witness_file(f"prometheus/{name}", json.dumps(content).encode())
        return read_prometheus(run)

    def _responses(self) -> Iterable[dict[str, Any]]:
        """Yield what was shown as each push came, and at the begin of the run."""
        came_at = {stamp - self.ahead_s for each in self.pushes.values() for stamp in each}
        for at in sorted({*came_at, BEGIN}):
            latest = {
                instance: max(shown)
                for instance, stamps in self.pushes.items()
                if (shown := [stamp for stamp in stamps if stamp - self.ahead_s <= at])
            }
            yield {"at": at, "is_before": at <= BEGIN, "response": _vector(at, latest)}


_OF_A = {"__name__": "orders_total", "job": "shop", "instance": "a"}


def _labels(instance: str) -> dict[str, str]:
    return {**_OF_A, "instance": instance}


def _matrix(series: Iterable[tuple[Mapping[str, str], Mapping[float, float]]]) -> dict[str, Any]:
    result = []
    for metric, values in series:
        samples = [[at, str(value)] for at, value in sorted(values.items())]
        result.append({"metric": dict(metric), "values": samples})
    return {"status": "success", "data": {"resultType": "matrix", "result": result}}


def _vector(at: float, latest: Mapping[str, float]) -> dict[str, Any]:
    result = [
        {"metric": {"instance": instance}, "value": [at, str(stamp)]}
        for instance, stamp in latest.items()
    ]
    return {"status": "success", "data": {"resultType": "vector", "result": result}}


def orders(selector: str = "orders_total", **settings: Any) -> CountedQuantity:
    """Return the quantity that is pushed."""
    return counted("orders", by=["kind"], prometheus=selector, is_exclusive=False, **settings)
