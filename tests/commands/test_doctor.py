import json
import sqlite3
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
import typer

from checks.result import Finding
from checks.verdict import Verdict
from commands.doctor import check_environment, doctor
from config.apis import Api
from config.auth import Auth, OAuth2
from config.environment import Environment
from config.errors import ConfigError
from config.prometheus import Prometheus
from config.services import Service
from tests.counting_shop import METRIC, Shop, counting_shop
from tests.evidence_factory import exposition, vector
from tests.tiny_server import Canned, nobody_listens_at, serving
from tests.token_server import TokenServer, serving_tokens

_CLOCK = {"status": "success", "data": {"resultType": "scalar", "result": [0, "5"]}}
_TARGETS = {
    "data": {
        "activeTargets": [
            {"labels": {"job": "shop"}, "scrapeInterval": "5s"},
            {"labels": {"job": "node"}, "scrapeInterval": "60s"},
        ]
    }
}
_METRICS = Canned(exposition({}), content_type="text/plain")
_WELL = {"/health": Canned("ok"), "/metrics": _METRICS}


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
    with serving({"/health": Canned("no", 503)}) as server:
        finding = _examined(_of(server.url))["health/shop"]
    assert (finding.verdict, finding.observed) == (Verdict.FAIL, "status 503")


@pytest.mark.parametrize("page", [Canned("<html>Sign in</html>", 200, "text/html"), Canned("")])
def test_a_page_that_is_not_metrics_is_inconclusive(page: Canned) -> None:
    with serving({"/health": Canned("ok"), "/metrics": page}) as server:
        finding = _examined(_of(server.url))["precondition/metrics-readable/shop"]
    assert finding.verdict is Verdict.INCONCLUSIVE


def test_an_environment_without_a_prometheus_declares_that_none_is_asked() -> None:
    with serving(_WELL) as server:
        finding = _examined(_of(server.url))["health/prometheus"]
    assert (finding.verdict, finding.expected) == (Verdict.PASS, "none is asked")


def test_a_prometheus_that_nobody_runs_is_inconclusive() -> None:
    with serving(_WELL) as server:
        finding = _examined(_of(server.url, nobody_listens_at()))["health/prometheus"]
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "cannot be reached" in finding.observed
    assert "leave prometheus: out of the environment's file if there is none" in finding.detail


@pytest.mark.parametrize(
    ("check", "declaration"),
    [
        ("health/shop", "declare `health: none` on the service shop"),
        ("precondition/metrics-readable/shop", "declare `metrics: none` on the service shop"),
    ],
)
def test_what_is_not_declared_absent_names_the_declaration(check: str, declaration: str) -> None:
    with serving({}) as server:
        services = {
            "helper": {"url": nobody_listens_at(), "health": "none", "metrics": "none"},
            "shop": {"url": server.url},
        }
        environment = Environment.model_validate({"environment": "test", "services": services})
        findings = {each.id: each for each in check_environment(environment, ["shop"])}
    assert "health/helper" not in findings
    assert findings[check].verdict is Verdict.INCONCLUSIVE
    assert declaration in findings[check].reason


_TWICE = '/api/v1/query?count(count by (instance) (up{job=~"shop"}) > 1)'


def test_two_replicas_of_prometheus_without_deduplication_are_named() -> None:
    answers = {
        "/api/v1/query?time()": Canned(json.dumps(_CLOCK)),
        '/api/v1/query?up{job=~"shop"}': Canned(json.dumps(vector(1, 1))),
        _TWICE: Canned(json.dumps(vector(1))),
        "/api/v1/targets": Canned(json.dumps(_TARGETS)),
    }
    with serving({**_WELL, **answers}) as server:
        scraping = _examined(_of(server.url, server.url))["precondition/scraped/shop"]
    assert scraping.verdict is Verdict.INCONCLUSIVE
    assert "1 of its targets stand twice: two replicas of Prometheus" in scraping.observed
    assert "deduplication" in scraping.detail


@pytest.mark.parametrize(("scraped", "is_well"), [(500.2, True), (502.0, False)])
def test_a_start_time_that_wavers_is_the_same_process_for_the_doctor(
    scraped: float, is_well: bool
) -> None:
    page = Canned("process_start_time_seconds 500.0\n", content_type="text/plain")
    start_times = '/api/v1/query?process_start_time_seconds{job=~"shop"}'
    answers = {
        "/api/v1/query?time()": Canned(json.dumps(_CLOCK)),
        '/api/v1/query?up{job=~"shop"}': Canned(json.dumps(vector(1))),
        start_times: Canned(json.dumps(vector(scraped))),
        _TWICE: Canned(json.dumps(vector())),
        "/api/v1/targets": Canned(json.dumps(_TARGETS)),
    }
    with serving({**_WELL, "/metrics": page, **answers}) as server:
        scraping = _examined(_of(server.url, server.url))["precondition/scraped/shop"]
    assert (scraping.verdict is Verdict.PASS) is is_well


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
        "/api/v1/query?time()": Canned(json.dumps(_CLOCK)),
        '/api/v1/query?up{job=~"shop"}': Canned(json.dumps(vector(*ups))),
        '/api/v1/query?process_start_time_seconds{job=~"shop"}': Canned(json.dumps(vector())),
        _TWICE: Canned(json.dumps(vector())),
        "/api/v1/targets": Canned(json.dumps(_TARGETS)),
    }
    with serving({**_WELL, **answers}) as server:
        findings = _examined(_of(server.url, server.url))
    assert findings["health/prometheus"].verdict is Verdict.PASS
    scraping = findings["precondition/scraped/shop"]
    assert (scraping.verdict, scraping.observed) == (verdict, observed)
    assert ("job_name: shop" in scraping.detail) is (verdict is not Verdict.PASS)
    # of another job's interval, which is in the targets too, nothing depends
    assert "every 5 s: settling takes about 15 s" in findings["settling/prometheus"].observed


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
    with serving({path: Canned(hangs=True) for path in ("/health", "/metrics")}) as server:
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
        "did not respond within 10 s"
        in findings["precondition/metrics-readable/onboarding"].observed
    )


def _doctored(shop: Shop, as_json: bool = False) -> int:
    with pytest.raises(typer.Exit) as ended:
        doctor(str(shop.environment), as_json, str(shop.scenario))
    return ended.value.exit_code


def test_a_scenario_whose_names_and_queries_are_known_passes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with counting_shop(tmp_path) as shop:
        _doctored(shop, as_json=True)
    findings = {each["id"]: each for each in json.loads(capsys.readouterr().out)["findings"]}
    scenario = {each for each in findings if each.startswith("scenario/")}
    assert scenario == {
        "scenario/payments/counter",
        "scenario/payments/database/main",
        "scenario/few-errors/promql",
    }
    assert {findings[each]["verdict"] for each in scenario} == {"pass"}
    assert shop.payments == 0


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (METRIC, "shop_payment_total", f"s.yaml:5: no service shows shop_payment_total, and "
         f"Prometheus has never seen it; did you mean {METRIC}?"),
        ("FROM payments", "FROM paid", "s.yaml:6: the database 'main' refuses the query: no such "
         "table: paid; correct the query"),
        ("by: [kind]", "by: [kinds]", "s.yaml:4: no series of shop_payments_total has the label "
         "kinds; did you mean kind?"),
    ],
)  # fmt: skip
def test_a_wrong_scenario_is_reported_with_file_and_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, words: str
) -> None:
    with counting_shop(tmp_path, old, new) as shop, pytest.raises(ConfigError) as error:
        doctor(str(shop.environment), False, str(shop.scenario))
    assert str(error.value).replace(f"{tmp_path}/", "").startswith(words)
    assert "✕ fail" in capsys.readouterr().out


def test_a_counter_that_nobody_has_seen_is_inconclusive(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with counting_shop(tmp_path, METRIC, "shop_refunds_total") as shop:
        assert _doctored(shop, as_json=True) == 3
    findings = {each["id"]: each for each in json.loads(capsys.readouterr().out)["findings"]}
    finding = findings["scenario/payments/counter"]
    assert finding["verdict"] == "inconclusive"
    assert "no service shows it yet, and Prometheus has never seen it" in finding["observed"]


def test_a_mistake_of_the_scenario_is_the_only_document_of_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with counting_shop(tmp_path, "by: [kind]", "by: [kinds]") as shop, pytest.raises(ConfigError):
        doctor(str(shop.environment), True, str(shop.scenario))
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("headers", "probe", "tried"),
    [
        ({"Authorization": "Bearer wrong"}, None, False),
        ({"X-Tenant-ID": "{{ tenant }}"}, None, False),
        ({"Authorization": "Bearer wrong"}, "/probe", True),
        ({}, None, None),
    ],
)
def test_headers_that_were_not_tried_are_reported_as_not_tried(
    headers: dict[str, str], probe: str | None, tried: bool | None
) -> None:
    with serving({**_WELL, "/probe": Canned("{}")}) as server:
        findings = _examined(
            Environment(
                environment="test",
                services={"shop": Service(url=server.url, probe=probe)},
                headers=headers,
            )
        )
    finding = findings.get("headers/shop")
    assert (finding and not finding.observed.startswith("not tried")) is tried
    assert not finding or ("Add probe" in finding.detail) is not tried


def _with_tokens(server: TokenServer) -> Environment:
    auth = Auth(oauth2=OAuth2(**server.auth))
    shop = Service(url=server.url, probe="/orders", metrics="none", auth=auth)
    return Environment(environment="test", services={"shop": shop})


def test_a_token_that_is_given_and_accepted_passes() -> None:
    with serving_tokens() as server:
        findings = _examined(_with_tokens(server))
    assert (findings["token/shop"].verdict, findings["token/shop"].observed) == (
        Verdict.PASS, "a token"
    )  # fmt: skip
    assert findings["headers/shop"].verdict is Verdict.PASS
    assert server.paths.count("/token") == 1


def test_the_token_of_a_usage_api_and_its_probe_are_tried() -> None:
    with serving_tokens() as server:
        api = Api(url=server.url, auth=Auth(oauth2=OAuth2(**server.auth)), probe="/v1/meters")
        environment = _of(server.url).model_copy(update={"apis": {"billing": api}})
        findings = _examined(environment)
    assert findings["token/billing"].verdict is Verdict.PASS
    assert findings["health/api/billing"].verdict is Verdict.PASS


def test_a_token_endpoint_that_refuses_fails_with_its_sentence() -> None:
    with serving_tokens(answer=lambda: (401, b'{"error": "invalid_client"}')) as server:
        findings = _examined(_with_tokens(server))
    assert findings["token/shop"].verdict is Verdict.FAIL
    assert findings["token/shop"].observed == (
        f"no token: {server.url}/token refused the client with status 401: invalid_client"
    )
    assert findings["token/shop"].detail == (
        "Correct services.shop.auth.oauth2 in the environment's file."
    )
    assert findings["headers/shop"].verdict is not Verdict.PASS
    assert server.paths.count("/token") == 1


def test_credentials_that_are_not_accepted_fail() -> None:
    with serving_tokens() as server:
        shop = Service(url=server.url, probe="/orders", metrics="none", auth=Auth(bearer="wr0ng"))
        findings = _examined(Environment(environment="test", services={"shop": shop}))
    assert findings["headers/shop"].verdict is Verdict.INCONCLUSIVE
    assert findings["headers/shop"].observed == "they are refused (401)"


def test_a_doctor_of_services_that_run_elsewhere_makes_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command that is killed removes nothing, so it must not have made anything."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    with counting_shop(tmp_path) as shop, pytest.raises(typer.Exit):
        doctor(str(shop.environment), as_json=False)
