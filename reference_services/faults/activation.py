"""How is a service given a fault?"""

from reference_services.common.settings import Settings
from reference_services.faults.catalog import FAULTS, Fault
from reference_services.faults.seams import Seams


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
