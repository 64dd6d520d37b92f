import re
from pathlib import Path

import pytest

from config.auth import Auth
from config.environment import Environment, read_environment
from config.services import Service
from tests.paths import ROOT

TEXT = (ROOT / "docs" / "environments.md").read_text()
EXAMPLES = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_an_example_is_an_environment(tmp_path: Path, example: str) -> None:
    path = tmp_path / "staging.yaml"
    path.write_text(example)
    variables = re.findall(r"\$\{(\w+)\}", example)
    assert variables
    read_environment(path, dict.fromkeys(variables, "t0ken-of-7"))


def test_every_key_of_credentials_is_described() -> None:
    models = [Auth, *(field.annotation for field in Auth.model_fields.values())]
    keys = {key for model in models for key in _fields(model)}
    assert keys == {key for key in keys if f"`{key}`" in TEXT}
    for model, words in ((Service, "auth"), (Environment, "headers")):
        assert {key for key in model.model_fields if words in key} <= {
            key for key in model.model_fields if f"`{key}`" in TEXT
        }


def _fields(annotation: object) -> set[str]:
    """Return the keys of a model, or of the model that may be None."""
    options = (annotation, *getattr(annotation, "__args__", ()))
    return {key for each in options for key in getattr(each, "model_fields", {})}
