import pytest

from checks.verdict import Verdict
from commands.shared.api_check import check_api
from config.apis import Api
from config.network import Network
from tests.tiny_server import Canned, nobody_listens_at, serving

_PROBE = "/v1/meters"


@pytest.mark.parametrize(
    ("probe", "status", "verdict", "words"),
    [
        (_PROBE, 200, Verdict.PASS, "the probe is accepted"),
        (_PROBE, 401, Verdict.FAIL, "status 401; renew the credentials in apis.billing.auth"),
        (_PROBE, 404, Verdict.INCONCLUSIVE, "status 404"),
        (None, 200, Verdict.PASS, "it responds"),
        (None, 404, Verdict.PASS, "it responds with status 404 without a probe"),
        (None, 403, Verdict.FAIL, "status 403"),
    ],
)
def test_an_api_is_judged_by_its_probe_or_by_any_response(
    probe: str | None, status: int, verdict: Verdict, words: str
) -> None:
    with serving({probe or "/": Canned("{}", status)}) as server:
        finding = check_api("billing", Api(url=server.url, probe=probe), Network())
        assert server.asked == [probe or "/"]
    assert (finding.id, finding.verdict) == ("health/api/billing", verdict)
    assert words in finding.observed


def test_an_api_without_a_probe_is_told_to_have_one() -> None:
    with serving({"/": Canned("{}")}) as server:
        detail = check_api("billing", Api(url=server.url), Network()).detail
    assert detail.startswith("Add probe: /… to billing in the environment's file")


def test_an_api_that_nobody_runs_is_inconclusive() -> None:
    finding = check_api("billing", Api(url=nobody_listens_at()), Network())
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "cannot be reached" in finding.observed
