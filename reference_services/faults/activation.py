"""Seeds the configured fault into a service."""

from reference_services.common.settings import Settings
from reference_services.faults.catalog import FAULTS, Fault
from reference_services.faults.seams import Seams


def seed_fault(settings: Settings, seams: Seams) -> None:
    """Seed the fault that the settings name, if it belongs to this service.

    Raises ValueError when the fault is unknown.
    """
    if settings.fault is None:
        return
    if settings.fault not in FAULTS:
        raise ValueError(f"unknown FAULT {settings.fault}; known faults: {', '.join(FAULTS)}")
    fault = FAULTS[settings.fault]
    if isinstance(fault, Fault) and fault.service == settings.service:
        fault.seed(seams)
