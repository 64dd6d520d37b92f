from dataclasses import asdict

import pytest
from pydantic import TypeAdapter, ValidationError

from checks.service_levels import AvailabilityRow, LatencyRow, Objective
from checks.verdict import Verdict

OBJECTIVE = Objective(95.0, 0.5, 0.4, 0.3, None, 2, 3, 5, False, Verdict.PASS, 100)
LATENCY = LatencyRow("use", 100, 1, 0.1, 0.4, 0.6, 0.7, 0.3, None, 2, (OBJECTIVE,))
AVAILABILITY = AvailabilityRow(
    "cards", 0.99, None, None, None, 0.0, 60.0, 0.0, 0.0, 0.0, 0.6, 0, 0, (), Verdict.INCONCLUSIVE
)


@pytest.mark.parametrize("row", [LATENCY, AVAILABILITY])
def test_a_row_is_the_same_after_it_was_written_and_read(
    row: LatencyRow | AvailabilityRow,
) -> None:
    adapter = TypeAdapter(type(row))
    assert adapter.validate_json(adapter.dump_json(row)) == row


def test_an_objective_with_an_unknown_verdict_is_rejected() -> None:
    with pytest.raises(ValidationError, match="verdict"):
        TypeAdapter(Objective).validate_python({**asdict(OBJECTIVE), "verdict": "perhaps"})
