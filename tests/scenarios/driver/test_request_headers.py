"""Which headers a step has beside its own; those of services are tested with the whole flow."""

from collections.abc import Sequence
from typing import Any

import pytest

from config.environment import Environment
from config.services import Service
from scenarios.driver.request_headers import has_own_cookie, header_parts
from scenarios.language.steps import Step


def environment_of(headers: dict[str, str | None]) -> Environment:
    service = Service(url="http://shop.example", headers=headers)
    return Environment(environment="test", services={"shop": service})


def step_of(**keys: Any) -> Step:
    return Step.model_validate({"step": "ask", "request": "GET shop /chat", **keys})


@pytest.mark.parametrize(
    ("step", "headers", "accept"),
    [
        ({"stream": "sse"}, {}, ["text/event-stream"]),
        ({"stream": "json_lines"}, {}, []),
        ({}, {}, []),
        ({"stream": "sse", "headers": {"accept": "text/plain"}}, {}, ["text/plain"]),
        ({"stream": "sse"}, {"ACCEPT": "text/plain"}, ["text/plain"]),
    ],
)
def test_server_sent_events_are_asked_for_unless_another_type_is(
    step: dict[str, Any], headers: dict[str, str | None], accept: Sequence[str]
) -> None:
    parts = header_parts(step_of(**step), environment_of(headers), None)
    found = [texts for name, texts in parts.items() if name.lower() == "accept"]
    assert ["".join(part.text for part in texts) for texts in found] == accept


@pytest.mark.parametrize(
    ("step", "headers", "is_own"),
    [({}, {}, False), ({"headers": {"cookie": None}}, {}, True), ({}, {"Cookie": "a=b"}, True)],
)
def test_a_cookie_is_written_by_the_step_or_by_its_service(
    step: dict[str, Any], headers: dict[str, str | None], is_own: bool
) -> None:
    assert has_own_cookie(step_of(**step), environment_of(headers)) is is_own
