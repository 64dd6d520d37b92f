from dataclasses import replace
from pathlib import Path

import pytest

from checks.case import read_case
from checks.health import judge_health, judge_status, services_are_healthy
from checks.result import Finding
from checks.verdict import Verdict
from config.environment import Environment
from config.services import Service
from scenarios.evidence.run_folder import RunFolder
from tests.evidence_factory import EVERYTHING_IS_WELL, write_health, write_run
from tests.tiny_server import Canned, nobody_listens_at, serving
from witnesses.health.collector import collect_health
from witnesses.health.status import EndpointResponse
from witnesses.model import Moment


def _environment(url: str) -> Environment:
    return Environment(environment="test", services={"shop": Service(url=url)})


def _judged(folder: RunFolder) -> list[Finding]:
    return list(judge_health(read_case(folder)).findings)


def test_a_service_that_was_well_at_both_moments_passes(tmp_path: Path) -> None:
    folder = write_run(tmp_path)
    with serving({"/health": Canned('{"status": "ok"}')}) as server:
        for moment in Moment:
            collect_health(_environment(server.url), "acme", moment, folder)
    assert services_are_healthy(folder)
    assert [(each.id, each.verdict) for each in _judged(folder)] == [
        ("health/shop/before", Verdict.PASS),
        ("clock/shop", Verdict.PASS),
        ("health/shop/after", Verdict.PASS),
    ]


def test_a_service_that_was_unwell_fails_with_its_status_and_address(tmp_path: Path) -> None:
    folder = write_run(tmp_path)
    with serving({"/health": Canned("overloaded", 503)}) as server:
        collect_health(_environment(server.url), "acme", Moment.BEFORE, folder)
    assert not services_are_healthy(folder)
    finding = _judged(folder)[0]
    assert (finding.verdict, finding.observed) == (Verdict.FAIL, "status 503")
    assert "/health" in finding.detail


@pytest.mark.parametrize("status", [404, 405, 410, 501])
def test_a_service_without_the_endpoint_is_inconclusive_until_that_is_declared(
    tmp_path: Path, status: int
) -> None:
    folder = write_run(tmp_path)
    with serving({"/health": Canned("no such path", status)}) as server:
        collect_health(_environment(server.url), "acme", Moment.BEFORE, folder)
        assert not services_are_healthy(folder)
        finding = _judged(folder)[0]
        assert (finding.verdict, finding.observed) == (Verdict.INCONCLUSIVE, f"status {status}")
        assert "declare `health: none` on the service shop" in finding.reason
        service = Service(url=server.url, health="none")
        declared = Environment(environment="test", services={"shop": service})
        collect_health(declared, "acme", Moment.BEFORE, folder)
    assert services_are_healthy(folder)


def test_what_is_declared_absent_and_not_contacted_is_not_asked_and_no_finding(
    tmp_path: Path,
) -> None:
    folder = write_run(tmp_path)
    with serving({"/health": Canned("ok")}) as server:
        services = {"shop": Service(url=server.url), "till": Service(url=server.url, health="none")}
        environment = Environment(environment="test", services=services)
        for moment in Moment:
            collect_health(environment, "acme", moment, folder, ["shop"])
        assert server.asked == ["/health"] * 2
    folder.write_run(replace(folder.read_run(), services=dict.fromkeys(services, server.url)))
    assert services_are_healthy(folder)
    assert [each.id for each in _judged(folder)] == [
        "health/shop/before", "clock/shop", "health/shop/after"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("more", "contacted", "asked"),
    [
        ({"health": "none"}, ["shop"], ["/"]),
        ({"health": "none"}, None, ["/"]),
        ({"health": "none", "ready": "/ready"}, [], ["/", "/ready"]),
        ({"health": "none"}, [], []),
        ({}, [], ["/health"]),
    ],
)
def test_a_service_is_asked_unless_it_has_nothing_to_ask_and_the_flow_sends_nothing_there(
    tmp_path: Path, more: dict[str, str], contacted: list[str] | None, asked: list[str]
) -> None:
    with serving({}) as server:
        service = Service.model_validate({"url": server.url, **more})
        environment = Environment(environment="test", services={"shop": service})
        collect_health(environment, "acme", Moment.BEFORE, RunFolder(tmp_path), contacted)
    assert server.asked == asked


def test_a_service_that_cannot_be_reached_fails(tmp_path: Path) -> None:
    folder = write_run(tmp_path)
    collect_health(_environment(nobody_listens_at()), "acme", Moment.BEFORE, folder)
    assert not services_are_healthy(folder)
    finding = _judged(folder)[0]
    assert finding.verdict is Verdict.FAIL
    assert finding.observed == "it cannot be reached: connection refused"
    assert "start it, or correct services.shop.url" in finding.detail


def test_services_that_were_never_asked_are_not_healthy(tmp_path: Path) -> None:
    assert not services_are_healthy(write_run(tmp_path))


@pytest.mark.parametrize("content", [None, b"", b"{", b"[]"])
def test_a_service_that_was_not_asked_afterwards_is_inconclusive(
    tmp_path: Path, content: bytes | None
) -> None:
    folder = write_run(tmp_path)
    write_health(folder, "before", {"shop": EVERYTHING_IS_WELL})
    if content is not None:
        folder.write_witness_file("health-after.json", content)
    before, after = _judged(folder)
    assert before.verdict is Verdict.PASS
    assert (after.verdict, after.observed) == (Verdict.INCONCLUSIVE, "it was not asked")


def _judged_status(**reported: EndpointResponse | float | None) -> dict[str, Finding]:
    status = replace(EVERYTHING_IS_WELL, **reported)  # type: ignore[arg-type]
    return {each.id: each for each in judge_status("shop", status, at=0.0)}


@pytest.mark.parametrize(
    ("skew_s", "verdict"),
    [
        (0.0, Verdict.PASS),
        (2.0, Verdict.PASS),
        (-2.0, Verdict.PASS),
        (2.001, Verdict.INCONCLUSIVE),
        (-2.001, Verdict.INCONCLUSIVE),
    ],
)
def test_a_clock_may_be_two_seconds_from_ours_and_no_more(skew_s: float, verdict: Verdict) -> None:
    assert _judged_status(clock_skew_s=skew_s)["clock/shop"].verdict is verdict


def test_a_clock_that_agrees_is_never_a_negative_zero_off() -> None:
    assert _judged_status(clock_skew_s=-0.3)["clock/shop"].observed == "+0 s"


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (200, Verdict.PASS),
        (404, Verdict.PASS),
        (401, Verdict.INCONCLUSIVE),
        (403, Verdict.INCONCLUSIVE),
        (499, Verdict.PASS),
        (500, Verdict.FAIL),
        (None, Verdict.FAIL),
    ],
)
def test_a_probe_shows_whether_the_headers_are_accepted(
    status: int | None, verdict: Verdict
) -> None:
    probe = EndpointResponse("http://shop.example/", status, error="cannot be reached")
    assert _judged_status(probe=probe)["headers/shop"].verdict is verdict


@pytest.mark.parametrize("days", [-1, 0, 13])
def test_a_certificate_of_less_than_two_weeks_is_to_be_renewed(days: int) -> None:
    finding = _judged_status(certificate_until=(days + 0.5) * 86_400)["health/shop"]
    assert finding.verdict is Verdict.PASS
    assert finding.detail == f"{max(0, days)} days are left: renew it."


def test_a_certificate_of_two_weeks_is_not_to_be_renewed_yet() -> None:
    finding = _judged_status(certificate_until=14.0 * 86_400)["health/shop"]
    assert finding.observed == "status 200, certificate valid until 1970-01-15"
    assert finding.detail == ""


@pytest.mark.parametrize(
    ("status", "verdict"), [(200, Verdict.PASS), (204, Verdict.FAIL), (503, Verdict.FAIL)]
)
def test_only_status_200_is_ready(status: int, verdict: Verdict) -> None:
    ready = EndpointResponse("http://shop.example/ready", status, "no database")
    finding = _judged_status(ready=ready)["readiness/shop"]
    assert finding.verdict is verdict
    assert ("no database" in finding.detail) is (verdict is Verdict.FAIL)
