import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.json_text import inert_json


@given(st.text(alphabet='##[vso\\"\x7f\x85\x9b\u202e\u2066\u200f\ufeffa'))
def test_a_document_keeps_its_values_and_steers_nothing(text: str) -> None:
    written = inert_json(json.dumps({text: [text]}, ensure_ascii=False))
    assert json.loads(written) == {text: [text]}
    assert not re.search("##\\w*\\[|[\x7f-\x9f\u202e\u2066\u200f\ufeff]", written)


@pytest.mark.parametrize("text", ["größe", "日本", "\U0001f600", "# [a]", "a ## b", "::error::"])
def test_what_is_only_read_is_written_as_it_is(text: str) -> None:
    document = json.dumps(text, ensure_ascii=False)
    assert inert_json(document) == document
