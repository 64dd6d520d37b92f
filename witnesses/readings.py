"""The readings of a run folder, one per witness, in the order of the balance's columns.

A new witness adds a line here and one in `collectors.py`.
"""

from scenarios.evidence.run_folder import RunFolder
from scenarios.language.model import Scenario
from witnesses.api.reading import read_apis
from witnesses.database.reading import read_databases
from witnesses.model import Reading
from witnesses.prometheus.reading import read_prometheus
from witnesses.service.reading import read_services


def read_witnesses(folder: RunFolder, scenario: Scenario) -> tuple[Reading, ...]:
    """Read what every witness of the scenario reported over a run."""
    stores = [store.name for each in scenario.quantities.values() for store in each.stores]
    apis = [name for each in scenario.quantities.values() for name in each.api or ()]
    prometheus = read_prometheus(folder)
    services = read_services(folder, prometheus.target_labels, prometheus.history)
    return (services, prometheus, *read_databases(folder, stores), *read_apis(folder, apis))
