"""Read what each witness reported of a quantity, and cast the doubts of one witness on the others.

One witness can show what another cannot: a page that declares a metric, a scrape in which a counter
fell. So a figure is final only after all were read.
"""

from collections.abc import Iterable, Mapping

from checks.case import Case
from witnesses.figure import Figures, Reason, void_figures
from witnesses.model import CountedQuantity
from witnesses.prometheus.reading import NAME as PROMETHEUS
from witnesses.service.reading import NAME as SERVICE

_NOT_SHOWN = (Reason.METRIC_ABSENT, Reason.LABEL_ABSENT)

ByWitness = Mapping[str, Figures]


def read_figures(case: Case, quantities: Iterable[str]) -> dict[str, dict[str, Figures]]:
    """Return the figures of each quantity by witness, of those that the scenario asks for it."""
    figures = {name: _of_quantity(case, case.quantity(name)) for name in quantities}
    fallen = {
        job
        for name, by_witness in figures.items()
        if (reset := by_witness.get(PROMETHEUS)) and _has_fallen(reset)
        for job in case.services.jobs(case.quantity(name))
    } & case.services.jobs_without_start_times()
    for name, by_witness in figures.items():
        if SERVICE in by_witness and case.services.jobs(case.quantity(name)) & fallen:
            # What looks like growth between two scrapes may be that of another process.
            by_witness[SERVICE] = by_witness[SERVICE].doubted(Reason.COUNTER_FELL)
    return figures


def _of_quantity(case: Case, quantity: CountedQuantity) -> dict[str, Figures]:
    figures = {
        witness.name: witness.figures(quantity)
        for witness in case.witnesses
        if witness.counts(quantity)
    }
    prometheus = figures.get(PROMETHEUS)
    if prometheus is None or prometheus.by_labels or not quantity.settings.prometheus:
        return figures
    # A series that nobody has ever shown may be misspelt: that it is missing is no zero.
    shown = figures[SERVICE].absent if SERVICE in figures else None
    if shown is None or shown.reason in _NOT_SHOWN or not case.services.declares(quantity):
        reason = shown.reason if shown and shown.reason in _NOT_SHOWN else Reason.METRIC_ABSENT
        detail = shown.detail if shown and shown.reason in _NOT_SHOWN else quantity.selector.metric
        if prometheus.absent.is_exact:
            figures[PROMETHEUS] = void_figures(reason, detail)
    return figures


def _has_fallen(figures: Figures) -> bool:
    return any(each.reason is Reason.COUNTER_FELL for each in figures.by_labels.values())
