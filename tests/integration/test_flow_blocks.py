"""Every block of a flow under real load workers: counted exactly, and judged alike again."""

import json
from pathlib import Path

import pytest

from tests.integration.command import Ended, Start
from tests.integration.workshop import PARTS, POLLS, workshop
from tests.speed import unproven

pytestmark = pytest.mark.long

SCENARIO = """
scenario: workshop
quantities:
  done: {by: [kind], prometheus: requests_total}
  charges: {database: {billing: "SELECT count(*) FROM charges WHERE tenant = :tenant"}}
setup:
  - step: open tenant
    request: POST shop /tenants
    expect: {status: 201}
    save: {key: id}
    counts: {done: {tenants: 1}}
user_setup:
  - step: log in
    request: POST shop /logins
    json: {key: "{{ key }}", user: "{{ unique }}"}
    save: {token: token}
    counts: {done: {logins: 1}}
flows:
  buy:
    share: 3
    steps:
      - step: order
        request: POST shop /orders
        headers: {X-Login: "{{ token }}"}
        expect: {status: 201}
        save: {order: id, parts: parts}
        counts: {done: {orders: 1}}
      - for_each: "{{ parts }}"
        as: part
        steps:
          - step: pack
            request: PUT shop /orders/{{ order }}/parts/{{ part }}
            counts: {done: {parts: 1}}
      - step: wait
        request: GET shop /orders/{{ order }}
        until: {json: {state: done}, every: 10ms, within: 60s}
        counts: {done: {polls: 1}}
      - together:
          - step: charge
            request: POST shop /charges
            headers: {Idempotency-Key: "{{ unique }}"}
            counts: {charges: 1, done: {charges: 1}}
          - step: charge again
            request: POST shop /charges
            headers: {Idempotency-Key: "{{ unique }}"}
            counts: {done: {charges: 1}}
  browse:
    share: 1
    steps:
      - step: look
        request: GET shop /looks
        counts: {done: {looks: 1}}
teardown:
  - step: close tenant
    request: DELETE shop /tenants/{{ key }}
    counts: {done: {closed: 1}}
profiles:
  load: {users: 6, iterations: 200}
"""
USERS, BOUGHT, LOOKED = 6, 150, 50
COUNTED = {
    "tenants": 1, "logins": USERS, "orders": BOUGHT, "parts": BOUGHT * PARTS,
    "polls": BOUGHT * POLLS, "charges": 2 * BOUGHT, "looks": LOOKED, "closed": 1,
}  # fmt: skip


def load(start: Start, folder: Path, *options: str) -> Ended:
    files = ["--scenario", str(folder / "s.yaml"), "--env", str(folder / "e.yaml")]
    return start("load", "--profile", "load", *files, *options).wait()


@pytest.mark.parametrize("workers", ["0", "3"])
def test_every_block_is_counted_exactly_and_judged_alike_again(
    start: Start, tmp_path: Path, workers: str
) -> None:
    with workshop(tmp_path, SCENARIO) as server:
        ended = load(start, tmp_path, "--workers", workers)
    assert unproven(ended.result) == {}, ended.stdout + ended.stderr
    assert server.kinds == COUNTED
    rows = {row["labels"]["kind"]: row for row in ended.rows("done")}
    assert {kind: row["client"]["confirmed"] for kind, row in rows.items()} == COUNTED
    assert {kind: row["figures"]["service"]["low"] for kind, row in rows.items()} == COUNTED
    (charges,) = ended.rows("charges")
    assert charges["figures"]["database:billing"]["low"] == BOUGHT
    first = ended.result
    assert start("check", str(ended.folder)).wait().code == ended.code
    assert json.loads((ended.folder / "result.json").read_bytes()) == first


@pytest.mark.parametrize("is_racy", [True, False])
@pytest.mark.parametrize("is_together", [True, False])
def test_a_race_for_one_idempotency_key_is_found_by_requests_that_are_sent_together(
    start: Start, tmp_path: Path, is_racy: bool, is_together: bool
) -> None:
    scenario = SCENARIO if is_together else one_by_one(SCENARIO)
    with workshop(tmp_path, scenario, is_racy=is_racy) as server:
        ended = load(start, tmp_path, "--workers", "2", "--iterations", "40")
        charges = server.charges()
    finding = ended.finding("usage/charges")
    if is_racy and is_together:
        assert charges > 30
        assert (ended.code, finding["code"]) == (1, "EXTRA_ROW"), ended.stdout
    else:
        assert charges == 30
        assert unproven(ended.result) == {}, ended.stdout


def one_by_one(scenario: str) -> str:
    """Return the scenario with the steps of `together` one after the other."""
    before, after = scenario.split("      - together:\n")
    steps, flow = after.split("  browse:\n")
    lines = (line.removeprefix("    ") for line in steps.splitlines(keepends=True))
    return f"{before}{''.join(lines)}  browse:\n{flow}"
