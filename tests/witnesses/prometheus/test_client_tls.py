"""Prometheus' certificate is checked against the right CA, and a wrong one is reported."""

import json
from contextlib import closing
from pathlib import Path

import pytest

from config.prometheus import Prometheus
from tests.evidence_factory import vector
from tests.secured_servers import Certificates, Exchange, answering, sign
from witnesses.prometheus.client import PrometheusClient, PrometheusDown


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture(scope="module")
def certificates(folder: Path) -> Certificates:
    return sign(folder / "ours")


@pytest.fixture(scope="module")
def others(folder: Path) -> Certificates:
    return sign(folder / "others", "DNS:elsewhere.example")


def answer(exchange: Exchange) -> None:
    body = {**vector(1), "data": {**vector(1)["data"], "version": "3.5.0", "activeTargets": []}}
    exchange.say(json.dumps(body).encode())


def why(url: str, ca_file: Path | None = None) -> str:
    settings = Prometheus(url=url, timeout="5s", ca_file=str(ca_file) if ca_file else None)  # type: ignore[arg-type]
    with closing(PrometheusClient(settings)) as client:
        with pytest.raises(PrometheusDown) as raised:
            client.query("up", None)
        assert client.intervals_s() is None
        assert client.version() == ""
    return str(raised.value).replace(url, "URL")


def test_every_query_is_sent_by_tls_with_the_ca_of_the_settings(certificates: Certificates) -> None:
    with answering(answer, certificates) as heard:
        settings = Prometheus(url=heard.url, ca_file=str(certificates.ca))
        with closing(PrometheusClient(settings)) as client:
            assert client.query("up", None).result[0]["value"][1] == "1"
            assert client.intervals_s() == {}
            assert client.version() == "3.5.0"


def test_a_certificate_of_a_ca_that_nobody_named_is_refused(certificates: Certificates) -> None:
    with answering(answer, certificates) as heard:
        error = why(heard.url)
        assert heard.paths == []
    assert error.startswith(
        "Prometheus at URL shows a certificate that nobody trusted here signed ("
    )
    assert error.endswith("; name the file of its CA in prometheus.ca_file")


def test_a_certificate_of_another_ca_than_the_named_is_refused(
    certificates: Certificates, others: Certificates
) -> None:
    with answering(answer, certificates) as heard:
        error = why(heard.url, others.ca)
    assert "that nobody trusted here signed" in error
    assert error.endswith("; name another file in prometheus.ca_file")


def test_a_certificate_for_another_name_is_refused(others: Certificates) -> None:
    with answering(answer, others) as heard:
        assert why(heard.url, others.ca) == (
            "Prometheus at URL shows a certificate that is not for 127.0.0.1; "
            "write a name of the certificate in prometheus.url"
        )


def test_a_certificate_that_has_expired_is_refused(folder: Path) -> None:
    expired = sign(folder / "expired", days=-1)
    with answering(answer, expired) as heard:
        assert why(heard.url, expired.ca) == (
            "Prometheus at URL shows a bad certificate (certificate has expired); renew it"
        )


def test_tls_to_a_plain_port_has_http_as_its_remedy(certificates: Certificates) -> None:
    with answering(answer) as heard:
        assert why(heard.url.replace("http:", "https:"), certificates.ca) == (
            "Prometheus at URL does not speak TLS; write http:// in prometheus.url, or another port"
        )


def test_plain_http_to_a_tls_port_has_https_as_its_remedy(certificates: Certificates) -> None:
    with answering(answer, certificates) as heard:
        error = why(heard.url.replace("https:", "http:"))
    assert error.startswith("Prometheus at URL cannot be reached: ")
    assert error.endswith("with https:// if it speaks TLS")


def test_a_ca_file_that_was_deleted_since_it_was_read_is_reported(folder: Path) -> None:
    fleeting = sign(folder / "fleeting")
    with answering(answer, fleeting) as heard:
        settings = Prometheus(url=heard.url, ca_file=str(fleeting.ca))
        fleeting.ca.unlink()
        with closing(PrometheusClient(settings)) as client:
            with pytest.raises(PrometheusDown, match=r"see whether prometheus\.ca_file can still"):
                client.query("up", None)
            assert client.intervals_s() is None
            assert client.version() == ""
