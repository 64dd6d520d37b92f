"""What does a service say when it is asked how it is? Its health, its readiness, its clock.

One question each, with what shows who asks only where that is the question.
"""

import ssl
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
from pydantic import TypeAdapter

from config.environment import Environment, Service
from config.secrets import blot_out
from scenarios.http.transport import open_client
from scenarios.language.templates import compile_text
from witnesses.connection_errors import Asked, refusal_of

TIMEOUT_S = 5.0

_HEAD = 200
_TICK_S = 1.0  # the Date header has whole seconds


@dataclass(frozen=True)
class Said:
    """What came back from one path: a status and the head of the answer, or why there is none."""

    url: str
    status: int | None = None
    head: str = ""
    trouble: str = ""
    remedy: str = ""
    is_theirs: bool = True


@dataclass(frozen=True)
class Reached:
    """What a service said at one moment; what was not asked is None.

    `certificate_until` is when its certificate ends, in epoch seconds. `clock_skew_s` is its clock
    minus ours.
    """

    health: Said
    ready: Said | None = None
    probe: Said | None = None
    version: str = ""
    certificate_until: float | None = None
    clock_skew_s: float | None = None


def ask_services(environment: Environment, tenant: str) -> dict[str, Reached]:
    """Ask each service how it is, and whether it accepts the headers of a tenant's requests.

    All at once: several that do not answer take no longer than one.
    """
    names = list(environment.services)
    with (
        open_client(environment.network, TIMEOUT_S) as client,
        ThreadPoolExecutor(len(names)) as threads,
    ):
        asked = threads.map(lambda name: _Questions(client, environment, name, tenant).ask(), names)
        return dict(zip(names, asked, strict=True))


class _Questions:
    """The questions to one service."""

    def __init__(
        self, client: httpx.Client, environment: Environment, name: str, tenant: str
    ) -> None:
        self._client = client
        self._service: Service = environment.services[name]
        self._environment = environment
        self._asked = Asked(
            self._service.url, f"services.{name}.url", "ca_file", bool(environment.ca_file)
        )
        self._headers = {
            key: compile_text(value)({"tenant": tenant})
            for key, value in environment.headers.items()
            if "tenant" in value or "{{" not in value
        }

    def ask(self) -> Reached:
        """Ask all; of a service that gives no answer nothing further is asked."""
        before_at = time.time()
        answer, health = self._ask(self._service.health)
        if answer is None:
            return Reached(health)
        midway_at = (before_at + time.time()) / 2
        service = self._service
        return Reached(
            health=health,
            ready=self._ask(service.ready)[1] if service.ready else None,
            probe=self._ask(service.probe, self._headers)[1] if service.probe else None,
            version=_version(answer),
            certificate_until=_certificate_until(answer),
            clock_skew_s=_clock_skew_s(answer, midway_at),
        )

    def _ask(
        self, path: str, headers: Mapping[str, str] | None = None
    ) -> tuple[httpx.Response | None, Said]:
        url = self._service.url + path
        try:
            with self._client.stream("GET", url, headers=dict(headers or {})) as answer:
                answer.extensions["certificate"] = _certificate(answer)
                answer.read()
        except httpx.TimeoutException:
            remedy = "see whether it is overloaded, and read its log"
            return None, Said(url, trouble=f"gave no answer within {TIMEOUT_S:g} s", remedy=remedy)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            what, remedy, is_theirs = refusal_of(error, self._asked)
            return None, Said(url, trouble=what, remedy=remedy, is_theirs=is_theirs)
        head = blot_out(answer.text, self._environment.secrets())[:_HEAD]
        return answer, Said(url, status=answer.status_code, head=head)


def _certificate(answer: httpx.Response) -> dict[str, Any]:
    """Read the certificate while the connection is there."""
    tls = answer.extensions["network_stream"].get_extra_info("ssl_object")
    return (tls.getpeercert() or {}) if tls else {}


def _certificate_until(answer: httpx.Response) -> float | None:
    ends = answer.extensions["certificate"].get("notAfter")
    return float(ssl.cert_time_to_seconds(ends)) if ends else None


def _clock_skew_s(answer: httpx.Response, midway_at: float) -> float | None:
    try:
        told_at = parsedate_to_datetime(answer.headers["Date"]).timestamp()
    except (KeyError, ValueError, OverflowError):
        return None
    return told_at + _TICK_S / 2 - midway_at


def _version(answer: httpx.Response) -> str:
    try:
        content = answer.json()
    except (ValueError, RecursionError):
        return ""
    version = content.get("version") if isinstance(content, dict) else None
    return version[:_HEAD] if isinstance(version, str) else ""


_REACHED = TypeAdapter(dict[str, Reached])


def reached_json(reached: Mapping[str, Reached]) -> bytes:
    """Write down what the services said."""
    return _REACHED.dump_json(dict(reached), indent=1)


def parse_reached(content: bytes) -> dict[str, Reached]:
    """Read what `reached_json` wrote. Raises ValueError."""
    return _REACHED.validate_json(content)
