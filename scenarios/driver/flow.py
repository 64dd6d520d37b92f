"""The compiled flow of a scenario: its steps, what an iteration does with them, and its run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

from config.network import Network
from config.redaction import Secrets
from scenarios.driver.arrivals import WHOLE, LoadPart
from scenarios.driver.blocks import Block as CompiledBlock
from scenarios.driver.blocks import Blocks
from scenarios.driver.counts import StepAmounts
from scenarios.driver.json_expectations import JsonExpectation
from scenarios.driver.message_expectations import MessageExpectations
from scenarios.driver.request_headers import Headers
from scenarios.driver.stream_expectations import StreamExpectations
from scenarios.evidence.exchange import trace_id
from scenarios.evidence.trace_ids import TraceValue
from scenarios.http.messages import TRACE_HEADER, RequestTemplate
from scenarios.language.expressions import Expression
from scenarios.language.extents import Extent
from scenarios.language.request_body import BodyTemplate
from scenarios.language.response_schema import SchemaCheck
from scenarios.language.templates import Template

_DIRECT = Network()


@dataclass(frozen=True, slots=True)
class CompiledStep:
    """One step, compiled as far as possible before the first request.

    `headers` are those whose value changes from iteration to iteration; `saved` has the JMESPath
    expressions as written, for messages, and compiled. `message` is what is expected and saved
    beside JSON. `amounts` are those that are recorded with each exchange; `reports` are the numbers
    of earlier steps whose amounts this one has. `stream` is what is expected of a response that is
    one. `has_extras` with a message, amounts, reports or the trace id: without, a load takes a
    shorter way.
    """

    name: str
    number: int
    request_template: RequestTemplate
    target: Template
    headers: Headers | None
    sends_cookies: bool
    body: BodyTemplate | None
    statuses: frozenset[int]
    status_text: str
    message: MessageExpectations | None
    schema: SchemaCheck | None
    expected: tuple[JsonExpectation, ...]
    saved: tuple[tuple[str, str, Expression], ...]
    reads_json: bool
    uses_trace_id: bool
    has_extras: bool
    amounts: StepAmounts | None = None
    reports: tuple[int, ...] = ()
    poll: "Poll | None" = None
    stream: StreamExpectations | None = None


@dataclass(frozen=True, slots=True)
class Poll:
    """The `until` of a step, as steps that differ in what they expect of the same response.

    `pending` has what any response must have that is not `done`. Where the poll `awaits_status`,
    other responses are not done yet, unless they are a 5xx.
    """

    pending: CompiledStep
    done: CompiledStep
    awaits_status: bool
    every_s: float
    within_s: float


@dataclass(frozen=True, slots=True)
class Journey:
    """What one iteration does: blocks, or, if each is a plain step, `steps`.

    `extent` is the most that it does.
    """

    blocks: Blocks
    steps: tuple[CompiledStep, ...]
    extent: Extent


_NOTHING = Journey((), (), Extent())


@dataclass(frozen=True, slots=True)
class TeardownBlock:
    """A block of the teardown, and the variables of the set-up without which it has no object."""

    needs: frozenset[str]
    block: CompiledBlock


@dataclass(frozen=True)
class Flow:
    """The compiled steps, in order, with their run and its network.

    `journeys` are what an iteration can do, and `order` which of them the iterations do, in turn,
    counted over all parts of the load; `part` is that of this process. `shared` are the
    variables that `setup` has saved.
    `secrets` are never recorded, even if a response contains them; the values of
    `secret_variables` become secrets when they are saved, and those of cookies, unless their names
    are `public`.
    """

    run_id: str
    tenant: str
    steps: tuple[CompiledStep, ...]
    journeys: tuple[Journey, ...]
    order: tuple[int, ...] = (0,)
    part: LoadPart = WHOLE
    setup: Blocks = ()
    user_setup: Journey = _NOTHING
    teardown: tuple[TeardownBlock, ...] = ()
    network: Network = _DIRECT
    secrets: Secrets = field(default_factory=Secrets)
    secret_variables: frozenset[str] = frozenset()
    public: frozenset[str] = frozenset()
    trace_header: str = TRACE_HEADER
    trace_value: TraceValue = trace_id
    shared: dict[str, Any] = field(default_factory=dict)

    @property
    def extent(self) -> Extent:
        """The most that an iteration does."""
        return reduce(Extent.__or__, (journey.extent for journey in self.journeys))

    def journey_of(self, iteration: int) -> Journey:
        """Return what an iteration of this part does, numbered from 1."""
        if len(self.order) == 1:
            return self.journeys[0]
        position = (iteration - 1) * self.part.of + self.part.index
        return self.journeys[self.order[position % len(self.order)]]

    def share(self, variables: Mapping[str, Any]) -> None:
        """Let every iteration know variables; those that are secrets are redacted from now on."""
        self.shared.update(variables)
        for name in self.secret_variables & variables.keys():
            self.secrets.learn(variables[name])

    @property
    def step_names(self) -> tuple[str, ...]:
        """The names of the steps; the position of a name is the number of its step."""
        return tuple(step.name for step in self.steps)
