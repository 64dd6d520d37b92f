"""The rows of real services resolve what a cut connection left in doubt."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from checks.balance.doubt_resolution import (
    DoubtResolution,
    find_record_gaps,
    resolve_doubts,
)
from checks.balance.promises import Promises
from checks.result import ResolvedDoubt
from config.environment import Environment
from config.network import Network
from config.services import Service as Address
from scenarios.driver.flow_compiler import compile_flow
from scenarios.driver.iteration import run_iteration
from scenarios.evidence.exchange import trace_id
from scenarios.evidence.ledger import ledger_of
from scenarios.evidence.recording import Recorder, RecordingEnd
from scenarios.evidence.recording_reader import read_recordings
from scenarios.evidence.run_folder import RunFolder
from scenarios.evidence.trace_ids import TraceIds
from scenarios.http.client import HttpClient
from scenarios.language.amounts import Labels
from scenarios.language.model import Scenario
from scenarios.language.reader import find_scenario, read_scenario
from tests.reference_services.cutting_proxy import Cut, Proxy, proxied
from tests.reference_services.databases import (
    DIALECTS,
    Databases,
    postgresql_databases,
    sqlite_databases,
)
from tests.reference_services.services import (
    cards_service,
    onboarding_service,
    workflow_service,
)
from witnesses.database.collector import DatabaseCollector
from witnesses.database.trace_reading import read_traces
from witnesses.model import CountedQuantity, Moment

SCENARIO: Scenario = read_scenario(find_scenario("usage_tracking"))
TYPES = ("company", "audience", "voice", "insight")
RUN_ID = "run-1"


class Run:
    """A run of the shipped scenario whose connections may be cut."""

    def __init__(self, place: Path, databases: Databases, lines: dict[str, Proxy]) -> None:
        self.databases = databases
        self.lines = lines
        self.tenant = str(uuid4())
        self.folder = RunFolder(place / "run")
        self.folder.exchanges.mkdir(parents=True)
        self._flow = compile_flow(
            SCENARIO,
            Environment(
                environment="test",
                services={name: Address(url=line.url) for name, line in lines.items()},
                headers={"X-Tenant-ID": "{{ tenant }}"},
            ),
            RUN_ID,
            self.tenant,
        )

    def drive(self, *iterations: tuple[str, int, Cut] | None) -> None:
        """Run the flow once for each; one names a service, the requests passed on, and a cut."""
        self.collect(Moment.BEFORE)
        recorder = Recorder(
            self.folder.exchanges / "load.jsonl", "load", "e2e", 1, None, self._flow.step_names
        )
        for number, plan in enumerate(iterations, start=1):
            if plan:
                self._plan(*plan)
            with HttpClient(Network()) as sender:
                run_iteration(self._flow, number, recorder.now_s(), sender, recorder)
        recorder.end(RecordingEnd(len(iterations), 0, 0.0, 1.0))
        self.collect(Moment.AFTER)

    def _plan(self, service: str, passed: int, cut: Cut) -> None:
        plan: Iterator[Cut | None] = iter([*[None] * passed, cut])
        self.lines[service].next_cut = lambda: next(plan, None)

    def collect(self, moment: Moment) -> None:
        """Ask the databases, as the harness does."""
        quantities = [
            CountedQuantity(name, settings, self.tenant, True)
            for name, settings in SCENARIO.quantities.items()
        ]
        collector = DatabaseCollector(self.databases.urls, quantities, self.tenant)
        collector.collect(moment, self.folder)

    @property
    def promises(self) -> Promises:
        (recording,) = read_recordings(self.folder.exchanges, "load")
        return Promises(
            SCENARIO, RUN_ID, [recording.exchanges], TraceIds(RUN_ID, "X-Trace-ID", ("load",))
        )

    @property
    def resolution(self) -> DoubtResolution:
        promises = self.promises
        ledger = ledger_of(SCENARIO, promises.exchanges)
        return resolve_doubts(ledger, promises, read_traces(self.folder, SCENARIO.quantities))

    def figure(self, quantity: str, *labels: str) -> tuple[int, int]:
        ledger = self.resolution.ledger
        return ledger.confirmed[quantity, labels], ledger.in_doubt[quantity, labels]


@pytest.fixture
def databases(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Databases]:
    if getattr(request, "param", "sqlite") == "sqlite":
        yield sqlite_databases(tmp_path)
        return
    with postgresql_databases(request.getfixturevalue("postgresql")) as created:
        yield created


@pytest.fixture
def run(tmp_path: Path, databases: Databases) -> Iterator[Run]:
    with (
        cards_service(databases) as cards,
        onboarding_service(databases, None, CARDS_URL=cards.url) as onboarding,
        workflow_service(databases, None, CARDS_URL=cards.url) as workflow,
        proxied(onboarding.url) as to_onboarding,
        proxied(workflow.url) as to_workflow,
    ):
        yield Run(tmp_path, databases, {"onboarding": to_onboarding, "workflow": to_workflow})


@pytest.mark.core
@pytest.mark.long
@pytest.mark.parametrize("databases", DIALECTS, indirect=True)
def test_what_was_cut_off_after_it_was_done_is_confirmed_and_what_never_arrived_is_nothing(
    run: Run,
) -> None:
    run.drive(
        None,
        ("workflow", 0, Cut.BEHIND),
        ("workflow", 0, Cut.BEFORE),
        ("onboarding", 0, Cut.BEHIND),
        ("onboarding", 1, Cut.BEFORE),
        ("onboarding", 1, Cut.BEHIND),
    )
    assert run.resolution.resolved["sessions", ()] == ResolvedDoubt(1, 0)
    assert run.figure("sessions") == (6, 0)
    assert run.figure("executions", "linkedin_post") == (2, 0)
    assert run.figure("cards_fetched", "linkedin_post") == (8, 0)
    for card_type in TYPES:
        for quantity in ("cards_created", "cards_used", "use_counts"):
            key: tuple[str, Labels] = (quantity, (card_type,))
            assert run.resolution.resolved[key] == ResolvedDoubt(1, 1), key
        assert run.figure("cards_created", card_type) == (4, 0)
        assert run.figure("cards_used", card_type) == (2, 0)
        assert run.figure("use_counts", card_type) == (2, 0)
    # It has no rows: what is in doubt of it stays so.
    assert run.figure("retrieve_requests") == (1, 2)
    assert run.resolution.errors == {}


def test_a_row_that_is_deleted_is_traced_to_its_request(run: Run) -> None:
    run.drive(None, None)
    lost = trace_id(RUN_ID, "load", 6)
    found = find_record_gaps("cards_used", {("voice",), ("insight",)}, run.promises,
                      read_traces(run.folder, SCENARIO.quantities))  # fmt: skip
    assert {each.missing for each in found.values()} == {0}
    _execute(run.databases.url_of("cards"), f"DELETE FROM card_usage WHERE trace_id = '{lost}'"
             " AND card_type = 'voice'")  # fmt: skip
    run.collect(Moment.AFTER)
    found = find_record_gaps("cards_used", {("voice",), ("insight",)}, run.promises,
                      read_traces(run.folder, SCENARIO.quantities))  # fmt: skip
    assert (found["voice",].missing_ids, found["voice",].missing) == ((lost,), 1)
    assert found["insight",].missing == found["voice",].surplus == 0


def test_rows_without_a_trace_id_leave_as_much_in_doubt(run: Run) -> None:
    """So writes a release that does not know the column."""
    run.drive(None, ("workflow", 0, Cut.BEHIND), ("workflow", 0, Cut.BEFORE))
    _execute(run.databases.url_of("workflow"), "UPDATE workflow_executions SET trace_id = NULL")
    run.collect(Moment.AFTER)
    assert run.figure("executions", "linkedin_post") == (1, 2)
    assert run.figure("cards_used", "voice") == (2, 0)


def _execute(url: str, statement: str) -> None:
    with create_engine(url, poolclass=NullPool).begin() as connection:
        connection.execute(text(statement))
