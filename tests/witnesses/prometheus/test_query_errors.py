"""Errors of queries name the cause and the remedy, and never a secret."""

import json
import logging
import traceback
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.evidence_factory import write_run
from tests.secured_servers import Exchange, answering
from tests.witnesses.prometheus.secrets_of_prometheus import (
    BASIC,
    KEY,
    PASSWORD,
    SECRETS,
    TOKEN,
    echo,
    echo_in_text,
    settings_of,
)
from witnesses.model import Moment
from witnesses.prometheus.client import PrometheusClient, PrometheusDown
from witnesses.prometheus.collector import PrometheusCollector
from witnesses.prometheus.service_targets import ServiceTargets

_SHOP = ServiceTargets.of_jobs("shop")


@pytest.mark.parametrize(
    ("status", "stated", "error"),
    [
        (
            401,
            {},
            "wants to know who asks (401: no org id); "
            "set prometheus.bearer_token or prometheus.basic_auth in the environment's file",
        ),
        (
            401,
            {"bearer_token": TOKEN},
            "refused the token (401: no org id); "
            "set prometheus.bearer_token right in the environment's file",
        ),
        (
            403,
            {"basic_auth": BASIC},
            "refused the user or password (403: no org id); "
            "set prometheus.basic_auth right in the environment's file",
        ),
        (
            401,
            {"headers": {"Authorization": KEY}},
            "refused headers.Authorization (401: no org id); "
            "set prometheus.headers.Authorization right in the environment's file",
        ),
    ],
)
def test_a_refusal_names_what_was_refused_and_where_it_is_set(
    status: int, stated: dict[str, object], error: str
) -> None:
    def refuse(exchange: Exchange) -> None:
        exchange.say(b"no org id\n", status, Content_Type="text/plain")

    with (
        answering(refuse) as heard,
        closing(PrometheusClient(settings_of(heard.url, **stated))) as client,
        pytest.raises(PrometheusDown) as raised,
    ):
        client.query("up", None)
    assert str(raised.value) == f"Prometheus at {heard.url} {error}"


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("file:///etc/passwd", "file:///etc/passwd"),
        ("javascript:alert(1)", "javascript:alert(1)"),
        ("http://[::1", "an address that cannot be read"),
        (f"http://sso.example/{'a' * 9000}", "an address of 9,019 characters"),
    ],
)
def test_an_odd_redirect_is_named(location: str, shown: str) -> None:
    with (
        answering(lambda each: each.say(b"", 302, Location=location)) as heard,
        closing(PrometheusClient(settings_of(heard.url))) as client,
        pytest.raises(PrometheusDown) as raised,
    ):
        client.query("up", None)
    assert raised.value.what == f"Prometheus at {heard.url} sends elsewhere (302), to {shown}"


def _echo_in_json(exchange: Exchange) -> None:
    exchange.say(json.dumps({"error": echo(exchange).decode()}).encode(), 500)


def _echo_in_redirect(exchange: Exchange) -> None:
    shown = exchange.headers.get("Authorization", "")
    exchange.say(b"", 302, Location=f"/login/{shown}/{KEY}")


def _echo_quoted(exchange: Exchange) -> None:
    shown = PASSWORD if "Basic" in exchange.headers.get("Authorization", "") else TOKEN
    quoted = " ".join(quote(each, safe=safe) for each in (shown, KEY) for safe in ("", "/"))
    exchange.say(quoted.encode(), 403, Content_Type="text/plain")


def _echo_where_it_is_cut_off(exchange: Exchange) -> None:
    words = echo(exchange).split()
    exchange.say(b" " * 1_990 + b"x" * 195 + words[-1], 403, Content_Type="text/plain")


def _echo_in_content_type(exchange: Exchange) -> None:
    exchange.say(echo(exchange), Content_Type=exchange.headers.get("X-Key", ""))


def _echo_and_break_off(exchange: Exchange) -> None:
    exchange.say(echo(exchange), Content_Length="100000")
    exchange.hang_up()


@pytest.mark.parametrize("stated", [{"bearer_token": TOKEN}, {"basic_auth": BASIC}])
@pytest.mark.parametrize(
    "answer",
    [
        echo_in_text,
        _echo_in_json,
        _echo_in_redirect,
        _echo_quoted,
        _echo_where_it_is_cut_off,
        _echo_in_content_type,
        _echo_and_break_off,
    ],
)
def test_no_secret_is_shown_even_if_the_response_holds_all_of_them(
    answer: object, stated: dict[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    assert callable(answer)
    with answering(answer) as heard:
        settings = settings_of(heard.url, headers={"X-Key": KEY}, **stated)
        with closing(PrometheusClient(settings)) as client:
            with pytest.raises(PrometheusDown) as raised:
                client.query("up", None)
            assert client.intervals_s() is None
            assert client.version() == ""
    shown = "".join(traceback.format_exception(raised.value)) + caplog.text + repr(settings)
    assert [secret for secret in SECRETS if secret in shown] == []
    assert raised.value.remedy


def test_no_secret_is_in_the_evidence_of_a_prometheus_that_refused_it(tmp_path: Path) -> None:
    folder = write_run(tmp_path)
    with answering(echo_in_text) as heard:
        settings = settings_of(heard.url, headers={"X-Key": KEY}, basic_auth=BASIC)
        with closing(PrometheusClient(settings)) as client:
            checks = folder.read_scenario().checks.promql
            collector = PrometheusCollector(client, _SHOP, folder, promql=checks)
            collector.wait_for_baseline()
            assert "refused the user or password" in collector.collection.error
            collector.collect(Moment.AFTER, folder)
    assert checks
    assert "refused the user or password" in collector.collection.error
    kept = [path.read_text() for path in tmp_path.rglob("*") if path.is_file()]
    assert any("refused the user or password" in text for text in kept)
    assert [secret for secret in SECRETS for text in kept if secret in text] == []


def test_a_secret_is_redacted_and_the_rest_of_the_reason_stands() -> None:
    def refuse(exchange: Exchange) -> None:
        exchange.say(f"unknown token {TOKEN}".encode(), 401, Content_Type="text/plain")

    with (
        answering(refuse) as heard,
        closing(PrometheusClient(settings_of(heard.url, bearer_token=TOKEN))) as client,
        pytest.raises(PrometheusDown, match=r"\(401: unknown token \*\*\*\)"),
    ):
        client.query("up", None)
