"""Compile the flow of a scenario: as much as possible is done before the first request."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial, reduce
from typing import Any

from config.auth import AUTHORIZATION
from config.environment import Environment
from config.network import Network
from config.redaction import Secrets
from scenarios.driver.arrivals import WHOLE, LoadPart
from scenarios.driver.blocks import Block as CompiledBlock
from scenarios.driver.blocks import Blocks, compile_blocks
from scenarios.driver.counts import StepAmounts, compile_amounts
from scenarios.driver.message_expectations import (
    MessageExpectations,
    compile_message_expectations,
)
from scenarios.driver.request_headers import Headers, compile_headers, has_own_cookie, header_parts
from scenarios.driver.stream_expectations import (
    StreamExpectations,
    compile_stream_expectations,
)
from scenarios.evidence.exchange import trace_id
from scenarios.evidence.trace_ids import TraceValue, trace_value_of
from scenarios.http.messages import TRACE_HEADER, RequestTemplate, split_url
from scenarios.http.streams import StreamOrder
from scenarios.http.tokens import TOKEN_SOURCES, Sources
from scenarios.language.attachments import Attachments
from scenarios.language.blocks import Block, placed_steps
from scenarios.language.expect import Expect
from scenarios.language.expressions import Expression, compile_expression
from scenarios.language.extents import Extent, extent_of
from scenarios.language.link import compile_link, is_link
from scenarios.language.model import Scenario
from scenarios.language.payload import compile_payload
from scenarios.language.request_body import BodyTemplate
from scenarios.language.response_schema import (
    SchemaCheck,
    compile_reference,
    compile_schema,
    split_reference,
)
from scenarios.language.secrets import secret_variables, secrets_of
from scenarios.language.shares import interleaved
from scenarios.language.step_validation import TRACE_VARIABLE
from scenarios.language.steps import Step
from scenarios.language.target import compile_target
from scenarios.language.templates import (
    Constant,
    Template,
    Variables,
    compile_value,
    variables_in,
    variables_in_header,
)
from scenarios.language.urlencoded import compile_query, with_query
from scenarios.language.variables import VariableExpander

_DIRECT = Network()
_NO_FILES: Attachments = {}


@dataclass(frozen=True, slots=True)
class CompiledStep:
    """One step, compiled as far as possible before the first request.

    `headers` are those whose value changes from iteration to iteration; `expected` and `saved` have
    the JMESPath expressions as written, for messages, and compiled. `message` is what is expected
    and saved beside JSON. `amounts` are those that are recorded with each exchange; `stream` is
    what is expected of a response that is one.
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
    expected: tuple[tuple[str, Expression, Template], ...]
    saved: tuple[tuple[str, str, Expression], ...]
    reads_json: bool
    uses_trace_id: bool
    amounts: StepAmounts | None = None
    poll: "Poll | None" = None
    stream: StreamExpectations | None = None


@dataclass(frozen=True, slots=True)
class Poll:
    """The `until` of a step, as steps that differ in what they expect of the same response.

    `pending` has what any response must have, or is None where only a 5xx is wrong; `done` has
    what ends the wait.
    """

    pending: CompiledStep | None
    done: CompiledStep
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


def compile_flow(
    scenario: Scenario,
    environment: Environment,
    run_id: str,
    tenant: str,
    secrets: Secrets | None = None,
    files: Attachments = _NO_FILES,
    sources: Sources = TOKEN_SOURCES,
    variables: Mapping[str, str] = os.environ,
) -> Flow:
    """Compile the steps of a scenario against an environment's addresses.

    `secrets` are those of both, unless they are known already. `files` are the contents of those
    that the scenario names; `sources` give tokens, and `variables` those of the environment.
    Raises ConfigError for one that is not set.
    """
    expander = VariableExpander(variables)
    written = [expander.expand(step) for step in scenario.steps]
    known = {"tenant": tenant, "run": run_id, **expander.constants}
    steps = tuple(
        _with_poll(
            step,
            partial(
                _compile_step,
                number,
                environment=environment,
                known=known,
                files=files,
                sources=sources,
                amounts=compile_amounts(scenario, step, known),
            ),
        )
        for number, step in enumerate(written)
    )
    numbers = {step.name: step.number for step in steps}
    flows = scenario.shared_flows.values()
    return Flow(
        run_id, tenant, steps,
        tuple(_compile_journey(flow.steps, steps, numbers, known) for flow in flows),
        interleaved([flow.share for flow in flows]), WHOLE,
        compile_blocks(scenario.setup, numbers, known),
        _compile_journey(scenario.user_setup, steps, numbers, known),
        _compile_teardown(scenario, numbers, known), environment.network,
        secrets or Secrets.of_process(secrets_of(scenario, environment, variables)),
        secret_variables(scenario, environment),
        frozenset(map(str.lower, (*environment.public, *scenario.public))),
        environment.trace_header, trace_value_of(environment.trace_header),
    )  # fmt: skip


def _compile_journey(
    blocks: Sequence[Block], steps: Sequence[CompiledStep], numbers: Mapping[str, int],
    known: Variables,
) -> Journey:  # fmt: skip
    compiled = compile_blocks(blocks, numbers, known)
    straight = tuple(steps[number] for number in compiled if isinstance(number, int))
    if len(straight) < len(compiled) or any(step.poll or step.stream for step in straight):
        straight = ()
    return Journey(compiled, straight, extent_of(blocks))


def _compile_teardown(
    scenario: Scenario, numbers: Mapping[str, int], known: Variables
) -> tuple[TeardownBlock, ...]:
    saved = {name for _, step in placed_steps(scenario.setup, ()) for name in step.save}
    return tuple(
        TeardownBlock(
            frozenset(variables_in(block.model_dump(by_alias=True, exclude_unset=True)) & saved),
            compile_blocks([block], numbers, known)[0],
        )
        for block in scenario.teardown
    )


def _compile_step(
    number: int, step: Step, environment: Environment, known: Variables, files: Attachments,
    sources: Sources, amounts: StepAmounts | None,
) -> CompiledStep:  # fmt: skip
    method, service, path = step.request_parts()
    auth = environment.services[service].auth
    origin, base = split_url(environment.services[service].url, auth.certificate)
    payload = compile_payload(step, known, files)
    is_token = auth.oauth2 and AUTHORIZATION.lower() not in map(str.lower, step.headers)
    token = sources(auth, environment.network).authorization if is_token else None
    constant, changing = compile_headers(header_parts(step, environment, payload), known, token)
    left_out = [name for name, value in step.headers.items() if value is None]
    url = environment.services[service].url
    target = compile_link(url, path, known) if is_link(path) else compile_target(base, path, known)
    queries = [compile_query(step.query, known)] if step.query else []
    queries += [Constant(auth.query)] if auth.query else []
    return CompiledStep(
        name=step.step,
        number=number,
        request_template=RequestTemplate(
            method,
            origin,
            constant,
            step.timeout,
            left_out,
            environment.trace_header,
            _stream_order(step),
        ),
        target=reduce(with_query, queries, target),
        headers=changing,
        sends_cookies=not has_own_cookie(step, environment),
        body=payload.render if payload else None,
        statuses=step.expect.statuses,
        status_text=step.expect.status_text,
        message=compile_message_expectations(step.expect, step.save, known),
        schema=_compile_schema(step.expect.body_schema, files),
        expected=tuple(
            (path, compile_expression(path), compile_value(value, known))
            for path, value in step.expect.body_values.items()
        ),
        saved=(saved := _saved_json(step)),
        reads_json=bool(saved or step.expect.body_values or step.expect.body_schema is not None),
        amounts=amounts,
        uses_trace_id=_uses_trace_id(step, environment),
        stream=compile_stream_expectations(step),
    )


def _stream_order(step: Step) -> StreamOrder | None:
    after = step.hang_up.after_events if step.hang_up else None
    return None if step.stream is None else StreamOrder(step.stream, after)


def _uses_trace_id(step: Step, environment: Environment) -> bool:
    """Return whether a template of a step, or of a header of its service, has the trace id."""
    headers = environment.headers_of(step.request_parts()[1]).values()
    written = step.model_dump(mode="json", exclude={"step", "save"})
    return TRACE_VARIABLE in json.dumps(written) or any(
        TRACE_VARIABLE in variables_in_header(parts) for parts in headers
    )


def _saved_json(step: Step) -> tuple[tuple[str, str, Expression], ...]:
    paths = ((name, capture.json_path) for name, capture in step.save.items())
    return tuple((name, path, compile_expression(path)) for name, path in paths if path is not None)


def _compile_schema(schema: Any, files: Attachments) -> SchemaCheck | None:
    if isinstance(schema, str):
        return compile_reference(schema, files[split_reference(schema)[0]])
    return None if schema is None else compile_schema(schema)


def _with_poll(step: Step, compile_step: Callable[[Step], CompiledStep]) -> CompiledStep:
    """Compile a step, and once for each thing that its polls are compared with."""
    until = step.until
    if until is None:
        return compile_step(step)
    waits_for_status = "status" in until.model_fields_set
    same_status = {} if waits_for_status else {"status": step.expect.status}
    done = step.model_copy(update={"expect": until.model_copy(update=same_status), "save": {}})
    pending = step.model_copy(update={"expect": Expect(status=step.expect.status), "save": {}})
    if waits_for_status and "status" not in step.expect.model_fields_set:
        expect = step.expect.model_copy(update={"status": until.status})
        step = step.model_copy(update={"expect": expect})
    return replace(
        compile_step(step),
        poll=Poll(
            None if waits_for_status else compile_step(pending), compile_step(done),
            until.every, until.within,
        ),
    )  # fmt: skip
