"""Tests of the names that other tools have: each stands for a key that there is."""

import pytest
from pydantic import BaseModel

from config.auth import ApiKey, Auth, BasicAuth, OAuth2
from config.environment import Environment, LoadLimits
from config.models import StrictModel
from config.services import Service
from scenarios.language.blocks import Condition, ForEach, Repeat, SharedFlow, Think, Together
from scenarios.language.data import DataSource
from scenarios.language.expect import Capture, Expect
from scenarios.language.model import Scenario
from scenarios.language.objectives import Checks, LatencyObjective
from scenarios.language.profiles import AbortOn, Profile
from scenarios.language.quantities import Quantity
from scenarios.language.relations import Relation
from scenarios.language.steps import Step, Until
from scenarios.language.streams import EventCount, HangUp

MODELS = (Environment, LoadLimits, Service, Auth, Scenario, Step, Until, Expect, Capture, Profile,
          AbortOn, LatencyObjective, Checks, Quantity, Condition, ForEach, Repeat, Think,
          Together, HangUp, EventCount, BasicAuth, ApiKey, OAuth2, SharedFlow, Relation,
          DataSource)  # fmt: skip
BLOCKS = {"step", "repeat", "for_each", "if", "think", "together"}


def keys_of(model: type[BaseModel]) -> set[str]:
    return {field.alias or name for name, field in model.model_fields.items()}


@pytest.mark.parametrize("model", MODELS)
def test_another_name_is_no_key_and_stands_for_one(model: type[StrictModel]) -> None:
    known = keys_of(model)
    assert known.isdisjoint(model.other_names)
    assert {other.key for other in model.other_names.values()} <= known | BLOCKS | {""}
    assert all(other.remedy for other in model.other_names.values())
