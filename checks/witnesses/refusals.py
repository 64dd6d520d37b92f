"""Why did Prometheus give no usable answer, and what is the remedy?

The sentences tell an answer's own words only with every secret of the settings blotted out.
"""

import json
import ssl
from collections.abc import Iterator
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

import requests
from urllib3.exceptions import ReadTimeoutError

from config.prometheus import Prometheus
from config.secrets import blot_out, secrets_of_prometheus

_LONGEST = 200
# Of OpenSSL's x509_vfy.h; Python has no names for them.
_NOT_YET_VALID, _EXPIRED = 9, 10
_OTHER_NAMES = (62, 64)
_CREDENTIALS = "prometheus.bearer_token or prometheus.basic_auth"
_FILE = "in the environment's file"


class Refusal(NamedTuple):
    """What came instead of an answer, and what to do about it; either is part of a sentence."""

    what: str
    remedy: str = ""


def refusal_of_status(answer: requests.Response, settings: Prometheus) -> Refusal:
    """Say what an answer means whose status is not 200."""
    status = answer.status_code
    if answer.is_redirect:
        remedy = f"correct prometheus.url, or set {_CREDENTIALS} {_FILE}"
        return Refusal(f"sends elsewhere ({status}), to {_goal(answer, settings)}", remedy)
    reason = _reason(answer, settings)
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return _of_credentials(f"({status}{reason})", settings)
    if status == HTTPStatus.BAD_REQUEST and b"HTTPS" in answer.content[:_LONGEST]:
        return Refusal(f"speaks TLS only ({status}{reason})", "write https:// in prometheus.url")
    usual = "read its log" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else ""
    return Refusal(f"answered {status}{reason}", _REMEDIES.get(status, usual))


def refusal_of_content(answer: requests.Response | None, settings: Prometheus) -> Refusal:
    """Say what came with status 200 and is no answer of the query interface."""
    kind, length = "nothing", 0
    if answer is not None:
        kind = _blotted(answer.headers.get("Content-Type", ""), settings) or "no content type"
        length = len(answer.content)
    remedy = "see whether prometheus.url leads to something else, like a login page"
    return Refusal(f"does not answer as Prometheus does: {kind}, {length:,} bytes", remedy)


def refusal_of_error(error: OSError, settings: Prometheus) -> Refusal:
    """Say why no answer came, or not all of it."""
    causes = list(_causes(error))
    if any(isinstance(each, requests.Timeout | ReadTimeoutError) for each in causes):
        remedy = "see whether it is overloaded, or raise prometheus.timeout"
        return Refusal(f"did not answer in time, within {settings.timeout:g} s", remedy)
    for cause in causes:
        if isinstance(cause, ssl.SSLError):
            return _of_tls(cause, settings)
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return Refusal("broke its answer off in the middle", "read its log, or its proxy's")
    if isinstance(error, requests.exceptions.ContentDecodingError):
        return Refusal("packs its answer in a way that cannot be undone", "see to its proxy")
    if isinstance(error, requests.RequestException):
        return _of_connection(causes, settings)
    return Refusal("cannot be asked", "see whether prometheus.ca_file can still be read")


_REMEDIES = {
    404: "write in prometheus.url the path, too, that /api/v1 lies below",
    429: "let it stand more queries, or try again later",
    502: "see whether Prometheus runs behind its proxy",
    503: "wait until it is ready, or read its log",
}


def _of_credentials(told: str, settings: Prometheus) -> Refusal:
    keys = settings.credentials()
    if not keys:
        return Refusal(f"wants to know who asks {told}", f"set {_CREDENTIALS} {_FILE}")
    what = {"bearer_token": "the token", "basic_auth": "the user or password"}.get(keys[0], keys[0])
    return Refusal(f"refused {what} {told}", f"set prometheus.{keys[0]} right {_FILE}")


def _of_tls(error: ssl.SSLError, settings: Prometheus) -> Refusal:
    if isinstance(error, ssl.SSLCertVerificationError):
        return _of_certificate(error, settings)
    if error.reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST"):
        return Refusal("does not speak TLS", "write http:// in prometheus.url, or another port")
    return Refusal(f"ended the TLS handshake ({error.reason})", "read its log, or its proxy's")


def _of_certificate(error: ssl.SSLCertVerificationError, settings: Prometheus) -> Refusal:
    if error.verify_code in _OTHER_NAMES:
        what = f"shows a certificate that is not for {urlsplit(settings.url).hostname}"
        return Refusal(what, "write a name of the certificate in prometheus.url")
    if error.verify_code in (_NOT_YET_VALID, _EXPIRED):
        return Refusal(f"shows a bad certificate ({error.verify_message})", "renew it")
    remedy = "name another file in" if settings.ca_file else "name the file of its CA in"
    what = f"shows a certificate that nobody trusted here signed ({error.verify_message})"
    return Refusal(what, f"{remedy} prometheus.ca_file")


def _of_connection(causes: list[BaseException], settings: Prometheus) -> Refusal:
    """The first cause of the operating system tells most; a broken connection may have none."""
    told = (each.strerror for each in reversed(causes) if isinstance(each, OSError))
    reason = next(filter(None, told), "the connection broke")
    remedy = "start it, or correct prometheus.url"
    if settings.url.startswith("http://") and "refused" not in reason:
        remedy += ", with https:// if it speaks TLS"
    return Refusal(f"cannot be reached: {reason[0].lower()}{reason[1:]}", remedy)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _goal(answer: requests.Response, settings: Prometheus) -> str:
    """Return where a redirect leads, without what may be secret in it: a user, a query."""
    parts = urlsplit(urljoin(answer.url, answer.headers["Location"]))
    host = parts.netloc.rpartition("@")[2]
    return _blotted(f"{parts.scheme}://{host}{parts.path}", settings)[:_LONGEST]


def _reason(answer: requests.Response, settings: Prometheus) -> str:
    """Return what an answer gives as its reason, after a colon, or "" where that is a page."""
    try:
        told = str(json.loads(answer.content)["error"])
    except (ValueError, KeyError, TypeError):
        is_text = answer.headers.get("Content-Type", "").startswith("text/plain")
        told = answer.content.decode(errors="replace") if is_text else ""
    told = " ".join(_blotted(told, settings).split())
    told = told if len(told) <= _LONGEST else f"{told[:_LONGEST]}…"
    return f": {told}" if told else ""


def _blotted(text: str, settings: Prometheus) -> str:
    text = blot_out(text, secrets_of_prometheus(settings))
    return "".join(each if each.isprintable() or each.isspace() else "?" for each in text)
