"""Errors made by hand; the tests of the clients have real servers with and without TLS."""

import errno
import socket
import ssl

import pytest

from witnesses.connection_errors import Asked, causes_of, refusal_of, tls_error

_HTTP = Asked("http://shop.example:80/health", "services.shop.url", "ca_file", has_ca=False)
_HTTPS = Asked("https://shop.example/health", "services.shop.url", "ca_file", has_ca=False)
_WITH_CA = Asked("https://shop.example/health", "services.shop.url", "ca_file", has_ca=True)


def _caused(error: BaseException, *causes: BaseException) -> BaseException:
    """Return an error that was brought about by others, the nearest first."""
    nearest = error
    for cause in causes:
        nearest.__cause__ = cause
        nearest = cause
    return error


def _certificate_error(code: int, message: str = "a message") -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError("certificate verify failed")
    error.verify_code, error.verify_message = code, message
    return error


def _tls_error(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, "TLS failed")
    error.reason = reason
    return error


def test_causes_are_the_chain_that_brought_an_error_about_whether_stated_or_not() -> None:
    stated, implicit, raised = OSError("stated"), OSError("implicit"), RuntimeError("raised")
    raised.__cause__ = stated
    stated.__context__ = implicit
    assert list(causes_of(raised)) == [raised, stated, implicit]
    assert list(causes_of(None)) == []


def test_a_tls_error_is_found_among_the_causes() -> None:
    found = _tls_error("X")
    assert tls_error(_caused(RuntimeError(), OSError(), found)) is found
    assert tls_error(_caused(RuntimeError(), OSError())) is None


@pytest.mark.parametrize("code", [62, 64])
def test_a_certificate_of_another_name_is_corrected_in_the_address(code: int) -> None:
    refusal = refusal_of(_certificate_error(code), _HTTPS)
    assert refusal.what == "shows a certificate that is not for shop.example"
    assert refusal.remedy == "write a name of the certificate in services.shop.url"
    assert not refusal.is_theirs


@pytest.mark.parametrize("code", [9, 10])
def test_a_certificate_outside_of_its_validity_is_for_the_service_to_renew(code: int) -> None:
    refusal = refusal_of(_certificate_error(code, "certificate has expired"), _HTTPS)
    assert refusal.what == "shows a bad certificate (certificate has expired)"
    assert (refusal.remedy, refusal.is_theirs) == ("renew it", True)


def test_an_unknown_ca_is_to_be_named_or_to_be_another_one() -> None:
    unknown = _certificate_error(20)
    assert refusal_of(unknown, _HTTPS).remedy == "name the file of its CA in ca_file"
    assert refusal_of(unknown, _WITH_CA).remedy == "name another file in ca_file"
    assert not refusal_of(unknown, _HTTPS).is_theirs


@pytest.mark.parametrize("reason", ["WRONG_VERSION_NUMBER", "HTTP_REQUEST"])
def test_a_port_without_tls_needs_http_in_the_address(reason: str) -> None:
    refusal = refusal_of(_tls_error(reason), _HTTPS)
    assert refusal.what == "does not speak TLS"
    assert "http://" in refusal.remedy
    assert not refusal.is_theirs


def test_a_handshake_that_the_service_ends_is_its_own_fault() -> None:
    refusal = refusal_of(_tls_error("TLSV1_ALERT_INTERNAL_ERROR"), _HTTPS)
    assert refusal.what == "ended the TLS handshake (TLSV1_ALERT_INTERNAL_ERROR)"
    assert refusal.is_theirs


def test_the_first_cause_of_the_operating_system_is_the_reason() -> None:
    error = _caused(RuntimeError("outer"), OSError(5, "Vague"), OSError(111, "Connection refused"))
    refusal = refusal_of(error, _HTTP)
    assert refusal.what == "cannot be reached: connection refused"
    assert refusal.remedy == "start it, or correct services.shop.url"
    assert refusal.is_theirs


def test_a_connection_that_breaks_without_a_reason_may_want_tls() -> None:
    refusal = refusal_of(RuntimeError("peer closed"), _HTTP)
    assert refusal.what == "cannot be reached: the connection broke"
    assert refusal.remedy.endswith("with https:// if it speaks TLS")
    assert "https://" not in refusal_of(RuntimeError("peer closed"), _HTTPS).remedy


def test_a_host_without_an_address_is_ours_to_correct_and_is_named() -> None:
    unknown = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    refusal = refusal_of(_caused(RuntimeError(), unknown), _HTTP)
    assert refusal.what == "cannot be reached: shop.example: name or service not known"
    assert (refusal.remedy, refusal.is_theirs) == ("correct services.shop.url", False)


def test_a_client_certificate_that_is_asked_for_is_said_so() -> None:
    refusal = refusal_of(_tls_error("TLSV13_ALERT_CERTIFICATE_REQUIRED"), _HTTPS)
    assert refusal.what == "asks for a client certificate"
    assert not refusal.is_theirs


def test_too_many_open_files_are_ours_and_have_a_remedy() -> None:
    refusal = refusal_of(OSError(errno.EMFILE, "Too many open files"), _HTTP)
    assert refusal.what == "cannot be reached: too many open files here"
    assert "ulimit -n" in refusal.remedy
    assert not refusal.is_theirs
