import pytest

from checks.balance.reason_words import REASON_WORDS, reason_words
from witnesses.figure import Figure, Reason


def test_every_reason_has_its_words() -> None:
    assert set(REASON_WORDS) == set(Reason)


@pytest.mark.parametrize("reason", list(Reason))
def test_a_figure_that_is_not_exact_shows_reason_and_facts(reason: Reason) -> None:
    words = REASON_WORDS[reason]
    assert reason_words(Figure.void(reason)) == words
    assert reason_words(Figure.void(reason, "3 of 4 scrapes")) == f"{words} (3 of 4 scrapes)"
    assert reason_words(Figure.exact(1.0)) == ""
