"""The scenario file as a pydantic model.

What a single value must look like is checked here, and in the models of its parts; how the parts
fit together is checked in `validation`.
"""

from collections.abc import Iterator, Sequence
from typing import Annotated

from pydantic import Field

from config.model_keys import Location
from config.models import StrictModel
from config.requirements import requires
from scenarios.language.blocks import (
    Block,
    Blocks,
    OptionalBlocks,
    SharedFlow,
    placed_steps,
    required_steps,
)
from scenarios.language.data import DataSource
from scenarios.language.identifiers import Name
from scenarios.language.objectives import Checks
from scenarios.language.other_names import OF_SCENARIO
from scenarios.language.profiles import Profile
from scenarios.language.quantities import LeastWitnesses, Quantity
from scenarios.language.relations import Relation
from scenarios.language.steps import Step

ITERATION = "iteration"

_IS_NOT_EMPTY = requires(bool, "at least one entry is required")


def iteration_of(flow: str) -> str:
    """Return the name of the duration of the iterations of one of several flows."""
    return f"{flow}: {ITERATION}"


class Scenario(StrictModel):
    """One scenario file.

    `flows` are several instead of one `flow`, each with its share of the iterations.
    `setup` and `teardown` are run once per run, `user_setup` once per virtual user, and `flow` in
    each iteration.
    `public` names the headers and query parameters whose values are no secrets. `witnesses` is how
    many must agree on each quantity at least, the client among them.
    """

    other_names = OF_SCENARIO

    scenario: Annotated[str, Field(examples=["a-scenario"])]
    description: str = ""
    data: dict[Name, DataSource] = {}
    quantities: dict[Name, Quantity] = {}
    witnesses: LeastWitnesses | None = None
    relations: list[Relation] = []
    setup: OptionalBlocks = []
    user_setup: OptionalBlocks = []
    flow: Blocks | None = None
    flows: dict[Name, SharedFlow] = {}
    teardown: OptionalBlocks = []
    profiles: Annotated[dict[Name, Profile], _IS_NOT_EMPTY]
    checks: Checks = Checks()
    public: list[str] = []

    @property
    def judged_quantities(self) -> list[str]:
        """The quantities whose balance is judged: those of `checks.usage`, or all."""
        return list(self.quantities) if self.checks.usage is None else self.checks.usage

    def least_witnesses(self, quantity: str) -> int | None:
        """Return how many witnesses must agree on a quantity at least, where it is demanded."""
        return self.quantities[quantity].witnesses or self.witnesses

    @property
    def steps(self) -> tuple[Step, ...]:
        """Every step, in the order of the file."""
        return tuple(step for _, step in self.placed_steps())

    @property
    def timed(self) -> tuple[str, ...]:
        """What is timed, by name: each step, with its wait or stream, and the iteration."""
        names = (name for step in self.flow_steps for name in step.timed)
        return (*names, *map(iteration_of, self.flows), ITERATION)

    @property
    def shared_flows(self) -> dict[str, SharedFlow]:
        """The flows by name; a single one has the name ""."""
        return self.flows or {"": SharedFlow.model_construct(share=1, steps=self.flow or [])}

    @property
    def flow_steps(self) -> tuple[Step, ...]:
        """The steps of an iteration, in the order of the file."""
        return tuple(
            step for each in self.shared_flows.values() for _, step in placed_steps(each.steps, ())
        )

    @property
    def contacted_services(self) -> frozenset[str]:
        """The services that a step sends a request to."""
        return frozenset(step.request_parts()[1] for step in self.steps)

    @property
    def optional_steps(self) -> frozenset[str]:
        """The steps that a run may leave out: below `if` and `for_each`, and of several flows."""
        single = self.flow or () if not self.flows else ()
        required = {name for each in (self.setup, self.user_setup, single, self.teardown)
                    for name in required_steps(each)}  # fmt: skip
        return frozenset(step.step for step in self.steps) - required

    def placed_parts(self) -> Iterator[tuple[Location, Sequence[Block]]]:
        """Yield the lists of blocks with their places: setup, user_setup, flows, teardown."""
        yield ("setup",), self.setup
        yield ("user_setup",), self.user_setup
        for name, flow in self.shared_flows.items():
            yield (("flows", name, "steps") if name else ("flow",)), flow.steps
        yield ("teardown",), self.teardown

    def placed_steps(self) -> Iterator[tuple[Location, Step]]:
        """Yield every step with its place in the document, in the order of the file."""
        for place, blocks in self.placed_parts():
            yield from placed_steps(blocks, place)
