"""Compute the amounts of a step whose labels or amounts are templates, and record them.

before the request    labels and amounts that are known by then, or how much it can be at most
after the response    what needs a value that this step saves
"""

from collections.abc import Set
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from config.redaction import Secrets
from scenarios.driver.failure_reason import FailureReason
from scenarios.evidence.amounts import AmountKey, AmountKind, AmountRow, KeyLabels
from scenarios.evidence.recording import Recorder
from scenarios.language.amounts import (
    AmountError,
    Entry,
    label_text,
    recorded_entries,
    resolution_of,
    scaled,
)
from scenarios.language.model import Scenario
from scenarios.language.reports import saved_until_report
from scenarios.language.steps import Step
from scenarios.language.streams import EVENTS_VARIABLE
from scenarios.language.templates import (
    Template,
    TemplateError,
    Variables,
    compile_value,
    variables_in,
)

NONE_PROMISED: tuple[AmountRow, ...] = ()

_GROUP = "the response has no amount that can be counted"


@dataclass(frozen=True, slots=True)
class _Value:
    """A label value or an amount; `is_late` if it needs what the step itself saves."""

    template: Template
    is_late: bool


@dataclass(frozen=True, slots=True)
class _CompiledEntry:
    number: int
    quantity: str
    resolution: Fraction
    labels: tuple[_Value, ...]
    amount: _Value
    at_most: Template | None
    after_hang_up: Template | None

    def promise(self, recorder: Recorder, variables: Variables, secrets: Secrets) -> AmountRow:
        """Return what is known before the request. Raises TemplateError."""
        labels = tuple(None if each.is_late else label_text(each.template(variables))
                       for each in self.labels)  # fmt: skip
        bound = None if self.amount.is_late else self._scaled(self.amount.template, variables)
        if bound is None and self.at_most:
            bound = self._scaled(self.at_most, variables)
        is_fixed = not self.amount.is_late and None not in labels
        kind = AmountKind.FIXED if is_fixed else AmountKind.BOUND
        key = self._key(recorder, labels, secrets)
        return AmountRow(self.number, key, bound or 0,
                         AmountKind.UNBOUNDED if bound is None else kind)  # fmt: skip

    def conclude(
        self, promised: AmountRow, recorder: Recorder, variables: Variables, secrets: Secrets
    ) -> list[AmountRow]:
        """Return what the response adds to what was promised. Raises TemplateError."""
        if promised.kind is AmountKind.FIXED:
            return []
        exact = self._exact(promised, recorder, variables, secrets)
        return [exact, *self._further(exact, variables)]

    def _exact(
        self, promised: AmountRow, recorder: Recorder, variables: Variables, secrets: Secrets
    ) -> AmountRow:
        labels = tuple(label_text(each.template(variables)) for each in self.labels)
        amount = self._scaled(self.amount.template, variables)
        if promised.kind is not AmountKind.UNBOUNDED and amount > promised.amount:
            raise AmountError("is more than at_most; raise at_most")
        key = self._key(recorder, labels, secrets)
        return AmountRow(self.number, key, amount, AmountKind.EXACT)

    def _further(self, counted: AmountRow, variables: Variables) -> list[AmountRow]:
        """Return how much more may be counted, if the client hangs up."""
        if self.after_hang_up is None:
            return []
        further = self._scaled(self.after_hang_up, variables) - counted.amount
        if further < 0:
            raise AmountError("is more than at_most of hang_up; raise it")
        return [AmountRow(self.number, counted.key, further, AmountKind.FURTHER)]

    def _scaled(self, template: Template, variables: Variables) -> int:
        return scaled(template(variables), self.resolution)

    def _key(self, recorder: Recorder, labels: KeyLabels, secrets: Secrets) -> int:
        number = recorder.number_of(self.quantity, labels)
        if number is not None:
            return number
        for value in labels:
            if value and secrets.redact_repeated(value) != value:
                raise AmountError("has a secret as a label value; count by another value")
        return recorder.note_key(AmountKey(self.quantity, labels, self.resolution))


@dataclass(frozen=True, slots=True)
class StepAmounts:
    """The recorded amounts of one step.

    Where they are reported by a later step, only that one concludes them:

        this step   promise: at most ├─ ok, in doubt ──────────┐
        later step                                  ├─ ok: report, confirmed
    """

    entries: tuple[_CompiledEntry, ...]
    is_reported: bool = False

    def promise(
        self, recorder: Recorder, number: int, variables: Variables, secrets: Secrets
    ) -> tuple[AmountRow, ...]:
        """Record what is known before the request. Raises TemplateError, OSError."""
        rows = []
        for entry in self.entries:
            try:
                rows.append(entry.promise(recorder, variables, secrets))
            except AmountError as error:
                raise TemplateError(f"the amount of {entry.quantity} {error}") from error
        recorder.count(number, rows)
        return tuple(rows)

    def conclude(
        self, recorder: Recorder, number: int, promised: tuple[AmountRow, ...],
        variables: Variables, secrets: Secrets,
    ) -> FailureReason | None:  # fmt: skip
        """Record what the response had, or return why that is no amount. Raises OSError."""
        if self.is_reported:
            return None
        return self.report(recorder, number, promised, variables, secrets)

    def report(
        self, recorder: Recorder, number: int, promised: tuple[AmountRow, ...],
        variables: Variables, secrets: Secrets,
    ) -> FailureReason | None:  # fmt: skip
        """Record the amounts of a request, or return why these are none. Raises OSError."""
        rows: list[AmountRow] = []
        for entry, row in zip(self.entries, promised, strict=True):
            try:
                rows += entry.conclude(row, recorder, variables, secrets)
            except (AmountError, TemplateError) as error:
                return FailureReason(f"the amount of {entry.quantity} {error}", _GROUP)
        recorder.count(number, rows)
        return None


def compile_amounts(scenario: Scenario, step: Step, known: Variables) -> StepAmounts | None:
    """Compile the amounts of a step that are recorded, or return None if there are none."""
    entries = recorded_entries(step)
    if not entries:
        return None
    return StepAmounts(
        tuple(
            _compile(number, entry, scenario, step, known) for number, entry in enumerate(entries)
        ),
        step.reported_by is not None,
    )


def _compile(
    number: int, entry: Entry, scenario: Scenario, step: Step, known: Variables
) -> _CompiledEntry:
    at_most = step.at_most.get(entry.quantity)
    # a response by its status saves nothing: what it counts is known before the request
    saved: Set[str] = (
        set()
        if entry.status
        else {*step.save, EVENTS_VARIABLE, *saved_until_report(scenario, step)}
    )
    return _CompiledEntry(
        number,
        entry.quantity,
        resolution_of(scenario, entry.quantity),
        tuple(_value(label, saved, known) for label in entry.labels),
        # that of a hang-up is none of a stream that broke
        replace(_value(entry.amount, saved, known), is_late=True)
        if entry.hangs_up
        else _value(entry.amount, saved, known),
        None if at_most is None else compile_value(at_most, known),
        None if entry.at_most is None else compile_value(entry.at_most, known),
    )


def _value(value: Any, saved: Set[str], known: Variables) -> _Value:
    return _Value(compile_value(value, known), bool(variables_in(value) & saved))
