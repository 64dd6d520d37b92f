"""Check whether a usage API responds, and whether it accepts the credentials."""

from checks.result import Finding, Kind, finding_id
from checks.verdict import Verdict
from config.apis import Api
from config.network import Network
from witnesses.api.client import UNAUTHORIZED, Patience, UsageUnknown, open_api
from witnesses.api.request import SentRequest

_WHOLE_S = 10.0


def check_api(name: str, api: Api, network: Network) -> Finding:
    """Return a finding on a usage API of an environment: by its probe, or by any response."""
    verdict, observed, detail = Verdict.PASS, "it responds", ""
    try:
        with open_api(name, api, network, Patience(whole_s=_WHOLE_S)) as client:
            client.ask(SentRequest("GET", api.probe or "/", {}))
        observed = "the probe is accepted" if api.probe else observed
    except UsageUnknown as failure:
        is_refused = failure.status in UNAUTHORIZED
        if not failure.status or api.probe or is_refused:
            verdict = Verdict.FAIL if is_refused else Verdict.INCONCLUSIVE
            observed = str(failure)
        else:
            observed = f"it responds with status {failure.status} without a probe"
    if not api.probe and verdict is Verdict.PASS:
        detail = (f"Add probe: /… to {name} in the environment's file, a read that needs the "
                  "credentials.")  # fmt: skip
    return Finding(
        finding_id("health", "api", name), f"API {name} responds", Kind.HEALTH, verdict,
        api.probe or "any response", observed, detail,
    )  # fmt: skip
