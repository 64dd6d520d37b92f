"""Which faults are there, and which service has each of them?

`python -m reference_services.faults.catalog` prints them. A service is given one by `FAULT=name`.
Here they are names only, so that who merely lists them need not load what the services are made of.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from reference_services.faults.deployment import DEPLOYMENTS, Deployment


@dataclass(frozen=True)
class Fault:
    """One way to be wrong, the service that can be, and the module whose function seeds it."""

    name: str
    service: str
    module: str

    @property
    def seed(self) -> Callable[[Any], None]:
        """Return what makes a service, by its `Seams`, wrong in this way."""
        found = import_module(f"reference_services.faults.{self.module}")
        seed: Callable[[Any], None] = getattr(found, self.name.replace("-", "_"))
        return seed

    @property
    def sentence(self) -> str:
        """Return what the fault breaks."""
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
    for name, known in FAULTS.items():
        print(f"{name} ({known.service}): {known.sentence}")
