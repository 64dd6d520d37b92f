"""Inspect the requests of a scenario to usage APIs: are they accepted, and what is picked."""

from http import HTTPStatus

from config.clock import CLOCK
from config.environment import PER_RUN, Environment
from scenarios.language.api_validation import uses_tenant
from witnesses.api.client import Patience, UsageUnknown, is_mistake, open_api
from witnesses.api.collector import usage_query
from witnesses.figure import Reason
from witnesses.model import CountedQuantity
from witnesses.preflight.inspection import Inspection, Outcome

# A response that is not there by then is left to the run.
_WHOLE_S = 15.0


def inspect_api(
    quantity: CountedQuantity, name: str, environment: Environment, patience: Patience | None = None
) -> Inspection:
    """Send the request of a quantity to a usage API, with the run's tenant and the time now."""
    request = (quantity.settings.api or {})[name]
    place, subject = ("quantities", quantity.name, "api", name), (quantity.name, "api", name)
    now = CLOCK.now_at()
    patience = patience or Patience(whole_s=_WHOLE_S)
    try:
        with open_api(name, environment.apis[name], environment.network, patience) as client:
            usage = usage_query(quantity, request, now, now).fetch(client)
    except UsageUnknown as failure:
        is_new = environment.tenant == PER_RUN and uses_tenant(request)
        if failure.status == HTTPStatus.NOT_FOUND and is_new:
            remedy = "the tenant of the run is created during it, or the path is wrong"
            return Inspection(place, subject, Outcome.UNSEEN, str(failure), remedy)
        if failure.reason is Reason.USAGE_INVALID:
            at = (*place, "pick")
            return Inspection(at, subject, Outcome.WRONG, str(failure), "correct pick")
        if is_mistake(failure):
            remedy = "correct the request"
            return Inspection(place, subject, Outcome.WRONG, str(failure), remedy)
        return Inspection(place, subject, Outcome.DOWN, str(failure))
    rows, pages = len(usage.rows), usage.pages
    observed = f"the API accepts the request: {rows:,} {'row' if rows == 1 else 'rows'}"
    observed += f" on {pages:,} pages" if pages > 1 else ""
    return Inspection(place, subject, Outcome.FOUND, observed)
