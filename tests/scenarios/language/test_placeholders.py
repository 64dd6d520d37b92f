"""Paths in which a placeholder of another tool stands, and those in which its marks are meant."""

import pytest

from scenarios.language.placeholders import find_placeholders


@pytest.mark.parametrize(
    ("target", "remedies"),
    [
        ("/orders/{order}", ["{{ order }}, or %7Border%7D"]),
        ("/orders/:order", ["{{ order }}, or %3Aorder"]),
        ("/orders/:orderId/lines/{lineId}", ["{{ order_id }}", "{{ line_id }}"]),
        ("/orders/<order>", ["{{ order }}, or %3Corder%3E"]),
        ("/orders/<int:order>", ["{{ order }}"]),
        ("/orders/[order]", ["{{ order }}, or %5Border%5D"]),
        ("/orders/#{order}", ["{{ order }}"]),
        ("/orders/%{order}/x", ["{{ order }}"]),
        ("/orders/@{order}", ["{{ order }}"]),
        ("/orders/{order.id}", ["{{ order_id }}"]),
        ("/orders/{order-id}", ["{{ order_id }}"]),
        ("/{{ tenant }}/{order}", ["{{ order }}"]),
        ("/orders?id={id}&page=<page>", ["{{ id }}", "{{ page }}"]),
        ("/{version}/orders/:id?q={q}", ["{{ version }}", "{{ id }}", "{{ q }}"]),
    ],
)
def test_a_placeholder_alone_is_reported_with_the_template_to_write(
    target: str, remedies: list[str]
) -> None:
    found = list(find_placeholders(target))
    assert len(found) == len(remedies)
    assert all(remedy in sentence for remedy, sentence in zip(remedies, found, strict=True))


@pytest.mark.parametrize(
    "target",
    [
        "/v1/models:predict",
        "/v1/{{ model }}:predict",
        "/v1/projects/p/locations/l:cancel",
        "/Orders({{ id }})",
        "/time/12:30",
        "/:7",
        "/:",
        "/{}",
        "/a{b}c",
        "/pre{order}",
        "/%7Border%7D/%3Aorder",
        "/{{order}}",
        "/{{ '/:order/' }}",
        "/{% if tenant %}x{% endif %}",
        "/{# :a #}",
        "/orders?at=:now&tag[]=x",
        "/orders?sort={a:1}",
        "{{ link }}",
    ],
)
def test_what_may_be_meant_as_it_is_written_is_no_mistake(target: str) -> None:
    assert list(find_placeholders(target)) == []
