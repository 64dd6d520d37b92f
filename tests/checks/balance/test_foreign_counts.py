from dataclasses import replace
from pathlib import Path

import pytest

from checks.balance.usage import judge_usage
from checks.case import read_case
from checks.result import Code, UsageRow
from checks.verdict import Verdict
from tests.checks.balance.discovered_run import DISCOVERED, OTHER, write_no_pages
from tests.evidence_factory import (
    SHOP,
    Load,
    settled,
    write_agreeing_witnesses,
    write_prometheus,
    write_run,
)
from tests.witnesses.prometheus.collected import write_matrix
from witnesses.figure import Reason


def _tea(place: Path, env: str, *, is_discovered: bool = True) -> UsageRow:
    """Return the row of tea, of which another target counts one more than the client did."""
    folder = write_run(place, Load())
    write_agreeing_witnesses(folder)
    record = DISCOVERED if is_discovered else replace(DISCOVERED, discovered=[])
    other = {"kind": "tea", "instance": OTHER[1]}
    uses = [({"kind": "tea"}, settled(0, 4)), (other, settled(0, 1)),
            ({"kind": "coffee"}, settled(0, 8))]  # fmt: skip
    started = {target: settled(500.0, 500.0) for target in (SHOP, OTHER)}
    write_prometheus(
        folder, {"uses": uses, "visits": [({}, settled(0, 4))]}, start_times=started,
        collection=record,
    )  # fmt: skip
    ups = [
        ({"job": target[0], "instance": target[1], "env": value}, settled(1.0, 1.0))
        for target, value in ((SHOP, "staging"), (OTHER, env))
    ]
    write_matrix(folder, "up", ups)
    if is_discovered:
        write_no_pages(folder, unasked="no route")
    rows = judge_usage(read_case(folder)).usage
    return next(row for row in rows if row.labels == {"kind": "tea"})


def test_an_excess_accuses_nobody_where_a_target_may_be_another_environments(
    tmp_path: Path,
) -> None:
    row = _tea(tmp_path, "prod")
    assert (row.verdict, row.code) == (Verdict.INCONCLUSIVE, Code.FOREIGN_TRAFFIC)
    figure = row.figures["prometheus"]
    assert (figure.low, figure.high, figure.reason) == (None, 5.0, Reason.OTHER_TARGETS)
    assert figure.detail == "targets with env: prod, staging; restrict them by prometheus.match"


def test_an_excess_of_targets_of_one_environment_is_one(tmp_path: Path) -> None:
    assert _tea(tmp_path, "staging").verdict is Verdict.FAIL


@pytest.mark.parametrize("env", ["prod", "staging"])
def test_of_replicas_that_are_named_a_target_beside_them_is_a_doubt_of_its_own(
    tmp_path: Path, env: str
) -> None:
    row = _tea(tmp_path, env, is_discovered=False)
    assert row.verdict is Verdict.INCONCLUSIVE
    assert "1 of its 2 replicas are named" in row.figures["prometheus"].detail
