"""Why did Prometheus give no usable answer, and what is the remedy?

The sentences tell an answer's own words only with every secret of the settings blotted out.
"""

import json
from http import HTTPStatus
from urllib.parse import urljoin, urlsplit

import requests
from urllib3.exceptions import ReadTimeoutError

from config.network import Network
from config.prometheus import Prometheus
from config.secrets import blot_out, secrets_of_prometheus
from witnesses.connection_errors import (
    Asked,
    Refusal,
    causes_of,
    refusal_of,
    tls_error,
)

_LONGEST = 200
_CREDENTIALS = "prometheus.bearer_token or prometheus.basic_auth"
_FILE = "in the environment's file"


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


def refusal_of_error(error: OSError, settings: Prometheus, network: Network) -> Refusal:
    """Say why no answer came, or not all of it."""
    if any(isinstance(each, requests.Timeout | ReadTimeoutError) for each in causes_of(error)):
        remedy = "see whether it is overloaded, or raise prometheus.timeout"
        return Refusal(f"did not answer in time, within {settings.timeout:g} s", remedy)
    asked = _asked(settings, network)
    if tls_error(error):
        return refusal_of(error, asked)
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return Refusal("broke its answer off in the middle", "read its log, or its proxy's")
    if isinstance(error, requests.exceptions.ContentDecodingError):
        return Refusal("packs its answer in a way that cannot be undone", "see to its proxy")
    if isinstance(error, requests.RequestException):
        return refusal_of(error, asked)
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


def _asked(settings: Prometheus, network: Network) -> Asked:
    ca_key = "ca_file" if network.ca_file and not settings.ca_file else "prometheus.ca_file"
    has_ca = bool(settings.ca_file or network.ca_file)
    return Asked(settings.url, "prometheus.url", ca_key, has_ca)


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
