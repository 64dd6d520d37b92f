"""Judge the harness itself: what each seeded fault must cause, and nothing else.

The audit runs the harness as a black box and compares its result with this table. `findings` are
the ids of all that may not pass, each with its code; `words` are parts of the explanation.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from pydantic import TypeAdapter

from checks.result import Code, Finding, Result
from checks.verdict import Verdict, exit_code

SCHEMA_VERSION = 1

CLEAN = ""
LOCAL, NO_PROMETHEUS, NO_METRICS = "local", "without-prometheus", "without-metrics"
DISCOVERED = "discovered"

_USED, _FETCHED, _USE_COUNTS = "usage/cards_used", "usage/cards_fetched", "usage/use_counts"
_BATCHES, _RETRIEVES = "usage/batch_requests", "usage/retrieve_requests"
_RETRIEVALS_IN_DOUBT = {"usage/retrieve_requests": Code.IN_DOUBT}
_FLOW = ("flow/execute-workflow", "success/benchmark")
_EXECUTE, _ITERATION = "latency/execute-workflow", "latency/iteration"
_WITHOUT_ROWS = (_BATCHES, _RETRIEVES)
_OF_CARDS = (_USED, *_WITHOUT_ROWS)


@dataclass(frozen=True)
class Expectation:
    """What a run with one fault must come to; CLEAN is a run without any.

    `environment` is that of the run; others than the local one declare witnesses
    absent, or have their replicas discovered.
    """

    fault: str
    verdict: Verdict
    findings: Mapping[str, Code | None]
    words: tuple[str, ...] = ()
    environment: str = LOCAL

    @property
    def name(self) -> str:
        """The fault, with the environment if that is not the local one."""
        name = self.fault or "clean"
        return name if self.environment == LOCAL else f"{name}-{self.environment}"


@dataclass(frozen=True)
class AuditedRun:
    """What one run came to: caught where all is as expected, `errors` say what is not.

    `folder` is the run's, relative to the audit's; `duration_s` in seconds.
    """

    fault: str
    sentence: str
    expected: Expectation
    verdict: Verdict | None
    findings: Mapping[str, Code | None]
    explanation: str
    errors: tuple[str, ...]
    duration_s: float
    folder: str

    @property
    def is_caught(self) -> bool:
        """Whether the run came to what it must, and to nothing else."""
        return not self.errors


@dataclass(frozen=True)
class Audit:
    """All runs of one audit, in their order; `audit.json` is this. Times are UTC."""

    started_at: datetime
    finished_at: datetime
    runs: tuple[AuditedRun, ...]
    planned: int
    versions: Mapping[str, str]
    repeat: str
    schema_version: int = SCHEMA_VERSION

    @property
    def verdict(self) -> Verdict:
        """Pass only if every planned run was made and came to what it must."""
        if not all(each.is_caught for each in self.runs):
            return Verdict.FAIL
        return Verdict.PASS if len(self.runs) == self.planned > 0 else Verdict.INCONCLUSIVE


def _fails(fault: str, findings: Mapping[str, Code | None], *words: str) -> Expectation:
    return Expectation(fault, Verdict.FAIL, findings, words)


def _leaves_open(fault: str, findings: Mapping[str, Code | None], *words: str) -> Expectation:
    return Expectation(fault, Verdict.INCONCLUSIVE, findings, words)


def _all(names: Sequence[str], code: Code) -> dict[str, Code | None]:
    return dict.fromkeys(names, code)


EXPECTATIONS = (
    _fails("lost-usage-increment", {_USED: Code.LOST_COUNT}, "service and prometheus stand",
           "the counter missed what was done"),
    _fails("double-count-on-retry", {_USED: Code.DOUBLE_COUNT},
           "the counter counted more than was done"),
    _fails("counted-before-commit", {_USED: Code.DOUBLE_COUNT},
           "the counter counted more than was done"),
    _fails("counted-late", {_USED: Code.LATE}, "only well after the last response"),
    _fails("wrong-label-value", {_USED: Code.WRONG_LABEL}, "were counted under insights"),
    _fails("wrong-tenant", {_USED: Code.WRONG_LABEL}, "As many were counted under tenant_id="),
    _fails("unbounded-label", {_USED: Code.UNBOUNDED_LABEL}, "a label that grows with every use"),
    _fails("lost-usage-row", _all((_USED, _FETCHED, _USE_COUNTS), Code.LOST_ROW),
           "database:cards stands", "what was done was not stored"),
    # A log and the running totals beside it: each is wrong by itself.
    _fails("duplicate-usage-row", _all((_USED, _FETCHED, _USE_COUNTS), Code.EXTRA_ROW),
           "client, database:cards/totals and api:cards agree", "database:cards/log stands",
           "more was stored than was done"),
    _fails("usage-row-without-count", {_USE_COUNTS: Code.LOST_ROW},
           "client and database:cards/log agree", "database:cards/totals and api:cards stand",
           "what was done was not stored"),
    _fails("lost-usage-event", {_USE_COUNTS: Code.LOST_EVENT},
           "api:cards stands", "an event was lost, or not taken"),
    _fails("doubled-usage-event", {_USE_COUNTS: Code.DOUBLE_EVENT},
           "api:cards stands", "an event was taken twice"),
    _fails("answered-but-not-stored", {"usage/executions": Code.LOST_ROW},
           "database:workflow stands"),
    _fails("partial-said-whole", _all((_USED, _FETCHED), Code.NOT_DONE) | {
           _USE_COUNTS: Code.LOST_ROW}, "reported it as done, and no witness counted it"),
    _leaves_open("foreign-traffic", _all((_BATCHES, _RETRIEVES), Code.FOREIGN_TRAFFIC) | {
                 "precondition/other-traffic": None}, "cards_created_total of cards grew by 10"),
    _fails("slow-tail", dict.fromkeys((f"{_EXECUTE}/p95", f"{_ITERATION}/p95"))),
    _leaves_open("stall", {"validity/no-coordinated-omission": None}, "a closed model hides"),
    _fails("constant-delay", dict.fromkeys((
           f"{_EXECUTE}/p50", f"{_EXECUTE}/p95", f"{_ITERATION}/p95")), "p95 2.5"),
    # A failed execution leaves open whether it had retrieved: more than 1 % of a count is in doubt.
    _fails("burst-of-errors", dict.fromkeys(_FLOW) | _RETRIEVALS_IN_DOUBT,
           "90 of 100 iterations", "10 rejected"),
    _fails("errors-with-status-200", dict.fromkeys(_FLOW) | _RETRIEVALS_IN_DOUBT,
           "95 of 100 iterations", "5 rejected"),
    _fails("connection-cut", dict.fromkeys(_FLOW), "99 of 100 iterations", "1 unknown"),
    _leaves_open("visible-restart", _all(_WITHOUT_ROWS, Code.COUNTER_RESET) | {
                 "precondition/process-survives/cards": None}, "the process was restarted"),
    _leaves_open("hidden-restart", _all(_WITHOUT_ROWS, Code.COUNTER_RESET) | {
                 "precondition/process-survives/cards": None}, "the process was restarted"),
    _leaves_open("workers-apart", _all(_OF_CARDS, Code.SPLIT_COUNTER) | {
                 "precondition/single-process/cards": None}, "several processes"),
    _leaves_open("replica-not-scraped", _all(_OF_CARDS, Code.SCRAPE_GAP) | {
                 "precondition/scraped/cards": None}, "1 of its 2 replicas are scraped"),
    _leaves_open("scrapes-failing", _all(_OF_CARDS, Code.SCRAPE_GAP) | {
                 "precondition/scraped/cards": None}, "not scraped after the last response"),
    _leaves_open("metrics-empty", _all(_OF_CARDS, Code.WITNESS_DOWN) | {
                 "precondition/metrics-readable/cards": None}, "shows no metrics"),
    _leaves_open("histogram-without-target", {"server_latency/execute-workflow/p95": None},
                 "no edge at 2.5 s"),
)  # fmt: skip


# What the witnesses that remain must show where others are declared absent: without a Prometheus,
# and where only Prometheus can read the metrics of Cards; and where replicas are discovered.
_LOCAL = {each.fault: each for each in EXPECTATIONS}
OF_OTHER_ENVIRONMENTS = (
    replace(_LOCAL["lost-usage-increment"], environment=NO_PROMETHEUS,
            words=("service stands", "the counter missed what was done")),
    replace(_LOCAL["wrong-label-value"], environment=NO_METRICS),
    replace(_LOCAL["lost-usage-row"], environment=NO_METRICS),
    replace(_LOCAL["lost-usage-increment"], environment=DISCOVERED),
)  # fmt: skip


def planned_runs(names: Sequence[str]) -> list[Expectation]:
    """Return the audit's runs in order: clean ones before, between and after the faults.

    Those of other environments follow, after a clean one for each.
    """
    clean = Expectation(CLEAN, Verdict.PASS, {})
    chosen = [each for each in EXPECTATIONS if each.name in names]
    half = (len(chosen) + 1) // 2
    planned = [clean, *chosen[:half], clean, *chosen[half:], clean]
    for environment in dict.fromkeys(each.environment for each in OF_OTHER_ENVIRONMENTS):
        lacking = [each for each in OF_OTHER_ENVIRONMENTS
                   if each.name in names and each.environment == environment]  # fmt: skip
        planned += [replace(clean, environment=environment), *lacking] if lacking else []
    return planned


def judge_run(
    expected: Expectation, sentence: str, code: int, result: Result | None, duration_s: float,
    folder: str,
) -> AuditedRun:  # fmt: skip
    """Hold what a run came to against what it must; `result` is None where there is none."""
    findings = result.findings if result else ()
    open_ones = [each for each in findings if each.verdict is not Verdict.PASS]
    return AuditedRun(
        fault=expected.fault,
        sentence=sentence,
        expected=expected,
        verdict=result.verdict if result else None,
        findings={each.id: each.code for each in open_ones},
        explanation=" ".join(map(_explanation, open_ones)),
        errors=tuple(_errors(expected, code, result, open_ones)),
        duration_s=duration_s,
        folder=folder,
    )


def _errors(
    expected: Expectation, code: int, result: Result | None, open_ones: Sequence[Finding]
) -> list[str]:
    if result is None:
        return [f"the run ended with exit code {code} and without a result"]
    errors = ["the run is partial"] if result.partial else []
    if result.verdict is not expected.verdict:
        errors.append(f"the verdict is {result.verdict}, not {expected.verdict}")
    if code != exit_code(result.verdict):
        errors.append(f"the exit code {code} is not that of the verdict {result.verdict}")
    found = {each.id: each.code for each in open_ones}
    errors += [f"{check} passed" for check in expected.findings if check not in found]
    errors += [f"{check} did not pass" for check in found if check not in expected.findings]
    errors += [
        f"{check} has the code {found[check]}, not {wanted}"
        for check, wanted in expected.findings.items()
        if check in found and found[check] is not wanted
    ]
    explanation = " ".join(map(_explanation, open_ones))
    return errors + [
        f"no explanation has {part!r}" for part in expected.words if part not in explanation
    ]


def _explanation(finding: Finding) -> str:
    return f"{finding.title}: {finding.observed} {finding.detail}".strip()


def parse_result(stdout: bytes) -> Result | None:
    """Read what `--json` printed; None where it is no result: a refusal, or rubbish."""
    try:
        return TypeAdapter(Result).validate_json(stdout)
    except ValueError:
        return None


def audit_json(audit: Audit) -> str:
    """Render the public document, indented: the verdict, and whether each run was caught, too."""
    document = TypeAdapter(Audit).dump_python(audit, mode="json")
    runs = [{"caught": each.is_caught, **run}
            for each, run in zip(audit.runs, document["runs"], strict=True)]  # fmt: skip
    return json.dumps({"verdict": audit.verdict, **document, "runs": runs}, indent=2)
