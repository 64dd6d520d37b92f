import json
from dataclasses import asdict

import pytest

from witnesses.prometheus.collection import CollectionRecord


@pytest.mark.parametrize(("at", "window"), [(160.2, "61s"), (160.0, "60s"), (100.0, "0s")])
def test_the_window_reaches_from_begin_to_the_evaluation(at: float, window: str) -> None:
    assert CollectionRecord(begin=100.0, at=at).window == window


def test_a_record_is_read_from_json_as_it_was_written() -> None:
    record = CollectionRecord(True, 100.0, 160.0, 190.0, -0.25, 5.0, "refused", [150.0, 190.0])
    assert CollectionRecord(**json.loads(json.dumps(asdict(record)))) == record
