"""Responses of Prometheus on disk, as its collector writes them."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from scenarios.evidence.run_folder import RunFolder
from tests.evidence_factory import BEGIN, END, READ_AT, SHOP
from witnesses.prometheus.collection import CollectionRecord
from witnesses.prometheus.samples import Sample

SHOP_LABELS = {"job": SHOP[0], "instance": SHOP[1]}

LabelledSamples = tuple[dict[str, str], Sequence[Sample]]


def write_matrix(folder: RunFolder, name: str, series: Sequence[LabelledSamples]) -> None:
    """Write a range vector."""
    result: list[dict[str, Any]] = [
        {"metric": labels, "values": [[at, str(value)] for at, value in samples]}
        for labels, samples in series
    ]
    response = {"status": "success", "data": {"resultType": "matrix", "result": result}}
    folder.write_witness_file(f"prometheus/{name}.json", json.dumps(response).encode())


def write_record(folder: RunFolder, windows: Sequence[float], fresh: bool = False) -> None:
    """Write the record of a collection whose windows end at some instants."""
    record = CollectionRecord(fresh, BEGIN, END, READ_AT, 0.0, 5.0, windows=windows)
    folder.write_witness_file("prometheus/collection.json", json.dumps(asdict(record)).encode())
