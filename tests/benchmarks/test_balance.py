from pathlib import Path

import pytest

from benchmarks.balance import judge, measure_hours, measure_run, write_evidence

_MINUTE = 1 / 60


def test_every_row_of_generated_evidence_passes(tmp_path: Path) -> None:
    write_evidence(tmp_path, 9, _MINUTE)
    assert judge(tmp_path).wrong == 0


def test_a_figure_that_differs_from_the_ledger_fails_its_row(tmp_path: Path) -> None:
    write_evidence(tmp_path, 9, _MINUTE)
    ledger = tmp_path / "ledger.json"
    ledger.write_text(ledger.read_text().replace("60]", "61]", 1))
    assert judge(tmp_path).wrong == 1


def test_without_figures_every_row_fails(tmp_path: Path) -> None:
    write_evidence(tmp_path, 9, _MINUTE)
    (tmp_path / "evidence" / "witnesses" / "prometheus" / "collection.json").unlink()
    assert judge(tmp_path).wrong == 9


@pytest.mark.core
@pytest.mark.long
def test_the_memory_is_that_of_the_judging_process_alone() -> None:
    ours = bytearray(b"x" * 400_000_000)
    assert measure_hours(9, _MINUTE).peak_mb < len(ours) / 2 / 2**20


@pytest.mark.long
@pytest.mark.stack
def test_ten_thousand_series_are_reconciled_in_linear_time_and_half_a_gigabyte() -> None:
    """Ten times as many take some ten times as long; all with all, it were a hundred times."""
    fewer, judged = measure_run(1_000, 5), measure_run(10_000, 5)
    assert fewer.wrong == judged.wrong == 0
    assert judged.all_s < 30 * fewer.all_s
    assert judged.peak_mb < 500


@pytest.mark.long
@pytest.mark.timeout(300)
def test_ten_hours_are_judged_in_the_memory_of_one() -> None:
    one, ten = measure_hours(200, 1), measure_hours(200, 10)
    assert one.wrong == ten.wrong == 0
    assert ten.evidence_mb > 9 * one.evidence_mb
    assert ten.peak_mb < 1.1 * one.peak_mb
