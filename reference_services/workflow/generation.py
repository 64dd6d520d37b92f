"""Generates content from a template; deterministic for a given context."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from reference_services.common.api.schemas import CardType, Content
from reference_services.workflow.models import Output, OutputMetadata, WorkflowType

Context = Mapping[CardType, list[Content]]

TITLES: Mapping[WorkflowType, str] = {
    "linkedin_post": "LinkedIn post",
    "premium_newsletter": "Premium newsletter",
    "onboarding_content": "Onboarding content",
}


def texts(value: Any) -> Iterator[str]:
    """Yield every scalar of a JSON value as text, in order; object keys are left out."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list):
        for member in value:
            yield from texts(member)
    elif value is not None:
        yield str(value)


def read_templates() -> Environment:
    """Load the templates; their output is plain text, so nothing is escaped."""
    templates = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
    )
    templates.filters["texts"] = texts
    return templates


class ContentWriter:
    """Renders content from the template of a workflow type."""

    def __init__(self) -> None:
        self._templates = read_templates()

    def write(
        self,
        workflow_type: WorkflowType,
        context: Context,
        additional_context: Content,
        parameters: Content,
    ) -> Output:
        """Render the content of one workflow; it contains every text of every card."""
        template = self._templates.get_template(f"{workflow_type}.j2")
        content = template.render(context=context, additional_context=additional_context).strip()
        return Output(
            title=_title(workflow_type, context),
            content=content,
            metadata=OutputMetadata(
                template=template.name or workflow_type,
                word_count=len(content.split()),
                context={card_type: len(contents) for card_type, contents in context.items()},
                parameters=parameters,
            ),
        )


def _title(workflow_type: WorkflowType, context: Context) -> str:
    company = next(texts(context["company"]), None)
    return f"{TITLES[workflow_type]}: {company}" if company else TITLES[workflow_type]
