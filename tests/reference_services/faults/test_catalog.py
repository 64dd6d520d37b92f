"""Tests of the catalog of faults."""

from reference_services.faults.catalog import FAULTS


def test_every_fault_is_described_in_one_sentence() -> None:
    for fault in FAULTS.values():
        assert fault.sentence.endswith(".")
        assert "\n" not in fault.sentence
