"""Compile the flow of a scenario: as much as possible is done before the first request."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial, reduce
from typing import Any

from config.auth import AUTHORIZATION, Auth
from config.environment import Environment
from config.redaction import Secrets
from scenarios.driver.arrivals import WHOLE
from scenarios.driver.blocks import compile_blocks
from scenarios.driver.counts import StepAmounts, compile_amounts
from scenarios.driver.flow import CompiledStep, Flow, Journey, Poll, TeardownBlock
from scenarios.driver.json_expectations import compile_json_expectation
from scenarios.driver.message_expectations import compile_message_expectations, with_default
from scenarios.driver.request_headers import compile_headers, has_own_cookie, header_parts
from scenarios.driver.stream_expectations import compile_stream_expectations
from scenarios.evidence.trace_ids import trace_value_of
from scenarios.http.messages import RequestTemplate, split_url
from scenarios.http.streams import StreamOrder
from scenarios.http.tokens import TOKEN_SOURCES, Sources
from scenarios.language.attachments import Attachments
from scenarios.language.blocks import Block
from scenarios.language.expect import Expect
from scenarios.language.expressions import Expression, compile_expression
from scenarios.language.extents import extent_of
from scenarios.language.link import compile_link, is_link
from scenarios.language.model import Scenario
from scenarios.language.payload import compile_payload
from scenarios.language.reports import saved_in
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
    variables_in,
    variables_in_header,
)
from scenarios.language.urlencoded import compile_query, with_query
from scenarios.language.variables import VariableExpander

_NO_FILES: Attachments = {}


def compile_flow(
    scenario: Scenario, environment: Environment, run_id: str, tenant: str,
    secrets: Secrets | None = None, files: Attachments = _NO_FILES,
    sources: Sources = TOKEN_SOURCES, variables: Mapping[str, str] = os.environ,
) -> Flow:  # fmt: skip
    """Compile the steps of a scenario against an environment's addresses.

    `secrets` are those of both, unless they are known already. `files` are the contents of those
    that the scenario names; `sources` give tokens, and `variables` those of the environment.
    Raises ConfigError for one that is not set.
    """
    expander = VariableExpander(variables)
    written = [expander.expand(step) for step in scenario.steps]
    known = {"tenant": tenant, "run": run_id, **expander.constants}
    steps = tuple(
        _with_poll(step, partial(
            _compile_step, number, environment=environment, known=known, files=files,
            sources=sources, amounts=compile_amounts(scenario, step, known),
            reports=tuple(at for at, each in enumerate(written) if each.reported_by == step.step),
        ))
        for number, step in enumerate(written)
    )  # fmt: skip
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
    if len(straight) < len(compiled) or not all(map(_is_plain, straight)):
        straight = ()
    return Journey(compiled, straight, extent_of(blocks))


def _is_plain(step: CompiledStep) -> bool:
    is_reported = step.amounts is not None and step.amounts.is_reported
    return not (step.poll or step.stream or step.reports or is_reported)


def _compile_teardown(
    scenario: Scenario, numbers: Mapping[str, int], known: Variables
) -> tuple[TeardownBlock, ...]:
    saved = saved_in(scenario.setup)
    return tuple(
        TeardownBlock(
            frozenset(variables_in(block.model_dump(by_alias=True, exclude_unset=True)) & saved),
            compile_blocks([block], numbers, known)[0],
        )
        for block in scenario.teardown
    )


def _compile_step(
    number: int, step: Step, environment: Environment, known: Variables, files: Attachments,
    sources: Sources, amounts: StepAmounts | None, reports: tuple[int, ...],
) -> CompiledStep:  # fmt: skip
    method, service, _ = step.request_parts()
    auth = environment.services[service].auth
    url = environment.services[service].url
    origin, _ = split_url(url, auth.certificate)
    payload = compile_payload(step, known, files)
    is_token = auth.oauth2 and AUTHORIZATION.lower() not in map(str.lower, step.headers)
    token = sources(auth, environment.network).authorization if is_token else None
    constant, changing = compile_headers(header_parts(step, environment, payload), known, token)
    left_out = [name for name, value in step.headers.items() if value is None]
    return CompiledStep(
        name=step.step,
        number=number,
        request_template=RequestTemplate(
            method, origin, constant, step.timeout, left_out, environment.trace_header,
            _stream_order(step),
        ),
        target=_compile_target(step, url, auth, known),
        headers=changing,
        sends_cookies=not has_own_cookie(step, environment),
        body=payload.render if payload else None,
        statuses=step.expect.statuses,
        status_text=step.expect.status_text,
        message=(message := compile_message_expectations(step.expect, step.save, known)),
        schema=_compile_schema(step.expect.body_schema, files),
        expected=tuple(
            compile_json_expectation(path, value, known)
            for path, value in step.expect.body_values.items()
        ),
        saved=(saved := _saved_json(step)),
        reads_json=bool(saved or step.expect.body_values or step.expect.body_schema is not None),
        amounts=amounts,
        uses_trace_id=(uses_trace_id := _uses_trace_id(step, environment)),
        has_extras=bool(message or amounts or reports or uses_trace_id),
        stream=compile_stream_expectations(step),
        reports=reports,
    )  # fmt: skip


def _compile_target(step: Step, url: str, auth: Auth, known: Variables) -> Template:
    """Compile the path and the query of a step, with the parameter of the credentials."""
    path, (_, base) = step.request_parts()[2], split_url(url)
    target = compile_link(url, path, known) if is_link(path) else compile_target(base, path, known)
    queries = [compile_query(step.query, known)] if step.query else []
    queries += [Constant(auth.query)] if auth.query else []
    return reduce(with_query, queries, target)


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
    return tuple(
        (name, capture.json_path, with_default(compile_expression(capture.json_path), capture))
        for name, capture in step.save.items() if capture.json_path is not None
    )  # fmt: skip


def _compile_schema(schema: Any, files: Attachments) -> SchemaCheck | None:
    if isinstance(schema, str):
        return compile_reference(schema, files[split_reference(schema)[0]])
    return None if schema is None else compile_schema(schema)


def _with_poll(step: Step, compile_step: Callable[[Step], CompiledStep]) -> CompiledStep:
    """Compile a step, and once for each thing that its polls are compared with."""
    until = step.until
    if until is None:
        return compile_step(step)
    awaits_status = "status" in until.model_fields_set
    status = until.status if awaits_status else step.expect.status
    expected = until.model_copy(update={"status": status})
    done = step.model_copy(update={"expect": expected, "save": {}})
    pending = step.model_copy(update={"expect": Expect(status=status), "save": {}})
    if awaits_status and "status" not in step.expect.model_fields_set:
        expect = step.expect.model_copy(update={"status": until.status})
        step = step.model_copy(update={"expect": expect})
    return replace(
        compile_step(step),
        poll=Poll(
            compile_step(pending), compile_step(done), awaits_status, until.every, until.within,
        ),
    )  # fmt: skip
