"""Read what each witness reported of a quantity, and cast the doubts of one witness on the others.

One witness can show what another cannot: a page that declares a metric, a scrape in which a counter
fell. So a figure is final only after all were read.
"""

from collections.abc import Iterable, Mapping, Sequence

from checks.case import Case
from checks.wording import listed
from witnesses.figure import Amount, Figures, Labels, Reason, void_figures
from witnesses.model import CountedQuantity
from witnesses.prometheus.reading import NAME as PROMETHEUS
from witnesses.service.reading import NAME as SERVICE
from witnesses.target_labels import JOB

_NOT_SHOWN = (Reason.METRIC_ABSENT, Reason.LABEL_ABSENT, Reason.MATCHES_IN_PART)
_STALE = (Reason.STALE_BEFORE, Reason.STALE_AFTER)

_MAX_NAMED = 5
COUNTERS = (SERVICE, PROMETHEUS)  # the witnesses that show a counter


def read_figures(case: Case, quantities: Iterable[str]) -> dict[str, dict[str, Figures]]:
    """Return the figures of each quantity by witness, of those that the scenario asks for it."""
    figures = {name: _of_quantity(case, case.quantity(name)) for name in quantities}
    read_jobs = {replica.job for replica in case.services.replicas.values()}
    unread_jobs = case.prometheus.jobs_without_start_times() - read_jobs
    fallen = {
        job
        for name, by_witness in figures.items()
        if (reset := by_witness.get(PROMETHEUS)) and _has_fallen(reset)
        for job in _jobs(case, case.quantity(name))
    } & (case.services.jobs_without_start_times() | unread_jobs)
    for name, by_witness in figures.items():
        counters = [each for each in COUNTERS if each in by_witness]
        if counters and _jobs(case, case.quantity(name)) & fallen:
            # What looks like growth between two scrapes may be that of another process: of a series
            # that had outgrown its last value by the next scrape, no fall is seen.
            for witness in counters:
                by_witness[witness] = by_witness[witness].doubted(Reason.COUNTER_FELL)
    return figures


def _jobs(case: Case, quantity: CountedQuantity) -> set[str]:
    """Return the jobs of a quantity's counters, also where no page of them is read."""
    if not quantity.settings.prometheus:
        return set()
    return case.services.jobs(quantity) or case.prometheus.jobs(quantity)


def _of_quantity(case: Case, quantity: CountedQuantity) -> dict[str, Figures]:
    figures = {
        witness.name: witness.figures(quantity)
        for witness in case.witnesses
        if witness.counts(quantity)
    }
    if PROMETHEUS not in figures:
        return figures
    prometheus, service = figures[PROMETHEUS], figures.get(SERVICE)
    if not prometheus.by_labels and prometheus.absent.is_exact:
        # A series that nobody has ever shown may be misspelt, and one that only the page shows may
        # have another job or be older than the run: that Prometheus has none is no zero.
        if service and service.absent.reason in _NOT_SHOWN:
            figures[PROMETHEUS] = Figures({}, service.absent)
        elif service and service.absent.reason in _STALE:
            figures[PROMETHEUS] = void_figures(service.absent.reason)
        elif service and service.by_labels:
            figures[PROMETHEUS] = void_figures(
                Reason.SERIES_ABSENT, _absent_series(quantity, case.services.own_jobs(quantity))
            )
        elif service is None or not case.services.declares(quantity):
            figures[PROMETHEUS] = void_figures(Reason.METRIC_ABSENT, quantity.selector.metric)
    moved = next((each for each in prometheus.by_labels.values()
                  if each.reason is Reason.MOVED_BEFORE), None)  # fmt: skip
    if service and moved:
        figures[SERVICE] = service.doubted(Reason.MOVED_BEFORE)
    errors = case.services.printing_errors(quantity)
    figures[PROMETHEUS] = _widened(figures[PROMETHEUS], errors)
    return figures


def _absent_series(quantity: CountedQuantity, own_jobs: Sequence[str]) -> str:
    metric = quantity.selector.metric
    if not own_jobs or any(each.label == JOB for each in quantity.selector.matchers):
        return metric
    own = listed([f'job="{each}"' for each in own_jobs[:_MAX_NAMED]])
    return f"{metric}; its page has {own}, which honor_labels keeps: write it in the selector"


def _widened(figures: Figures, errors: Mapping[Labels, Amount]) -> Figures:
    """Return the figures of Prometheus, which scrapes the digits that the harness does."""
    by_labels = {
        labels: figure.widened(errors[labels], Reason.FEW_DIGITS) if labels in errors else figure
        for labels, figure in figures.by_labels.items()
    }
    return Figures(by_labels, figures.absent)


def _has_fallen(figures: Figures) -> bool:
    return any(each.reason is Reason.COUNTER_FELL for each in figures.by_labels.values())
