import pytest

from witnesses.process_identity import are_apart, is_replaced

_PLAIN = ()
_LABELLED = (("application", "shop"),)
_OTHER = (("application", "till"),)


@pytest.mark.parametrize(
    ("start_times", "apart"),
    [
        ([], False),
        ([500.0], False),
        ([500.0, 500.01, 499.99], False),
        ([500.0, 501.0], False),
        ([500.0, 501.01], True),
        ([500.0, 499.5, 501.0], True),
    ],
)
def test_start_times_more_than_a_second_apart_are_of_several_processes(
    start_times: list[float], apart: bool
) -> None:
    assert are_apart(start_times) is apart


@pytest.mark.parametrize(
    ("before", "after", "replaced"),
    [
        ({_PLAIN: 500.0}, {_PLAIN: 500.9}, False),
        ({_PLAIN: 500.0}, {_PLAIN: 501.0}, False),
        ({_PLAIN: 500.0}, {_PLAIN: 501.1}, True),
        ({_PLAIN: 500.0}, {_PLAIN: 498.9}, True),
        ({_LABELLED: 500.0}, {_LABELLED: 900.0}, True),
        ({_PLAIN: 500.0}, {_LABELLED: 900.0}, True),
        ({_PLAIN: 500.0}, {_LABELLED: 500.0}, False),
        ({_PLAIN: 500.0}, {_LABELLED: 500.0, _OTHER: 900.0}, True),
        ({_PLAIN: 900.0}, {_LABELLED: 500.0, _OTHER: 900.0}, False),
        ({}, {_PLAIN: 900.0}, False),
        ({_PLAIN: 500.0}, {}, False),
    ],
    ids=[
        "wavers",
        "moves by a second",
        "moves",
        "moves back",
        "has labels",
        "moves with its labels",
        "gets labels",
        "gets labels beside a younger one",
        "gets labels beside an older one",
        "new",
        "gone",
    ],
)
def test_a_start_time_that_moves_between_two_scrapes_is_another_process(
    before: dict[tuple[tuple[str, str], ...], float],
    after: dict[tuple[tuple[str, str], ...], float],
    replaced: bool,
) -> None:
    assert is_replaced(before, after) is replaced
