"""Which quantities have too few witnesses where an environment declares some absent."""

from collections.abc import Mapping
from typing import Any

import pytest

from config.environment import Environment
from scenarios.driver.absent_witnesses import find_absent_witnesses
from scenarios.language.model import Scenario

COUNTED = {"prometheus": "uses_total"}
STORED = {"database": {"main": "SELECT count(*) FROM uses"}}
PROMETHEUS = {"url": "http://prometheus.example"}
PUSHING = {"url": "http://shop.example", "pushed": True}
SHOWN, HIDDEN = {"url": "http://shop.example"}, {"url": "http://till.example", "metrics": "none"}


def _messages(
    quantity: Mapping[str, Any], services: Mapping[str, Any], *, has_prometheus: bool = False,
    **scenario: Any,
) -> list[str]:  # fmt: skip
    environment = Environment.model_validate(
        {"environment": "here", "services": services,
         **({"prometheus": PROMETHEUS} if has_prometheus else {})}
    )  # fmt: skip
    written = Scenario.model_validate(
        {"scenario": "s", "quantities": {"uses": quantity}, "profiles": {"load": {"users": 1}},
         "flow": [{"step": "use", "request": "POST shop /use", "counts": {"uses": 1}}],
         **scenario}
    )  # fmt: skip
    conflicts = find_absent_witnesses(written, environment)
    return [f"{'.'.join(map(str, place))}: {message}" for place, message in conflicts]


@pytest.mark.parametrize(
    ("quantity", "services", "has_prometheus"),
    [
        (COUNTED, {"shop": SHOWN}, False),
        (COUNTED, {"shop": HIDDEN}, True),
        (STORED, {"shop": HIDDEN}, False),
        (COUNTED, {"shop": SHOWN, "till": HIDDEN}, False),
        ({**COUNTED, "service": "shop"}, {"shop": SHOWN, "till": HIDDEN}, False),
        ({**COUNTED, **STORED}, {"shop": HIDDEN}, False),
    ],
    ids=["no Prometheus", "only Prometheus sees it", "records alone", "a helper without metrics",
         "its own service", "counted where nobody sees it, and stored"],
)  # fmt: skip
def test_one_witness_beside_the_client_is_enough(
    quantity: Mapping[str, Any], services: Mapping[str, Any], has_prometheus: bool
) -> None:
    assert _messages(quantity, services, has_prometheus=has_prometheus) == []


@pytest.mark.parametrize(
    ("quantity", "services", "whose"),
    [
        (COUNTED, {"shop": HIDDEN}, "no service shows metrics of its own"),
        (COUNTED, {"shop": PUSHING, "till": HIDDEN}, "no service shows metrics of its own"),
        (
            {**COUNTED, "service": "till"},
            {"shop": SHOWN, "till": HIDDEN},
            "till shows no metrics of its own",
        ),
    ],
)
def test_a_quantity_that_only_the_client_counts_is_refused_with_the_remedy(
    quantity: Mapping[str, Any], services: Mapping[str, Any], whose: str
) -> None:
    assert _messages(quantity, services) == [
        f"quantities.uses: 'uses' has no witness in here: {whose}, and there is no prometheus:; "
        "add database: or api: to the quantity, prometheus: {url: …} to here, or the metrics: of "
        "the service that counts it"
    ]


def test_more_witnesses_may_be_demanded_than_an_environment_leaves() -> None:
    both = {**COUNTED, **STORED}
    services = {"shop": SHOWN}
    assert _messages(both, services, witnesses="at least 3") == []
    assert _messages(both, services, has_prometheus=True, witnesses="at least 4") == []
    assert _messages(both, services, witnesses="at least 4") == [
        "witnesses: 'uses' needs at least 4 witnesses and has 3 at most (client, service, "
        "database:main); declare more of them in here, or lower the number"
    ]
    of_quantity = {**both, "witnesses": "at least 3"}
    (message,) = _messages(of_quantity, {"shop": HIDDEN})
    assert message.startswith("quantities.uses.witnesses: 'uses' needs at least 3 witnesses")


def test_what_no_environment_can_satisfy_is_a_mistake_of_the_scenario_alone() -> None:
    assert _messages(STORED, {"shop": HIDDEN}, witnesses="at least 3") == []
