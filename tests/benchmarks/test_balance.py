from pathlib import Path

import pytest

from benchmarks.balance import judge, labels_of, measure_hours, measure_run, write_evidence

_MINUTE = 1 / 60


def test_every_series_has_labels_of_its_own() -> None:
    assert len({labels_of(number, 100) for number in range(100)}) == 100
    assert {len({labels_of(number, 100)[part] for number in range(100)}) for part in (0, 1)} == {10}


def test_made_up_evidence_is_judged_right(tmp_path: Path) -> None:
    write_evidence(tmp_path, 9, _MINUTE)
    assert judge(tmp_path).wrong == 0


def test_a_figure_that_differs_from_the_ledger_is_a_wrong_row(tmp_path: Path) -> None:
    write_evidence(tmp_path, 9, _MINUTE)
    ledger = tmp_path / "ledger.json"
    ledger.write_text(ledger.read_text().replace("60]", "61]", 1))
    assert judge(tmp_path).wrong == 1


def test_without_figures_everything_is_wrong(tmp_path: Path) -> None:
    write_evidence(tmp_path, 9, _MINUTE)
    (tmp_path / "evidence" / "witnesses" / "prometheus" / "reading.json").unlink()
    assert judge(tmp_path).wrong == 9


def test_the_memory_is_the_judging_processs_own() -> None:
    ours = bytearray(b"x" * 400_000_000)
    assert measure_hours(9, _MINUTE).peak_mb < len(ours) / 2 / 2**20


@pytest.mark.long
@pytest.mark.stack
def test_ten_thousand_series_are_reconciled_within_seconds_and_half_a_gigabyte() -> None:
    judged = measure_run(10_000, 5)
    assert judged.wrong == 0
    assert judged.all_s < 5
    assert judged.peak_mb < 500


@pytest.mark.long
@pytest.mark.timeout(300)
def test_ten_hours_are_judged_in_the_memory_of_one() -> None:
    one, ten = measure_hours(200, 1), measure_hours(200, 10)
    assert one.wrong == ten.wrong == 0
    assert ten.evidence_mb > 9 * one.evidence_mb
    assert ten.peak_mb < 1.1 * one.peak_mb
