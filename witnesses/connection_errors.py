"""Explain why an address gave no response, and who has to fix it."""

import errno
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from socket import gaierror
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

import h11

from scenarios.http.fetch import ResponseUnusable
from scenarios.http.token_request import TokenRefused

# Of OpenSSL's x509_vfy.h; Python has no names for them.
_NOT_YET_VALID, _EXPIRED = 9, 10
_OTHER_NAMES = (62, 64)
_NO_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST", "UNEXPECTED_MESSAGE")
_NO_CLIENT_CERTIFICATE = (
    "TLSV13_ALERT_CERTIFICATE_REQUIRED", "TLSV1_ALERT_CERTIFICATE_REQUIRED",
)  # fmt: skip
_MAX_ADDRESS_CHARACTERS = 200
_NO_FILES = (errno.EMFILE, errno.ENFILE)


class Refusal(NamedTuple):
    """What came instead of a response, and what to do about it; either is part of a sentence.

    `is_theirs` tells that what was asked is at fault, and not how we ask.
    """

    what: str
    remedy: str = ""
    is_theirs: bool = False


@dataclass(frozen=True)
class Asked:
    """An address, and the keys of the environment's file that say it and the CA to trust."""

    url: str
    url_key: str
    ca_key: str
    has_ca: bool


def redirect_target(url: str, location: str) -> str:
    """Return where a redirect leads, without user and query, which may hold secrets.

    >>> redirect_target("http://shop.example/metrics", "/login?token=7")
    'http://shop.example/login'
    """
    try:
        parts = urlsplit(urljoin(url, location))
    except ValueError:
        return "an address that cannot be read"
    host = parts.netloc.rpartition("@")[2]
    address = parts._replace(netloc=host, query="", fragment="").geturl()
    # never a part of it: half a secret would not be redacted
    is_long = len(address) > _MAX_ADDRESS_CHARACTERS
    return f"an address of {len(address):,} characters" if is_long else address


def causes_of(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and what brought it about, the last first."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def tls_error(error: BaseException) -> ssl.SSLError | None:
    """Return the TLS error among the causes of an error, if there is one."""
    return next((each for each in causes_of(error) if isinstance(each, ssl.SSLError)), None)


def refusal_of_tls(error: ssl.SSLError, asked: Asked) -> Refusal:
    """Explain why no TLS connection came about."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _of_certificate(error, asked)
    if error.reason in _NO_TLS:
        return Refusal("does not speak TLS", f"write http:// in {asked.url_key}, or another port")
    if error.reason in _NO_CLIENT_CERTIFICATE:
        what = "asks for a client certificate"
        return Refusal(what, "name one in certificate, of auth or of prometheus")
    return Refusal(
        f"ended the TLS handshake ({error.reason})", "read its log, or its proxy's", is_theirs=True
    )


def _of_certificate(error: ssl.SSLCertVerificationError, asked: Asked) -> Refusal:
    if error.verify_code in _OTHER_NAMES:
        what = f"shows a certificate that is not for {urlsplit(asked.url).hostname}"
        return Refusal(what, f"write a name of the certificate in {asked.url_key}")
    if error.verify_code in (_NOT_YET_VALID, _EXPIRED):
        what = f"shows a bad certificate ({error.verify_message})"
        return Refusal(what, "renew it", is_theirs=True)
    remedy = "name another file in" if asked.has_ca else "name the file of its CA in"
    what = f"shows a certificate that nobody trusted here signed ({error.verify_message})"
    return Refusal(what, f"{remedy} {asked.ca_key}")


def refusal_of_connection(error: BaseException, asked: Asked) -> Refusal:
    """Explain why no connection came about, or why it broke.

    The first cause of the operating system tells most; a broken connection may have none.
    """
    causes = list(causes_of(error))
    reasons = (each.strerror for each in reversed(causes) if isinstance(each, OSError))
    reason = next(filter(None, reasons), "the connection broke")
    reason = f"{reason[0].lower()}{reason[1:]}"
    if any(isinstance(each, gaierror) for each in causes):
        host = urlsplit(asked.url).hostname
        return Refusal(f"cannot be reached: {host}: {reason}", f"correct {asked.url_key}")
    remedy = f"start it, or correct {asked.url_key}"
    if any(each.errno in _NO_FILES for each in causes if isinstance(each, OSError)):
        return Refusal(f"cannot be reached: {reason} here", "raise the limit, as by ulimit -n 4096")
    if any(isinstance(each, h11.RemoteProtocolError) for each in causes):
        return Refusal(
            "does not respond in HTTP/1.1",
            f"write an address in {asked.url_key} that does; HTTP/2 alone is not supported",
        )
    is_refused = any(isinstance(each, ConnectionRefusedError) for each in causes)
    if asked.url.startswith("http://") and not is_refused:
        remedy += ", with https:// if it speaks TLS"
    return Refusal(f"cannot be reached: {reason}", remedy, is_theirs=True)


def refusal_of(error: BaseException, asked: Asked) -> Refusal:
    """Explain why an address gave no response, or none that is used."""
    if isinstance(error, ResponseUnusable):
        what = f"sent a response that is not used: {error}"
        return Refusal(what, f"see whether {asked.url_key} leads to it", is_theirs=True)
    if isinstance(error.__cause__, TokenRefused):
        return Refusal(f"was not asked: {error}", "correct oauth2 in the environment's file")
    of_tls = tls_error(error)
    return refusal_of_tls(of_tls, asked) if of_tls else refusal_of_connection(error, asked)
