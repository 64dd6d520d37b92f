import json
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from checks.result import Finding
from checks.verdict import Verdict
from commands.doctor import check_environment
from config.environment import Environment, Service
from config.prometheus import Prometheus
from tests.evidence_factory import exposition, vector
from tests.tiny_server import Says, nobody_listens_at, serving

_CLOCK = {"status": "success", "data": {"resultType": "scalar", "result": [0, "5"]}}
_TARGETS = {"data": {"activeTargets": [{"labels": {"job": "shop"}, "scrapeInterval": "5s"}]}}
_METRICS = Says(exposition({}), content_type="text/plain")
_WELL = {"/health": Says("ok"), "/metrics": _METRICS}


def _examined(environment: Environment) -> dict[str, Finding]:
    return {each.id: each for each in check_environment(environment)}


def _of(url: str, prometheus: str | None = None, **databases: str) -> Environment:
    settings = Prometheus(url=prometheus, timeout="1s") if prometheus else None  # type: ignore[arg-type]
    return Environment(
        environment="test",
        services={"shop": Service(url=url)},
        prometheus=settings,
        databases=databases,
    )


def test_a_service_that_is_well_and_shows_metrics_passes() -> None:
    with serving(_WELL) as server:
        findings = _examined(_of(server.url))
    assert findings["health/shop"].verdict is Verdict.PASS
    assert findings["precondition/metrics-readable/shop"].verdict is Verdict.PASS


def test_a_service_that_nobody_runs_fails_with_a_remedy() -> None:
    findings = _examined(_of(nobody_listens_at()))
    assert findings["health/shop"].verdict is Verdict.FAIL
    assert "start it" in findings["health/shop"].detail
    assert findings["precondition/metrics-readable/shop"].verdict is Verdict.INCONCLUSIVE


def test_a_service_that_is_unwell_fails_with_its_status() -> None:
    with serving({"/health": Says("no", 503)}) as server:
        finding = _examined(_of(server.url))["health/shop"]
    assert (finding.verdict, finding.observed) == (Verdict.FAIL, "status 503")


@pytest.mark.parametrize("page", [Says("<html>Sign in</html>", 200, "text/html"), Says("")])
def test_a_page_that_is_not_metrics_is_inconclusive(page: Says) -> None:
    with serving({"/health": Says("ok"), "/metrics": page}) as server:
        finding = _examined(_of(server.url))["precondition/metrics-readable/shop"]
    assert finding.verdict is Verdict.INCONCLUSIVE


def test_no_prometheus_at_all_is_inconclusive_and_says_how_to_name_one() -> None:
    with serving(_WELL) as server:
        finding = _examined(_of(server.url))["health/prometheus"]
    assert (finding.verdict, finding.observed) == (Verdict.INCONCLUSIVE, "none is named")
    assert "prometheus:" in finding.detail


def test_a_prometheus_that_nobody_runs_is_inconclusive() -> None:
    with serving(_WELL) as server:
        finding = _examined(_of(server.url, nobody_listens_at()))["health/prometheus"]
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "cannot be reached" in finding.observed


@pytest.mark.parametrize(
    ("ups", "verdict", "observed"),
    [
        ((1,), Verdict.PASS, "1 of 1 targets up, every 5 s"),
        (
            (1, 0),
            Verdict.INCONCLUSIVE,
            "1 of its 2 replicas are named in the environment, every 5 s",
        ),
    ],
)
def test_a_prometheus_that_answers_passes_and_each_target_must_be_up(
    ups: tuple[float, ...], verdict: Verdict, observed: str
) -> None:
    answers = {
        "/api/v1/query?time()": Says(json.dumps(_CLOCK)),
        '/api/v1/query?up{job="shop"}': Says(json.dumps(vector(*ups))),
        '/api/v1/query?process_start_time_seconds{job="shop"}': Says(json.dumps(vector())),
        "/api/v1/targets": Says(json.dumps(_TARGETS)),
    }
    with serving({**_WELL, **answers}) as server:
        findings = _examined(_of(server.url, server.url))
    assert findings["health/prometheus"].verdict is Verdict.PASS
    scraping = findings["precondition/scraped/shop"]
    assert (scraping.verdict, scraping.observed) == (verdict, observed)
    assert ("job_name: shop" in scraping.detail) is (verdict is not Verdict.PASS)


def test_a_database_that_can_be_read_passes_and_a_missing_one_is_inconclusive(
    tmp_path: Path,
) -> None:
    with closing(sqlite3.connect(tmp_path / "shop.db")) as connection, connection:
        connection.execute("CREATE TABLE uses (n INT)")
    there, missing = (f"sqlite:///{tmp_path / name}" for name in ("shop.db", "none.db"))
    findings = _examined(_of(nobody_listens_at(), there=there, missing=missing))
    assert findings["health/database/there"].verdict is Verdict.PASS
    assert findings["health/database/missing"].verdict is Verdict.INCONCLUSIVE
    assert not (tmp_path / "none.db").exists()


def _timed(environment: Environment) -> tuple[float, dict[str, Finding]]:
    began_at = time.monotonic()
    findings = _examined(environment)
    return time.monotonic() - began_at, findings


@pytest.mark.long
def test_a_place_where_nobody_answers_is_told_in_the_time_of_one() -> None:
    """Three services and six replicas would take nine times as long, one after the other."""
    names = ("cards", "onboarding", "workflow")
    with serving({path: Says(hangs=True) for path in ("/health", "/metrics")}) as server:
        page = f"{server.url}/metrics"
        where = Environment(
            environment="test",
            services={name: Service(url=server.url, metrics=[page, page]) for name in names},
            prometheus=Prometheus(url=nobody_listens_at()),
        )
        one = where.model_copy(update={"services": {"shop": Service(url=server.url)}})
        with ThreadPoolExecutor(2) as pool:
            timed = [pool.submit(_timed, each) for each in (where, one)]
            (all_s, findings), (one_s, _) = (each.result() for each in timed)
    assert all_s < 2 * one_s
    assert findings["health/cards"].verdict is Verdict.FAIL
    assert "did not respond within 5 s" in findings["health/workflow"].observed
    assert (
        "did not respond within 5 s"
        in findings["precondition/metrics-readable/onboarding"].observed
    )
