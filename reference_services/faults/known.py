"""Which faults are there, and which service has each of them?

`python -m reference_services.faults.known` prints them. A service is given one by `FAULT=name`.
"""

from collections.abc import Callable
from dataclasses import dataclass

from reference_services.common.settings import Settings
from reference_services.faults.answering import slow_tail
from reference_services.faults.counting import double_count_on_retry, lost_usage_increment
from reference_services.faults.seams import Seams
from reference_services.faults.storing import lost_usage_row


@dataclass(frozen=True)
class Fault:
    """One way to be wrong, and the service that can be."""

    service: str
    seed: Callable[[Seams], None]

    @property
    def sentence(self) -> str:
        """Return what the fault breaks."""
        return (self.seed.__doc__ or "").strip()


FAULTS = {
    "lost-usage-increment": Fault("cards", lost_usage_increment),
    "double-count-on-retry": Fault("cards", double_count_on_retry),
    "lost-usage-row": Fault("cards", lost_usage_row),
    "slow-tail": Fault("workflow", slow_tail),
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
    if fault.service == settings.service:
        fault.seed(seams)


if __name__ == "__main__":
    for name, known in FAULTS.items():
        print(f"{name} ({known.service}): {known.sentence}")
