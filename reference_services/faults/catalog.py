"""Catalog of all faults, by name and service.

`python -m reference_services.faults.catalog` prints it; `FAULT=name` seeds one into a service. A
fault is imported only when it is used, so that listing the names does not load the services.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from reference_services.faults.deployment import DEPLOYMENTS, Deployment


@dataclass(frozen=True)
class Fault:
    """One fault of a service; `module` holds the function of its name that seeds it."""

    name: str
    service: str
    module: str

    @property
    def seed(self) -> Callable[[Any], None]:
        """Return the function that seeds the fault, given the `Seams` of a service."""
        module = import_module(f"reference_services.faults.{self.module}")
        seed: Callable[[Any], None] = getattr(module, self.name.replace("-", "_"))
        return seed

    @property
    def sentence(self) -> str:
        """Return the description of the fault, the docstring of its function."""
        return (self.seed.__doc__ or "").strip()


_OF_MODULES = {
    ("cards", "counters"): (
        "lost-usage-increment",
        "double-count-on-retry",
        "counted-before-commit",
        "counted-late",
        "wrong-label-value",
        "wrong-tenant",
        "unbounded-label",
    ),
    ("cards", "storage"): ("lost-usage-row", "duplicate-usage-row", "usage-row-without-count"),
    ("cards", "responses"): ("lost-usage-event", "doubled-usage-event"),
    ("workflow", "storage"): ("answered-but-not-stored",),
    ("onboarding", "responses"): ("foreign-traffic",),
    ("workflow", "responses"): (
        "partial-said-whole",
        "slow-tail",
        "stall",
        "constant-delay",
        "burst-of-errors",
        "errors-with-status-200",
    ),
    ("cards", "exposition"): ("metrics-empty", "scrapes-failing"),
    ("workflow", "exposition"): ("histogram-without-target",),
}

FAULTS: dict[str, Fault | Deployment] = {
    **{
        name: Fault(name, service, module)
        for (service, module), names in _OF_MODULES.items()
        for name in names
    },
    **DEPLOYMENTS,
}


if __name__ == "__main__":
    for name, fault in FAULTS.items():
        print(f"{name} ({fault.service}): {fault.sentence}")
