"""Explain why Prometheus gave no usable response, with the remedy.

The sentences quote a response only with every secret of the settings redacted.
"""

from http import HTTPStatus

import requests

from config.network import Network
from config.prometheus import Prometheus
from config.redaction import Secrets, redact
from config.secrets import secrets_of_prometheus
from scenarios.http.bounded_json import decode_json
from scenarios.http.fetch import FetchFailed
from witnesses.connection_errors import (
    Asked,
    Refusal,
    redirect_target,
    refusal_of,
    tls_error,
)

_LONGEST = 200
_REJECTIONS = (HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY)
_CREDENTIALS = "prometheus.bearer_token or prometheus.basic_auth"
_REFUSED = {
    "bearer_token": "the token", "basic_auth": "the user or password", "oauth2": "the token",
}  # fmt: skip
_FILE = "in the environment's file"


def refusal_of_status(response: requests.Response, settings: Prometheus) -> Refusal:
    """Explain a response whose status is not 200."""
    status = response.status_code
    if response.is_redirect:
        remedy = f"correct prometheus.url, or set {_CREDENTIALS} {_FILE}"
        target = redirect_target(response.url, response.headers["Location"])
        goal = _redacted(target, settings, _LONGEST)
        return Refusal(f"sends elsewhere ({status}), to {goal}", remedy)
    reason = _reason(response, settings)
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return _of_credentials(f"({status}{reason})", settings)
    if status == HTTPStatus.BAD_REQUEST and b"HTTPS" in response.content[:_LONGEST]:
        return Refusal(f"speaks TLS only ({status}{reason})", "write https:// in prometheus.url")
    usual = "read its log" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else ""
    return Refusal(f"responded {status}{reason}", _REMEDIES.get(status, usual))


def is_rejection(response: requests.Response) -> bool:
    """Return whether the query itself was rejected: it cannot be parsed, or not be evaluated."""
    if response.status_code not in _REJECTIONS:
        return False
    try:
        return bool(decode_json(response.content)["errorType"])
    except (ValueError, KeyError, TypeError):
        return False


def refusal_of_content(response: requests.Response | None, settings: Prometheus) -> Refusal:
    """Explain a response with status 200 that is not one of the query API."""
    kind, length = "nothing", 0
    if response is not None:
        kind = _redacted(response.headers.get("Content-Type", ""), settings) or "no content type"
        length = len(response.content)
    remedy = "see whether prometheus.url leads to something else, like a login page"
    return Refusal(f"does not respond as Prometheus does: {kind}, {length:,} bytes", remedy)


def refusal_of_error(error: OSError, settings: Prometheus, network: Network) -> Refusal:
    """Explain why no response came, or only a part of one."""
    if isinstance(error, requests.Timeout):
        remedy = "see whether it is overloaded, or raise prometheus.timeout"
        return Refusal(f"did not respond in time, within {settings.timeout:g} s", remedy)
    ca_key = "ca_file" if network.ca_file and not settings.ca_file else "prometheus.ca_file"
    has_ca = bool(settings.ca_file or network.ca_file)
    asked = Asked(settings.url, "prometheus.url", ca_key, has_ca)
    if tls_error(error):
        return refusal_of(error, asked)
    if isinstance(error.__cause__, FetchFailed):
        return refusal_of(error.__cause__, asked)
    if isinstance(error, requests.RequestException):
        return refusal_of(error, asked)
    return Refusal("cannot be asked", "see whether prometheus.ca_file can still be read")


_REMEDIES = {
    404: "write in prometheus.url the path, too, that /api/v1 lies below",
    429: "let it stand more queries, or try again later",
    502: "see whether Prometheus runs behind its proxy",
    503: "wait until it is ready, or read its log",
}


def _of_credentials(status: str, settings: Prometheus) -> Refusal:
    keys = settings.credentials()
    if not keys:
        return Refusal(f"wants to know who asks {status}", f"set {_CREDENTIALS} {_FILE}")
    what = _REFUSED.get(keys[0], keys[0])
    return Refusal(f"refused {what} {status}", f"set prometheus.{keys[0]} right {_FILE}")


def _reason(response: requests.Response, settings: Prometheus) -> str:
    """Return the reason that a response gives, after a colon, or "" where it is an HTML page."""
    try:
        reason = str(decode_json(response.content)["error"])
    except (ValueError, KeyError, TypeError):
        is_text = response.headers.get("Content-Type", "").startswith("text/plain")
        reason = response.content.decode(errors="replace") if is_text else ""
    reason = " ".join(reason.split())
    short = _redacted(reason, settings, _LONGEST)
    return f": {short if len(reason) <= _LONGEST else f'{short}…'}" if short else ""


def _redacted(text: str, settings: Prometheus, length: int | None = None) -> str:
    text = redact(text, Secrets.of_process(secrets_of_prometheus(settings)), length)
    return "".join(each if each.isprintable() or each.isspace() else "?" for each in text)
