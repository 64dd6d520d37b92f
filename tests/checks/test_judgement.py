from dataclasses import fields

from checks.judgement import Judgement
from checks.result import Result


def test_whatever_a_module_contributes_has_its_place_in_the_result() -> None:
    assert {each.name for each in fields(Judgement)} <= {each.name for each in fields(Result)}


def test_a_module_that_found_nothing_contributes_nothing() -> None:
    assert not any(getattr(Judgement(), each.name) for each in fields(Judgement))
