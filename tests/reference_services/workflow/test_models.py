"""Tests of the request and response bodies of Workflow."""

import pytest
from pydantic import ValidationError

from reference_services.workflow.models import ExecuteBody


def test_a_body_without_card_ids_has_an_empty_list_of_them() -> None:
    body = ExecuteBody.model_validate({"workflow_type": "linkedin_post"})
    assert (body.card_ids, body.context, body.additional_context) == ([], None, {})


@pytest.mark.parametrize(
    "change",
    [
        {"workflow_type": "novel"},
        {"card_ids": ["no spaces allowed"]},
        {"card_ids": ["c"] * 101},
        {"context": {"voice": ["dry"]}},
        {"parameters": {"text": "\ud800"}},
    ],
)
def test_a_body_that_could_not_be_passed_on_is_invalid(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ExecuteBody.model_validate({"workflow_type": "linkedin_post"} | change)


def test_the_deprecated_context_may_lack_any_part() -> None:
    body = ExecuteBody.model_validate(
        {"workflow_type": "linkedin_post", "context": {"voice": {"tone": "dry"}}}
    )
    assert body.context is not None
    assert (body.context.company, body.context.voice) == (None, {"tone": "dry"})
