"""The scenario file as a pydantic model.

What a single value must look like is checked here, and in the models of its parts; how the parts
fit together is checked in `validation`.
"""

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from config.documents import StrictModel
from config.model_keys import Location
from config.requirements import requires
from scenarios.language.blocks import Blocks, OptionalBlocks, placed_steps
from scenarios.language.data import DataSource
from scenarios.language.identifiers import Name
from scenarios.language.objectives import Checks
from scenarios.language.profiles import Profile
from scenarios.language.quantities import Quantity
from scenarios.language.steps import Step

ITERATION = "iteration"

_IS_NOT_EMPTY = requires(bool, "at least one entry is required")


class Scenario(StrictModel):
    """One scenario file.

    `setup` and `teardown` are run once per run, `user_setup` once per virtual user, and `flow` in
    each iteration.
    `public` names the headers and query parameters whose values are no secrets.
    """

    scenario: Annotated[str, Field(examples=["a-scenario"])]
    description: str = ""
    data: dict[Name, DataSource] = {}
    quantities: dict[Name, Quantity] = {}
    setup: OptionalBlocks = []
    user_setup: OptionalBlocks = []
    flow: Blocks
    teardown: OptionalBlocks = []
    profiles: Annotated[dict[Name, Profile], _IS_NOT_EMPTY]
    checks: Checks = Checks()
    public: list[str] = []

    @property
    def judged_quantities(self) -> list[str]:
        """The quantities whose balance is judged: those of `checks.usage`, or all."""
        return list(self.quantities) if self.checks.usage is None else self.checks.usage

    @property
    def steps(self) -> tuple[Step, ...]:
        """Every step, in the order of the file."""
        return tuple(step for _, step in self.placed_steps())

    @property
    def timed(self) -> tuple[str, ...]:
        """What is timed, by name: each step, each wait, and the whole iteration."""
        names = (name for step in self.flow_steps for name in (step.step, step.wait) if name)
        return (*names, ITERATION)

    @property
    def flow_steps(self) -> tuple[Step, ...]:
        """The steps of an iteration, in the order of the file."""
        return tuple(step for _, step in placed_steps(self.flow, ("flow",)))

    def placed_steps(self) -> Iterator[tuple[Location, Step]]:
        """Yield every step with its place in the document, in the order of the file."""
        for key in ("setup", "user_setup", "flow", "teardown"):
            yield from placed_steps(getattr(self, key), (key,))
