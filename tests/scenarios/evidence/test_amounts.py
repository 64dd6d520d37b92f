import errno
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.evidence.amounts import (
    AMOUNT,
    AMOUNT_BYTES,
    COUNTS,
    AmountFile,
    AmountKey,
    AmountKind,
    AmountRow,
    read_amounts,
)
from scenarios.evidence.ledger import Ledger, ledger_of
from scenarios.evidence.recording import NOTES, Recorder
from scenarios.evidence.recording_reader import read_recording
from scenarios.http.messages import ResponseLost
from scenarios.language.amounts import scaled
from tests.scenarios.evidence.metered import record, scenario_of, spent

MILLI = Fraction(1, 1000)
SCENARIO = scenario_of()
CHARGES = st.lists(
    st.tuples(st.sampled_from(["acme", "globex", "ünïcode"]), st.decimals(0, 10**6, places=3)),
    min_size=1, max_size=12,
)  # fmt: skip


def ledger_at(path: Path) -> Ledger:
    read = read_recording(path)
    assert read
    return ledger_of(SCENARIO, [read.exchanges])


def sums_of(charges: Sequence[tuple[str, Decimal]]) -> Counter[str]:
    sums: Counter[str] = Counter()
    for customer, amount in charges:
        sums[customer] += scaled(str(amount), MILLI)
    return sums


@given(CHARGES)
def test_the_ledger_is_the_exact_sum_of_all_charges(charges: list[tuple[str, Decimal]]) -> None:
    with TemporaryDirectory() as folder:
        path = record(Path(folder), SCENARIO, [spent(*charge) for charge in charges])
        ledger = ledger_at(path)
    confirmed = {labels[0]: amount for (_, labels), amount in ledger.confirmed.items()}
    assert confirmed == dict(sums_of(charges))
    assert sum(confirmed.values()) * MILLI == sum(Fraction(amount) for _, amount in charges)
    assert not ledger.open_doubts


@given(CHARGES, st.sampled_from([COUNTS, NOTES]), st.floats(0, 1), st.booleans())
def test_a_recording_that_is_torn_at_any_byte_leaves_an_interval_with_the_truth(
    charges: list[tuple[str, Decimal]], suffix: str, share: float, is_bounded: bool
) -> None:
    scenario = scenario_of(at_most={"tokens": 10**6}) if is_bounded else SCENARIO
    with TemporaryDirectory() as folder:
        path = record(Path(folder), scenario, [spent(*each) for each in charges], ends=False)
        torn = path.with_suffix(suffix)
        head = torn.read_bytes().find(b"\n") + 1 if suffix == NOTES else 0
        torn.write_bytes(torn.read_bytes()[: head + int(share * (torn.stat().st_size - head))])
        read = read_recording(path)
        assert read
        ledger = ledger_of(scenario, [read.exchanges])
    for customer, amount in sums_of(charges).items():
        key = "tokens", (customer,)
        low, doubt = ledger.confirmed.get(key, 0), ledger.doubt_of(key)
        assert low <= amount
        assert doubt.is_unbounded or amount <= low + doubt.amount


@pytest.mark.parametrize("byte", range(AMOUNT_BYTES))
def test_a_killed_process_leaves_the_bound_whatever_part_of_a_row_it_wrote(
    tmp_path: Path, byte: int
) -> None:
    scenario = scenario_of(at_most={"tokens": 4096})
    path = record(tmp_path, scenario, [ResponseLost("reset")], ends=False)
    with path.with_suffix(COUNTS).open("ab") as file:
        row = np.array([(1, 0, 7, 0, AmountKind.EXACT, 0)], AMOUNT).tobytes()
        file.write(row[:byte])
    ledger = ledger_at(path)
    assert ledger.doubt_of(("tokens", ("anybody",))).amount == 4_096_000
    assert not any(ledger.confirmed.values())


def test_a_row_that_was_altered_is_missing_and_its_exchange_in_doubt(tmp_path: Path) -> None:
    path = record(tmp_path, SCENARIO, [spent("acme", "1.5"), spent("acme", "2")])
    rows = np.fromfile(path.with_suffix(COUNTS), AMOUNT)
    rows["key"][-1] = 77
    path.with_suffix(COUNTS).write_bytes(rows.tobytes())
    read = read_recording(path)
    assert read
    assert read.missing == 1
    ledger = ledger_of(SCENARIO, [read.exchanges])
    assert ledger.confirmed == {("tokens", ("acme",)): 1500}
    assert ledger.doubt_of(("tokens", ("acme",))).is_unbounded


def test_rows_that_were_cut_off_are_missing(tmp_path: Path) -> None:
    path = record(tmp_path, SCENARIO, [spent("acme", "1.5"), spent("acme", "2")])
    counts = path.with_suffix(COUNTS)
    counts.write_bytes(counts.read_bytes()[:-AMOUNT_BYTES])
    read = read_recording(path)
    assert read
    assert read.missing == 1


def test_a_recording_of_more_rows_than_a_chunk_holds_is_read_whole(tmp_path: Path) -> None:
    file = AmountFile(tmp_path / "many.counts")
    for number in range(1, 70_001):
        file.append(number, [AmountRow(0, 0, number, AmountKind.EXACT)])
    file.close()
    keys = (AmountKey("tokens", ("acme",), MILLI),)
    amounts, lost = read_amounts(tmp_path / "many.counts", keys)
    assert (len(amounts), lost) == (70_000, 0)
    assert amounts.rows["amount"].tolist() == list(range(1, 70_001))


def test_a_step_without_templates_leaves_no_file(tmp_path: Path) -> None:
    path = record(tmp_path, scenario_of(counts={"tokens": {"acme": 1}}), [spent("acme", "1")])
    assert not path.with_suffix(COUNTS).exists()


def test_too_many_label_sets_stop_the_load_with_a_reason(tmp_path: Path) -> None:
    path = tmp_path / "load.jsonl"
    recorder = Recorder(path, "load", "load", 1, None, ("ask",), max_keys=2)
    acme, globex, third = (AmountKey("tokens", (name,), MILLI) for name in ("a", "b", "c"))
    assert [recorder.note_key(acme), recorder.note_key(globex)] == [0, 1]
    assert recorder.number_of("tokens", ("a",)) == 0
    with pytest.raises(OSError, match="more than 2 label sets of amounts") as refused:
        recorder.note_key(third)
    assert refused.value.errno == errno.E2BIG
    recorder.close()


def test_label_values_without_end_stop_the_load_with_a_reason(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "load.jsonl", "load", "load", 1, None, ("ask",))
    with pytest.raises(OSError, match="more than 2,000,000 characters in the label values"):
        for number in range(100_000):
            recorder.note_key(AmountKey("tokens", (f"{number:0500}", None), MILLI))
    assert (tmp_path / "load.jsonl").stat().st_size < 3_000_000
    recorder.close()


def test_sums_beyond_64_bits_are_exact(tmp_path: Path) -> None:
    largest = Decimal(2**63 - 1) / 1000
    path = record(tmp_path, SCENARIO, [spent("acme", largest)] * 5)
    assert ledger_at(path).confirmed["tokens", ("acme",)] == 5 * (2**63 - 1)
