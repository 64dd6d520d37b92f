"""Validate how the parts of a scenario fit together, which the types of `model` cannot express."""

from collections.abc import Iterator

from scenarios.language.block_validation import find_block_violations
from scenarios.language.check_validation import find_check_violations
from scenarios.language.data_validation import find_data_violations
from scenarios.language.model import Scenario
from scenarios.language.profile_validation import find_profile_violations
from scenarios.language.quantity_validation import find_quantity_violations
from scenarios.language.relation_validation import find_relation_violations
from scenarios.language.step_validation import find_step_violations
from scenarios.language.violations import Violation


def find_violations(scenario: Scenario) -> Iterator[Violation]:
    """Yield every violation of a scenario."""
    yield from find_data_violations(scenario)
    yield from find_step_violations(scenario)
    yield from find_block_violations(scenario)
    yield from find_quantity_violations(scenario)
    yield from find_relation_violations(scenario)
    yield from find_profile_violations(scenario)
    yield from find_check_violations(scenario)
