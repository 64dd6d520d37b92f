"""Ask usage APIs before and after a run, and keep the counts that they report.

Usage is eventually consistent: what was sent shows up to `settle` after the last response.

    last response ├──── settle ────┤ asked │── asked again where counts are missing ──│
                    may be missing   AFTER            what only shows here is late
"""

from collections.abc import Iterable, Mapping
from typing import Any

from config.apis import Api
from config.clock import CLOCK
from config.network import Network
from scenarios.evidence.run_folder import RunFolder
from scenarios.language.api_validation import RUN, TENANT, uses_tenant
from scenarios.language.apis import ApiRequest
from witnesses.api.client import Patience, UsageUnknown, open_api
from witnesses.api.reading import FOLDER, LATER, is_collected
from witnesses.api.request import run_members
from witnesses.api.usage import Usage, UsageQuery
from witnesses.database.values import encode_json
from witnesses.figure import Reason
from witnesses.model import CountedQuantity, Moment


class ApiCollector:
    """Asks the usage APIs of an environment for each quantity.

    `has_new_tenant` states that no earlier run had the tenant of this one.
    """

    def __init__(
        self, apis: Mapping[str, Api], network: Network, quantities: Iterable[CountedQuantity],
        *, has_new_tenant: bool, patience: Patience | None = None,
    ) -> None:  # fmt: skip
        """Connect to nothing yet."""
        self._apis = apis
        self._network = network
        self._has_new_tenant = has_new_tenant
        self._patience = patience or Patience()
        self._begun_at = CLOCK.now_at()
        self._settling_from_s: float | None = None
        # in the order in which they have settled
        self._queries = sorted(
            (
                (quantity, name, request)
                for quantity in quantities
                for name, request in (quantity.settings.api or {}).items()
            ),
            key=lambda each: settle_of(each[0], each[2]),
        )

    @property
    def settle_s(self) -> dict[str, float]:
        """How long each API settles, in seconds, in the order in which they have settled."""
        settled = {name: settle_of(quantity, request) for quantity, name, request in self._queries}
        return {name: settle_s for name, settle_s in settled.items() if settle_s}

    def begin_settling(self) -> None:
        """Note that the last response has come: from now on, counts may be missing for a while."""
        if self._settling_from_s is None:
            self._settling_from_s = self._patience.monotonic()

    def collect(self, moment: Moment, folder: RunFolder) -> None:
        """Ask each API. After the run, a further time is kept beside the first."""
        if not self._queries:
            return
        if moment is Moment.BEFORE:
            self._begun_at = CLOCK.now_at()
        else:
            self.begin_settling()
        again = moment is Moment.AFTER and is_collected(folder, Moment.AFTER)
        results: dict[str, dict[str, Any]] = {}
        for quantity, name, request in self._queries:
            if moment is Moment.BEFORE and request.absolute:
                continue
            if moment is Moment.AFTER:
                settled_s = (self._settling_from_s or 0.0) + settle_of(quantity, request)
                self._patience.sleep_until(settled_s)
            of_quantity = results.setdefault(quantity.name, {})
            of_quantity[name] = self._result(quantity, name, request)
        if moment is Moment.BEFORE:
            self._watch(results)
        content = {"begun_at": self._begun_at, "results": results}
        path = f"{FOLDER}/{LATER if again else moment}.json"
        folder.write_witness_file(path, encode_json(content))

    def _watch(self, results: Mapping[str, dict[str, Any]]) -> None:
        """Ask once more `settle` later, where an earlier run may still be arriving."""
        begun_s = self._patience.monotonic()
        for quantity, name, request in self._queries:
            settle_s = settle_of(quantity, request)
            is_new = self._has_new_tenant and uses_tenant(request)
            if request.absolute or is_new or not settle_s:
                continue
            self._patience.sleep_until(begun_s + settle_s)
            first, last = results[quantity.name][name], self._result(quantity, name, request)
            has_moved = first.get("rows") != last.get("rows")
            results[quantity.name][name] = {**last, "has_moved": has_moved}

    def _result(self, quantity: CountedQuantity, name: str, request: ApiRequest) -> dict[str, Any]:
        """Return what an API reports, or why it does not, as the file has it."""
        asked_at = CLOCK.now_at()
        query = usage_query(quantity, request, self._begun_at, asked_at)
        try:
            usage = self._fetch(name, query)
        except UsageUnknown as error:
            return {"reason": error.reason, "error": str(error), "asked_at": asked_at}
        return {
            "rows": usage.rows, "pages": usage.pages, "asked_at": asked_at,
            "waited_s": round(self._patience.waited_s, 3), "since_at": usage.since_at,
        }  # fmt: skip

    def _fetch(self, name: str, query: UsageQuery) -> Usage:
        if name not in self._apis:
            raise UsageUnknown(Reason.API_DOWN, f"the environment has no API {name!r}")
        with open_api(name, self._apis[name], self._network, self._patience) as client:
            return query.fetch(client)


def settle_of(quantity: CountedQuantity, request: ApiRequest) -> float:
    """Return how long after the last response counts may be missing, in seconds."""
    return quantity.settings.settle if request.settle is None else request.settle


def usage_query(
    quantity: CountedQuantity, request: ApiRequest, begun_at: float, asked_at: float
) -> UsageQuery:
    """Return the query of a quantity in a run that began at one instant and is asked at another."""
    run = run_members(begun_at, asked_at, request.align)
    return UsageQuery(request, quantity.labels, {TENANT: quantity.tenant, RUN: run})
