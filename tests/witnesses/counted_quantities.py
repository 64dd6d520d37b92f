"""Quantities as a run counts them, for the tests of the witnesses."""

from typing import Any

from scenarios.language.quantities import Quantity
from witnesses.model import CountedQuantity

TENANT = "acme"
SELECTOR = 'uses_total{tenant="{{ tenant }}"}'


def counted(
    name: str = "uses", *, tenant: str = TENANT, is_exclusive: bool = True, **settings: Any
) -> CountedQuantity:
    """Return a quantity with the settings that a scenario's file could have."""
    return CountedQuantity(name, Quantity.model_validate(settings), tenant, is_exclusive)


def uses_by_kind(**settings: Any) -> CountedQuantity:
    """Return the uses of one tenant, counted by kind on the services' counters."""
    return counted(**{"by": ["kind"], "prometheus": SELECTOR, **settings})
