"""Validate the relations between quantities."""

from collections.abc import Iterator

from config.model_keys import Location
from scenarios.language.identifiers import slug
from scenarios.language.model import Scenario
from scenarios.language.quantities import Quantity
from scenarios.language.violations import Violation, repeated_names, unknown_names


def find_relation_violations(scenario: Scenario) -> Iterator[Violation]:
    """Yield every violation of the relations."""
    yield from repeated_names(
        [slug(each.name) for each in scenario.relations], ("relations",), "relation"
    )
    for index, relation in enumerate(scenario.relations):
        place: Location = ("relations", index, "equal")
        yield from unknown_names(relation.equal, list(scenario.quantities), place, "quantity")
        quantities = [scenario.quantities[name] for name in relation.equal
                      if name in scenario.quantities]  # fmt: skip
        if quantities and not _share_witness(quantities):
            yield place, "no witness keeps all of these quantities; give them a common one"


def _share_witness(quantities: list[Quantity]) -> bool:
    if all(each.prometheus for each in quantities):
        return True
    stores = [{store.name for store in each.stores} for each in quantities]
    return bool(set.intersection(*stores))
