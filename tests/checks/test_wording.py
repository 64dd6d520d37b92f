import pytest

from checks.wording import listed


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], ""),
        (["client"], "client"),
        (["client", "service"], "client and service"),
        (["client", "service", "database"], "client, service and database"),
    ],
)
def test_words_are_joined_by_commas_and_one_and(words: list[str], sentence: str) -> None:
    assert listed(words) == sentence
