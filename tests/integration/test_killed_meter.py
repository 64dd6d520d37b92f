"""What is in doubt after a service was killed is settled exactly, or an interval with the truth."""

from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from scenarios.evidence.exchange import Outcome
from tests.integration.command import Ended, Start
from tests.integration.killed_meter import CUSTOMERS, SQLITE, Moment, Store, killed_meter
from tests.integration.real_prometheus import real_prometheus
from tests.reference_services.databases import postgresql_databases
from tests.speed import unproven

ENVIRONMENT = """
environment: metering
services:
  gateway: {{url: "http://127.0.0.1:{port}"{declared}}}
databases: {{billing: "{database}"}}
headers: {{X-Tenant-ID: "{{{{ tenant }}}}"}}
trace_header: {trace_header}
exclusive: true
load: {{allowed: true, max_users: 100}}
{prometheus}
"""
SCENARIO = """
scenario: metering
{data}
quantities:
  tokens:
    by: [customer]
    unit: tokens
    resolution: 0.001
    in_doubt: {in_doubt}
{witnesses}
flow:
  - step: ask
    request: POST gateway /answers
    json: {{customer: "{customer}"}}
    timeout: 60s
    save: {{customer: customer, spent: tokens}}
    counts: {{tokens: {{"{counted}": "{{{{ spent }}}}"}}}}
{at_most}
profiles:
  load: {{users: 4, iterations: {iterations}}}
  e2e: {{users: 1, iterations: {iterations}}}
checks:
  success_rate: 10%
"""
DATA = "data: {customers: {file: customers.csv, order: random, seed: 3}}"
ROWS = """    database:
      billing: "SELECT customer, sum(tokens) FROM usage WHERE tenant = :tenant GROUP BY customer"
"""
TRACES = """    traces:
      billing: "SELECT trace, customer, tokens FROM usage WHERE tenant = :tenant"
"""
COUNTER = """    prometheus: tokens_used_total{tenant="{{ tenant }}"}
"""
AT_MOST = "    at_most: {tokens: 100}"
NO_METRICS = ", metrics: none"


@dataclass(frozen=True)
class Killing:
    """A load against the service: what it can know, and how often the service is killed."""

    moment: Moment = Moment.AFTER_CHARGE
    kills: int = 2
    has_traces: bool = True
    has_counter: bool = False
    has_prometheus: bool = False
    shows_start: bool = True
    has_bound: bool = True
    names_customer: bool = True
    in_doubt: str = "1%"
    trace_header: str = "X-Trace-ID"
    command: tuple[str, ...] = ("load", "--profile", "load")
    is_postgresql: bool = False

    @property
    def profile(self) -> str:
        return "e2e" if "e2e" in self.command else "load"

    @property
    def scenario(self) -> str:
        asked = "{{ customers.id }}" if self.names_customer else ""
        return SCENARIO.format(
            data=DATA * self.names_customer, in_doubt=self.in_doubt,
            witnesses=ROWS + TRACES * self.has_traces + COUNTER * self.has_counter,
            at_most=AT_MOST * self.has_bound, customer=asked, iterations=30 * (self.kills + 1),
            counted=asked or "{{ customer }}",
        )  # fmt: skip


@dataclass(frozen=True)
class Killed:
    """A run against the service, and what it charged in truth, by customer."""

    ended: Ended
    profile: str
    truth: dict[str, Fraction]
    kills: int
    lost: tuple[tuple[str, str], ...]

    @property
    def rows(self) -> dict[str, dict[str, Any]]:
        return {row["labels"]["customer"]: row for row in self.ended.rows("tokens")}

    @property
    def said(self) -> str:
        return self.ended.stdout + self.ended.stderr

    @property
    def unclear(self) -> set[str]:
        """The checks that do not pass, but for those that a stall leaves open."""
        return set(unproven(self.ended.result))

    @property
    def unanswered(self) -> int:
        recordings = self.ended.recordings(self.profile)
        rows = (row for each in recordings for row in each.exchanges)
        return sum(row.outcome is Outcome.UNKNOWN for row in rows)


Drive = Callable[[Killing], Killed]


@pytest.fixture
def drive(start: Start, tmp_path: Path, request: pytest.FixtureRequest) -> Drive:
    """Drive the load of a killing, with a database of its own for the charges."""

    def drive_with_database(killing: Killing) -> Killed:
        if not killing.is_postgresql:
            return driven(start, tmp_path, killing, f"{SQLITE}{tmp_path / 'billing.sqlite'}")
        with postgresql_databases(request.getfixturevalue("postgresql")) as databases:
            return driven(start, tmp_path, killing, databases.url_of("cards"))

    return drive_with_database


def driven(start: Start, folder: Path, killing: Killing, database: str) -> Killed:
    """Drive the load of a killing whose charges are in this database."""
    customers = "\n".join(["id", *(f"c{number}" for number in range(CUSTOMERS))])
    (folder / "customers.csv").write_text(customers)
    (folder / "s.yaml").write_text(killing.scenario)
    with ExitStack() as held:
        port = held.enter_context(killed_meter(
            database, killing.moment, killing.kills, shows_start=killing.shows_start
        ))  # fmt: skip
        prometheus = ""
        if killing.has_prometheus:
            url = held.enter_context(real_prometheus(folder, "gateway", port))
            prometheus = f'prometheus: {{url: "{url}"}}'
        environment = ENVIRONMENT.format(
            port=port, database=database, declared="" if killing.has_counter else NO_METRICS,
            prometheus=prometheus, trace_header=killing.trace_header,
        )  # fmt: skip
        (folder / "e.yaml").write_text(environment)
        files = ["--env", str(folder / "e.yaml"), "--scenario", str(folder / "s.yaml")]
        ended = start(*killing.command, *files).wait()
        store = held.enter_context(closing(Store(database)))
        charged = store.read("SELECT customer, tokens FROM usage")
        lost = tuple(store.read("SELECT trace, customer FROM lost"))
        kills = store.kills
    truth = dict.fromkeys((customer for customer, _ in charged), Fraction())
    for customer, tokens in charged:
        truth[customer] += Fraction(str(tokens))
    return Killed(ended, killing.profile, truth, kills, lost)


def explained(killing: Killing) -> set[str]:
    """Return the checks that a restart leaves open: the process did not live through the run."""
    return {"precondition/process-survives/gateway"} if killing.has_counter else set()


def exact(value: object) -> Fraction:
    return Fraction(str(value))


TWO_WORKERS = ("load", "--profile", "load", "--workers", "2")
LONG = [
    Killing(Moment.BEFORE_CHARGE, command=("e2e",)),
    Killing(command=("e2e",), has_bound=False),
    Killing(kills=20, command=TWO_WORKERS),
    Killing(kills=20, has_bound=False, names_customer=False),
    Killing(Moment.BEFORE_CHARGE, kills=20, has_bound=False),
    Killing(kills=20, has_counter=True),
    Killing(kills=5, has_counter=True, has_prometheus=True, command=TWO_WORKERS),
    Killing(kills=5, has_bound=False, trace_header="traceparent"),
    Killing(kills=4, has_bound=False, is_postgresql=True, command=TWO_WORKERS),
    Killing(kills=3, has_counter=True, is_postgresql=True),
]


@pytest.mark.parametrize(
    "killing",
    [
        pytest.param(Killing(), marks=[pytest.mark.core, pytest.mark.long]),
        *(pytest.param(each, marks=pytest.mark.long) for each in LONG),
    ],
)
def test_amounts_by_trace_id_settle_each_kill_to_the_last_unit(
    start: Start, drive: Drive, killing: Killing
) -> None:
    killed = drive(killing)
    assert killed.unclear <= explained(killing), killed.said
    assert killed.kills == killing.kills
    assert killed.unanswered >= killing.kills
    clients = {customer: row["client"] for customer, row in killed.rows.items()}
    assert {name: exact(each["confirmed"]) for name, each in clients.items()} == killed.truth
    assert not any(each["in_doubt"] or each["is_unbounded"] for each in clients.values())
    assert {row["verdict"] for row in killed.rows.values()} == {"pass"}
    counters = [each for row in killed.rows.values() for name, each in row["figures"].items()
                if name in ("service", "prometheus")]  # fmt: skip
    assert {each["reason"] for each in counters} <= {"process_restarted"}
    done = sum(exact(row["resolved"]["done"]) for row in killed.rows.values() if row["resolved"])
    assert bool(done) is (killing.moment is Moment.AFTER_CHARGE or killing.profile == "load")
    assert start("check", str(killed.ended.folder)).wait().code == killed.ended.code


@pytest.mark.long
@pytest.mark.parametrize(
    "killing",
    [
        Killing(has_traces=False, kills=20),
        Killing(Moment.BEFORE_CHARGE, has_traces=False, command=("e2e",)),
        Killing(has_traces=False, has_counter=True),
        Killing(has_traces=False, kills=4, is_postgresql=True),
    ],
)
@pytest.mark.parametrize("in_doubt", ["1%", "60%"])
def test_without_trace_ids_the_truth_is_within_an_interval(
    drive: Drive, killing: Killing, in_doubt: str
) -> None:
    killed = drive(replace(killing, in_doubt=in_doubt))
    open_usage = {"usage/tokens"} if in_doubt == "1%" else set()
    assert killed.unclear - explained(killing) == open_usage, killed.said
    assert set(killed.rows) == set(killed.truth)
    for customer, row in killed.rows.items():
        confirmed, in_doubt_of_row = (
            exact(row["client"][key]) for key in ("confirmed", "in_doubt")
        )
        assert confirmed <= killed.truth[customer] <= confirmed + in_doubt_of_row
        is_open = in_doubt == "1%" and in_doubt_of_row
        assert row["verdict"] == ("inconclusive" if is_open else "pass")
    widths = [exact(row["client"]["in_doubt"]) for row in killed.rows.values()]
    assert sum(widths) == 100 * killed.unanswered > 0


@pytest.mark.long
@pytest.mark.parametrize("names_customer", [True, False])
def test_without_trace_ids_and_without_a_bound_an_excess_is_open(
    drive: Drive, names_customer: bool
) -> None:
    killing = Killing(has_traces=False, has_bound=False, names_customer=names_customer)
    killed = drive(killing)
    assert killed.unclear - explained(killing) == {"usage/tokens"}, killed.said
    exceeding = [row for customer, row in killed.rows.items()
                 if killed.truth[customer] > exact(row["client"]["confirmed"])]  # fmt: skip
    assert exceeding
    for row in exceeding:
        assert row["client"]["is_unbounded"]
        assert (row["verdict"], row["code"]) == ("inconclusive", "IN_DOUBT")


@pytest.mark.long
def test_a_charge_that_was_responded_to_and_lost_is_found_among_the_killed(drive: Drive) -> None:
    killed = drive(Killing(Moment.LOSES, kills=5))
    assert killed.ended.code == 1, killed.said
    ((trace, customer),) = killed.lost
    failing = {name: row for name, row in killed.rows.items() if row["verdict"] == "fail"}
    assert list(failing) == [customer]
    assert failing[customer]["code"] == "LOST_ROW"
    assert failing[customer]["records"]["missing_ids"] == [trace]


@pytest.mark.long
@pytest.mark.parametrize("has_prometheus", [True, False])
def test_a_process_without_a_start_time_accuses_no_counter_after_its_restart(
    drive: Drive, has_prometheus: bool
) -> None:
    killing = Killing(kills=3, has_counter=True, has_prometheus=has_prometheus, shows_start=False)
    killed = drive(killing)
    assert killed.unclear - explained(killing) == {"usage/tokens"}, killed.said
    for customer, row in killed.rows.items():
        assert (row["verdict"], row["code"]) == ("inconclusive", "COUNTER_RESET")
        assert exact(row["client"]["confirmed"]) == killed.truth[customer]
        assert not row["client"]["in_doubt"]
