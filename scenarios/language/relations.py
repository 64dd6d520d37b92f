"""Relations between quantities: what each witness by itself must have in equal amounts."""

from typing import Annotated

from pydantic import Field

from config.models import StrictModel
from scenarios.language.identifiers import Name
from scenarios.language.other_names import OF_RELATION


class Relation(StrictModel):
    """Quantities whose amounts, summed over all labels, are equal for each witness."""

    other_names = OF_RELATION

    name: Annotated[str, Field(min_length=1, max_length=80, examples=["a relation"])]
    equal: Annotated[list[Name], Field(min_length=2)]
