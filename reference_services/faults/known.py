"""Which faults are there, and which service has each of them?

`python -m reference_services.faults.known` prints them. A service is given one by `FAULT=name`.
"""

from collections.abc import Callable
from dataclasses import dataclass

from reference_services.common.settings import Settings
from reference_services.faults import answering, counting, showing, storing
from reference_services.faults.deploying import DEPLOYMENTS, Deployment
from reference_services.faults.seams import Seams


@dataclass(frozen=True)
class Fault:
    """One way to be wrong, and the service that can be."""

    service: str
    seed: Callable[[Seams], None]

    @property
    def sentence(self) -> str:
        """Return what the fault breaks."""
        return (self.seed.__doc__ or "").strip()


FAULTS: dict[str, Fault | Deployment] = {
    "lost-usage-increment": Fault("cards", counting.lost_usage_increment),
    "double-count-on-retry": Fault("cards", counting.double_count_on_retry),
    "counted-before-commit": Fault("cards", counting.counted_before_commit),
    "counted-late": Fault("cards", counting.counted_late),
    "wrong-label-value": Fault("cards", counting.wrong_label_value),
    "wrong-tenant": Fault("cards", counting.wrong_tenant),
    "unbounded-label": Fault("cards", counting.unbounded_label),
    "lost-usage-row": Fault("cards", storing.lost_usage_row),
    "duplicate-usage-row": Fault("cards", storing.duplicate_usage_row),
    "usage-row-without-count": Fault("cards", storing.usage_row_without_count),
    "answered-but-not-stored": Fault("workflow", storing.answered_but_not_stored),
    "partial-said-whole": Fault("workflow", answering.partial_said_whole),
    "foreign-traffic": Fault("onboarding", answering.foreign_traffic),
    "slow-tail": Fault("workflow", answering.slow_tail),
    "stall": Fault("workflow", answering.stall),
    "constant-delay": Fault("workflow", answering.constant_delay),
    "burst-of-errors": Fault("workflow", answering.burst_of_errors),
    "errors-with-status-200": Fault("workflow", answering.errors_with_status_200),
    "metrics-empty": Fault("cards", showing.metrics_empty),
    "scrapes-failing": Fault("cards", showing.scrapes_failing),
    "histogram-without-target": Fault("workflow", showing.histogram_without_target),
    **DEPLOYMENTS,
}


def seed_fault(settings: Settings, seams: Seams) -> None:
    """Give the service the fault that its settings name, if it is one of this service's.

    Raises ValueError when no service has such a fault.
    """
    if settings.fault is None:
        return
    if settings.fault not in FAULTS:
        raise ValueError(f"FAULT={settings.fault} is unknown; there are: {', '.join(FAULTS)}")
    fault = FAULTS[settings.fault]
    if isinstance(fault, Fault) and fault.service == settings.service:
        fault.seed(seams)


if __name__ == "__main__":
    for name, known in FAULTS.items():
        print(f"{name} ({known.service}): {known.sentence}")
