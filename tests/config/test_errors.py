from pathlib import Path

import pytest

from config.errors import ConfigError, Problem


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (Problem(Path("a.yaml"), 3, "no"), "a.yaml:3: no"),
        (Problem(Path("a.yaml"), None, "no"), "a.yaml: no"),
        (Problem(None, None, "no"), "no"),
    ],
)
def test_a_problem_begins_with_its_file_and_line_if_it_has_them(
    problem: Problem, text: str
) -> None:
    assert str(problem) == text


def test_an_error_lists_its_problems_one_per_line_in_the_given_order() -> None:
    problems = Problem(None, None, "one"), Problem(Path("f"), 2, "two")
    error = ConfigError(*problems)
    assert error.problems == problems
    assert str(error) == "one\nf:2: two"
