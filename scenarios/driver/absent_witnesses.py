"""Find the quantities that have too few witnesses in an environment; nothing is asked."""

from collections.abc import Iterator

from config.environment import Environment
from config.model_keys import Location
from scenarios.language.model import Scenario
from scenarios.language.quantities import LEAST_WITNESSES, Quantity
from scenarios.language.quantity_validation import too_few_witnesses


def find_absent_witnesses(
    scenario: Scenario, environment: Environment
) -> Iterator[tuple[Location, str]]:
    """Yield the quantities that nobody else than the client counts here, or too few do."""
    for name, quantity in scenario.quantities.items():
        named, least = _named(quantity, environment), scenario.least_witnesses(name)
        if len(quantity.named_witnesses) < LEAST_WITNESSES:
            continue  # it has none in any environment, which is a mistake of its own
        if len(named) < LEAST_WITNESSES:
            yield ("quantities", name), _none_left(name, quantity, environment)
        elif least and len(named) < least <= len(quantity.named_witnesses):
            remedy = f"declare more of them in {environment.environment}"
            yield too_few_witnesses(name, quantity, named, least, remedy)


def _named(quantity: Quantity, environment: Environment) -> tuple[str, ...]:
    """Return the witnesses of a quantity that the environment does not declare absent."""
    names = quantity.named_witnesses
    if environment.prometheus is None:
        names = tuple(each for each in names if each != "prometheus")
    if not _showing(quantity, environment):
        names = tuple(each for each in names if each != "service")
    return names


def _showing(quantity: Quantity, environment: Environment) -> list[str]:
    """Return the services whose metrics may have the quantity's counter."""
    return [
        name
        for name, service in environment.services.items()
        if not service.shows_none and quantity.service in (None, name)
    ]


def _none_left(name: str, quantity: Quantity, environment: Environment) -> str:
    here, meant = environment.environment, quantity.service
    whose = f"{meant} shows no" if meant else "no service shows"
    return (f"{name!r} has no witness in {here}: {whose} metrics of its own, and there is no "
            "prometheus:; add database: or api: to the quantity, prometheus: {url: …} to "
            f"{here}, or the metrics: of the service that counts it")  # fmt: skip
