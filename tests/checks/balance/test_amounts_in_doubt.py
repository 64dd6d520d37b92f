"""Rows of the balance whose client amounts come from responses, some of them in doubt."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.balance.promises import Promises
from checks.result import Code, ResolvedDoubt
from checks.verdict import Verdict
from scenarios.evidence.ledger import Weight
from scenarios.evidence.recording_reader import read_recording
from scenarios.evidence.trace_ids import TraceIds
from scenarios.http.messages import Response, ResponseLost
from tests import evidence_factory as make
from tests.checks.balance.metered_rows import rows_of
from tests.scenarios.evidence.metered import STEP, record, scenario_of, spent

LOST = ResponseLost("reset")
KNOWN = {"tokens": {"{{ tenant }}": "{{ spent }}"}}
Answers = Sequence[Response | BaseException]


def test_a_customer_that_the_client_never_used_is_accused_with_the_amount(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, [spent("acme", 1.5), spent("acme", 2.5)], {"acme": 1.5, "globex": 2.5})
    assert {name: row.code for name, row in rows.items()} == {
        "acme": Code.WRONG_LABEL, "globex": Code.WRONG_LABEL
    }  # fmt: skip
    misplaced = rows["acme"].misplaced
    assert misplaced
    assert misplaced.found_under == ((("globex",), Fraction(5, 2)),)


def test_an_excess_without_an_upper_bound_is_open(tmp_path: Path) -> None:
    row = rows_of(tmp_path, [spent("x", 1.5), LOST], {"acme": 99.0}, counts=KNOWN)["acme"]
    assert (row.verdict, row.code) == (Verdict.INCONCLUSIVE, Code.IN_DOUBT)
    assert row.client.is_unbounded


def test_a_value_below_what_is_confirmed_fails_whatever_is_in_doubt(tmp_path: Path) -> None:
    row = rows_of(tmp_path, [spent("x", 1.5), LOST], {"acme": 1.499}, counts=KNOWN)["acme"]
    assert (row.verdict, row.code) == (Verdict.FAIL, Code.LOST_ROW)


@pytest.mark.parametrize(
    ("stored", "verdict"), [(11.5, Verdict.INCONCLUSIVE), (12.0, Verdict.FAIL)]
)
def test_an_excess_beyond_the_bound_fails(tmp_path: Path, stored: float, verdict: Verdict) -> None:
    at_most = {"tokens": 10}
    answers: Answers = [spent("x", 1.5), LOST]
    rows = rows_of(tmp_path, answers, {"acme": stored}, counts=KNOWN, at_most=at_most)
    assert rows["acme"].verdict is verdict
    assert rows["acme"].client.most == Fraction(23, 2)


def test_amounts_by_trace_id_settle_what_has_no_bound_and_no_label(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, [spent("acme", 1.5), LOST, LOST], {"acme": 1.5, "globex": 7.25},
                   traces=[[1, "acme", 1.5], [2, "globex", 7.25]])  # fmt: skip
    globex = rows["globex"]
    assert (globex.client.confirmed, globex.client.is_in_doubt) == (Fraction(29, 4), False)
    assert globex.resolved == ResolvedDoubt(Fraction(29, 4), 0)
    assert {row.verdict for row in rows.values()} == {Verdict.PASS}


def test_an_amount_by_trace_id_settles_what_has_a_bound(tmp_path: Path) -> None:
    row = rows_of(
        tmp_path, [spent("x", 1.5), LOST], {"acme": 4.0},
        traces=[[1, "acme", 1.5], [2, "acme", 2.5]], counts=KNOWN, at_most={"tokens": 10},
    )["acme"]  # fmt: skip
    assert (row.client.confirmed, row.client.in_doubt, row.verdict) == (4, 0, Verdict.PASS)
    assert row.resolved == ResolvedDoubt(Fraction(5, 2), Fraction(15, 2))


def test_a_row_of_no_request_leaves_the_doubt_open(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, [LOST], {"acme": 3.0}, traces=[])
    assert rows["acme"].client.is_unbounded  # the row came between the two queries


def test_rows_of_floats_that_were_there_before_the_run_leave_nothing_open(tmp_path: Path) -> None:
    earlier = 0.1 + 0.7
    assert earlier < 0.8  # as a column of floats adds them up
    rows = rows_of(tmp_path, [LOST, LOST], {"acme": 0.1 + 0.7 + 2.5}, before={"acme": earlier},
                   traces=[["old-1", "acme", 0.1], ["old-2", "acme", 0.7], [1, "acme", 2.5]],
                   counts=KNOWN)  # fmt: skip
    client = rows["acme"].client
    assert (client.confirmed, client.is_in_doubt) == (Fraction(5, 2), False)
    assert rows["acme"].verdict is Verdict.PASS


@pytest.mark.parametrize("counts", [KNOWN, STEP["counts"]], ids=["known", "unknown"])
@pytest.mark.parametrize(("charged", "verdict"), [(10.0, Verdict.PASS), (10.001, Verdict.FAIL)])
def test_trace_ids_settle_no_more_than_a_request_can_have_counted(
    tmp_path: Path, counts: object, charged: float, verdict: Verdict
) -> None:
    row = rows_of(tmp_path, [LOST], {"acme": charged}, traces=[[1, "acme", charged]],
                  counts=counts, at_most={"tokens": 10})["acme"]  # fmt: skip
    assert row.verdict is verdict
    assert row.client.most == 10


def test_a_request_in_doubt_that_was_charged_to_two_customers_fails(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, [LOST], {"acme": 6.0, "globex": 5.5},
                   traces=[[1, "acme", 6.0], [1, "globex", 5.5]])  # fmt: skip
    assert (rows["acme"].verdict, rows["acme"].client.confirmed) == (Verdict.PASS, 6)
    assert (rows["globex"].verdict, rows["globex"].client.most) == (Verdict.FAIL, 0)


def test_one_request_that_was_charged_too_little_is_named(tmp_path: Path) -> None:
    answers = [spent("acme", 1.5), spent("acme", 2.5)]
    row = rows_of(tmp_path, answers, {"acme": 4.0}, traces=[[1, "acme", 1.0], [2, "acme", 3.0]])[
        "acme"
    ]
    assert (row.verdict, row.code) == (Verdict.FAIL, Code.LOST_ROW)
    assert row.records
    assert row.records.missing_ids == (f"{make.RUN_ID}-load-1",)
    assert row.records.surplus_ids == (f"{make.RUN_ID}-load-2",)


def test_promises_have_what_each_exchange_moved(tmp_path: Path) -> None:
    scenario = scenario_of(at_most={"tokens": 10})
    read = read_recording(record(tmp_path, scenario, [spent("acme", 1.5), LOST]))
    assert read
    promises = Promises(scenario, "run", [read.exchanges], TraceIds("run", "X-Trace-ID", ("load",)))
    (confirmed,) = promises.of("tokens", Weight.CONFIRMED)
    (doubtful,) = promises.of("tokens", Weight.IN_DOUBT)
    assert (confirmed.exchange.sequence, confirmed.labels, confirmed.amount) == (1, ("acme",), 1500)
    assert (doubtful.exchange.sequence, doubtful.labels, doubtful.amount) == (2, (None,), 10_000)


Charges = st.SearchStrategy["Charge"]


@dataclass(frozen=True)
class Charge:
    """One request: what it must cost, whether it was charged, and the status, if one came."""

    customer: str
    units: int
    is_charged: bool
    status: int | None

    @property
    def answer(self) -> Response | BaseException:
        amount = Decimal(self.units) / 1000
        return spent(self.customer, amount, self.status) if self.status else LOST

    def row(self, sequence: int) -> list[object]:
        return [sequence, self.customer, self.units / 1000]


def _charges(is_charged: st.SearchStrategy[bool], *statuses: int | None) -> Charges:
    customers, units = st.sampled_from(["acme", "globex"]), st.integers(1, 10_000)
    return st.builds(Charge, customers, units, is_charged, st.sampled_from(statuses))


ANSWERED = _charges(st.just(True), 200)
KILLED = _charges(st.booleans(), None, 500, 503)


@pytest.mark.core
@pytest.mark.long
@settings(max_examples=25)
@given(st.lists(ANSWERED | KILLED, min_size=1, max_size=8), st.booleans(), st.booleans())
def test_whatever_was_killed_is_settled_by_trace_ids_and_never_accused_without(
    charges: list[Charge], has_bound: bool, has_traces: bool
) -> None:
    charged = [(n, each) for n, each in enumerate(charges, 1) if each.is_charged]
    truth: Counter[str] = Counter()
    for _, each in charged:
        truth[each.customer] += each.units
    at_most = {"at_most": {"tokens": 10}} if has_bound else {}
    with TemporaryDirectory() as place:
        rows = rows_of(
            Path(place), [each.answer for each in charges],
            {customer: units / 1000 for customer, units in truth.items()},
            traces=[each.row(n) for n, each in charged] if has_traces else None, **at_most,
        )  # fmt: skip
    if has_traces:
        clients = {name: row.client for name, row in rows.items()}
        assert {name: each.confirmed * 1000 for name, each in clients.items() if each.most} == truth
        assert not any(each.is_in_doubt for each in clients.values())
    for customer, row in rows.items():
        assert row.verdict is not Verdict.FAIL
        assert row.client.confirmed * 1000 <= truth[customer]
        assert row.client.is_unbounded or truth[customer] <= row.client.most * 1000


@pytest.mark.core
@pytest.mark.long
@settings(max_examples=25)
@given(st.lists(KILLED, max_size=4), ANSWERED, st.lists(ANSWERED, max_size=3), st.booleans())
def test_a_charge_that_is_lost_among_the_killed_fails_by_its_trace_id(
    killed: list[Charge], lost: Charge, others: list[Charge], has_bound: bool
) -> None:
    charges = [*killed, lost, *others]
    stored = [(n, each) for n, each in enumerate(charges, 1)
              if each.is_charged and n != len(killed) + 1]  # fmt: skip
    totals: Counter[str] = Counter({lost.customer: 0})
    for _, each in stored:
        totals[each.customer] += each.units
    at_most = {"at_most": {"tokens": 10}} if has_bound else {}
    with TemporaryDirectory() as place:
        rows = rows_of(
            Path(place), [each.answer for each in charges],
            {customer: units / 1000 for customer, units in totals.items()},
            traces=[each.row(n) for n, each in stored], **at_most,
        )  # fmt: skip
    row = rows[lost.customer]
    assert row.verdict is Verdict.FAIL
    assert row.records
    assert row.records.missing_ids == (f"{make.RUN_ID}-load-{len(killed) + 1}",)
