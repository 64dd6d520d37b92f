"""Run the steps of one iteration; the same code for one user and under load.

For each step: record the intent, send the request, compare the response, save its values, record
the outcome. The first step that is not ok ends the iteration.
"""

from collections.abc import Mapping
from typing import Any

from config.redaction import redact
from scenarios.driver.expectations import FailureReason, check_response
from scenarios.driver.flow import Flow
from scenarios.evidence.exchange import Outcome, trace_id
from scenarios.evidence.recording import CUT_OFF_REASON, Recorder
from scenarios.http.messages import NotSent, Request, Response, ResponseLost, Sender
from scenarios.language.tables import Row
from scenarios.language.templates import TemplateError

NO_ROWS: Mapping[str, Row] = {}

_SNIPPET_CHARACTERS = 2_000


def run_iteration(
    flow: Flow, iteration: int, due_s: float, sender: Sender, recorder: Recorder,
    rows: Mapping[str, Row] = NO_ROWS,
) -> bool:  # fmt: skip
    """Run the flow once, up to the first step that is not ok. Return whether all steps were ok.

    `rows` are those of the data sources, by name.

    The first step is due at `due_s`, in seconds on the clock of the recorder; any other is due when
    the one before it is done. An interrupt in flight is raised again, after it is
    recorded.
    """
    generator = recorder.generator
    unique = f"{flow.run_id}-{generator}-{iteration}"
    variables: dict[str, Any] = {
        "tenant": flow.tenant, "run": flow.run_id, "iteration": iteration, "unique": unique,
        **rows,
    }  # fmt: skip
    last = flow.steps[-1]
    for step in flow.steps:
        number = recorder.intend(iteration, step.number, due_s)
        trace = trace_id(flow.run_id, generator, number)
        sent_s, request = due_s, None
        try:
            request = Request(
                step.request_template, step.target(variables), trace,
                step.body(variables) if step.body else None,
                step.headers(variables) if step.headers else (),
            )  # fmt: skip
            sent_s = recorder.now_s()
            response = sender.send(request)
            due_s = done_s = recorder.now_s()
        except BaseException as error:
            _record_failure(flow, recorder, number, request, sent_s, error)
            if isinstance(error, TemplateError | NotSent | ResponseLost):
                return False
            raise  # killed in flight, or Ctrl-C: the service may have carried out the request
        mismatch = check_response(flow, step, response, variables)
        if mismatch:
            _conclude(flow, recorder, number, (sent_s, done_s), Outcome.REJECTED, mismatch,
                      request, response)  # fmt: skip
            return False
        recorder.conclude(
            number, sent_s, done_s, Outcome.OK, response.status, completes=step is last
        )
    return True


def _record_failure(
    flow: Flow, recorder: Recorder, number: int, request: Request | None, sent_s: float,
    error: BaseException,
) -> None:  # fmt: skip
    """Record a request without a response."""
    done_s = recorder.now_s()
    not_sent = isinstance(error, TemplateError | NotSent)
    cut_off = not not_sent and not isinstance(error, ResponseLost)
    _conclude(
        flow, recorder, number, (sent_s if request else done_s, done_s),
        Outcome.NOT_SENT if not_sent else Outcome.UNKNOWN,
        FailureReason(CUT_OFF_REASON if cut_off else str(error)), request, cut_off=cut_off,
    )  # fmt: skip


def _conclude(
    flow: Flow, recorder: Recorder, number: int, times_s: tuple[float, float], outcome: Outcome,
    reason: FailureReason, request: Request | None, response: Response | None = None, *,
    cut_off: bool = False,
) -> None:  # fmt: skip
    """Record a failure; only where its detail is kept, request and response are redacted."""
    text, group = map(flow.secrets.redact_repeated, reason)
    detail = _detail(flow, request, response) if recorder.keeps_detail(text) else None
    status = response.status if response else None
    recorder.conclude(
        number, *times_s, outcome, status, text, detail, cut_off=cut_off, group=group
    )  # fmt: skip


def _detail(flow: Flow, request: Request | None, response: Response | None) -> dict[str, Any]:
    """Return what explains a failure. No header is kept, since headers may contain tokens."""
    kept: dict[str, str | None] = {}
    if request:
        body = None if request.body is None else request.body.decode(errors="replace")
        kept = {"method": request.template.method, "url": request.url, "body": body}
        kept |= {"content_type": request.content_type} if body else {}
    if response:
        kept["answer_head"] = response.body.decode(errors="replace")
    return {
        name: redact(text, flow.secrets, _SNIPPET_CHARACTERS) if text else text
        for name, text in kept.items()
    }
