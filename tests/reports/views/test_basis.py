import pytest

from reports.views.basis import basis_words
from tests.reports.results import good_result


@pytest.mark.parametrize(
    ("rests_on", "words"),
    [
        ({}, ""),
        ({"uses": ("client", "service")}, "client and service"),
        (
            {"uses": ("client", "database:a", "database:b"), "visits": ("client", "database:c")},
            "client and database",
        ),
        (
            {"uses": ("client", "service"), "rows": ("client", "database:a"),
             "visits": ("client", "service"), "calls": ("client", "service")},
            "client and service (uses and 2 more); client and database (rows)",
        ),
    ],
)  # fmt: skip
def test_the_witnesses_are_named_once_for_all_quantities_that_have_the_same(
    rests_on: dict[str, tuple[str, ...]], words: str
) -> None:
    assert basis_words(good_result(rests_on=rests_on)) == words
