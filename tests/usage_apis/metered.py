"""A quantity whose count a usage API has, asked on a clock that no test has to wait for."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from checks.balance.rows import judge_row
from checks.result import ClientFigure, UsageRow
from config.apis import Api
from config.clock import CLOCK
from config.network import Network
from scenarios.evidence.run_folder import RunFolder
from scenarios.language.quantities import Quantity
from tests.usage_apis.documented import documented
from tests.usage_apis.events import Events
from tests.usage_apis.server import UsageApi, serving_usage
from tests.usage_apis.shapes import CUSTOMERS
from tests.virtual_clock import VirtualClock
from witnesses.api.client import Patience
from witnesses.api.collector import ApiCollector
from witnesses.api.reading import ApiReading, read_apis
from witnesses.figure import Figure
from witnesses.model import CountedQuantity, Moment

TEA, COFFEE = 3, 2
_LABELS = {kind: customer for customer, kind in CUSTOMERS.items()}


@dataclass
class Metered:
    """The API, the witness that asks it, and the clock that it waits on."""

    api: UsageApi
    clock: VirtualClock
    quantity: CountedQuantity
    settings: Api
    folder: RunFolder
    has_new_tenant: bool = True

    def __post_init__(self) -> None:
        """Connect to nothing yet."""
        self.collector = ApiCollector(
            {self.api.name: self.settings}, Network(), [self.quantity],
            has_new_tenant=self.has_new_tenant, patience=Patience(self.clock, self.clock.sleep),
        )  # fmt: skip

    def use(self, tea: int = TEA, coffee: int = COFFEE, lag_s: float = 0.0) -> None:
        """Send an event per use."""
        self.api.events.send("tea", tea, lag_s=lag_s)
        self.api.events.send("coffee", coffee, lag_s=lag_s)

    def ask(self, moment: Moment) -> None:
        """Ask the API."""
        self.collector.collect(moment, self.folder)

    def run(self, tea: int = TEA, coffee: int = COFFEE, lag_s: float = 0.0) -> None:
        """Ask before and after some uses."""
        self.ask(Moment.BEFORE)
        self.use(tea, coffee, lag_s)
        self.ask(Moment.AFTER)

    @property
    def settle_s(self) -> float:
        """For how long the API may lack counts."""
        (request,) = (self.quantity.settings.api or {}).values()
        return request.settle or 0.0

    @property
    def reading(self) -> ApiReading:
        """What the evidence has."""
        (reading,) = read_apis(self.folder, [self.api.name])
        return reading

    def figure(self, kind: str = "tea") -> Figure:
        """Return the figure of a kind."""
        label = _LABELS[kind] if self.quantity.labels == ("customer",) else kind
        return self.reading.figures(self.quantity).at((label,))

    def judged(self, kind: str = "tea", done: int = TEA) -> UsageRow:
        """Return the row of a kind of which the client knows `done`."""
        figures, keeps = (
            {self.reading.name: each} for each in (self.figure(kind), self.reading.keeps)
        )
        client = ClientFigure(done, 0)
        return judge_row("calls", {"kind": kind}, client, figures, keeps, False)  # type: ignore[arg-type]


@contextmanager
def metered(
    name: str, place: Path, *, lag_s: float = 0.0, has_new_tenant: bool = True,
    request: Mapping[str, Any] | None = None, settings: Mapping[str, Any] | None = None,
) -> Iterator[Metered]:  # fmt: skip
    """Serve an API, and have a quantity as the documentation has it, with other keys if given."""
    of_api, of_quantity = documented(name)
    clock = VirtualClock()
    written = {**of_quantity["api"][name], **(request or {})}
    quantity = Quantity.model_validate({**of_quantity, "api": {name: written}})
    with serving_usage(name, Events(clock, CLOCK.now_at, lag_s)) as api:
        model = Api.model_validate({**of_api, "url": api.url, **(settings or {})})
        counted = CountedQuantity("calls", quantity, "acme", is_exclusive=True)
        folder = RunFolder(place / "run")
        yield Metered(api, clock, counted, model, folder, has_new_tenant=has_new_tenant)
