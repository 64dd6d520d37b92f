"""Ask each service for its health, readiness, version and clock.

The environment's headers go only where the question is whether they are accepted.
"""

import ssl
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from config.clock import CLOCK
from config.environment import Environment
from config.redaction import Secrets, redact
from config.services import NONE, Service
from scenarios.evidence.run_folder import RunFolder
from scenarios.http.bounded_json import decode_json
from scenarios.http.fetch import Fetched, FetchFailed, ResponseLate, fetch
from scenarios.http.service_auth import ServiceAuth
from scenarios.http.transport import BoundedClient, open_client
from scenarios.language.templates import compile_header, variables_in_header
from witnesses.clock_skew import clock_skew_s
from witnesses.connection_errors import Asked, refusal_of
from witnesses.health.status import EndpointResponse, ServiceStatus, statuses_file, statuses_json
from witnesses.model import Moment

TIMEOUT_S = 5.0
MAX_BYTES = 1_000_000  # nobody reads more of a health page

_COMMIT_KEYS = ("commit", "revision", "git_commit", "git_sha")
_COMMIT_CHARACTERS = 12
_SNIPPET_CHARACTERS = 200


def collect_health(
    environment: Environment, tenant: str, moment: Moment, folder: RunFolder,
    contacted: Collection[str] | None = None,
) -> None:  # fmt: skip
    """Ask every service, and keep its responses; `contacted` are those that the flow sends to."""
    statuses = fetch_statuses(environment, tenant, contacted=contacted)
    folder.write_witness_file(statuses_file(moment), statuses_json(statuses))


def fetch_statuses(
    environment: Environment, tenant: str, timeout_s: float = TIMEOUT_S,
    contacted: Collection[str] | None = None,
) -> dict[str, ServiceStatus]:  # fmt: skip
    """Ask each service for its health, and whether it accepts the headers of a tenant's requests.

    All at once: several that do not respond take no longer than one. A service without any of
    these endpoints shows with any response that it is up; if it is not `contacted` by the flow, it
    need not be reachable from here.
    """
    names = list(environment.services)

    def ask(name: str) -> ServiceStatus:
        service = environment.services[name]
        has_none = service.health == NONE and not (service.ready or service.probe)
        if has_none and contacted is not None and name not in contacted:
            return ServiceStatus(EndpointResponse(service.url, is_declared_absent=True))
        auth = service.auth
        with open_client(
            environment.network, timeout_s, max_bytes=MAX_BYTES,
            certificate=auth.certificate,
        ) as client:  # fmt: skip
            return _ServiceQuestions(client, environment, name, tenant).ask()

    with ThreadPoolExecutor(len(names)) as threads:
        return dict(zip(names, threads.map(ask, names), strict=True))


class _ServiceQuestions:
    """The questions to one service."""

    def __init__(
        self, client: BoundedClient, environment: Environment, name: str, tenant: str
    ) -> None:
        self._client = client
        self._service: Service = environment.services[name]
        self._secrets = Secrets.of_process(environment.secrets())
        self._auth = ServiceAuth(self._service.auth, environment.network)
        self._asked = Asked(
            self._service.url, f"services.{name}.url", "ca_file", bool(environment.ca_file)
        )
        self._headers = {
            header: compile_header(parts)({"tenant": tenant})
            for header, parts in environment.headers_of(name).items()
            if variables_in_header(parts) <= {"tenant"}
        }

    def ask(self) -> ServiceStatus:
        """Ask all; a service that does not respond is asked nothing further."""
        before_at = CLOCK.now_at()
        response, health = self._get(self._service.health_path)
        if response is None:
            return ServiceStatus(health)
        # before any further question: the Date header is of this response
        midway_at = (before_at + CLOCK.now_at()) / 2
        service = self._service
        health = replace(health, is_any_status_well=service.health == NONE)
        expires = response.certificate_until
        return ServiceStatus(
            health=health,
            ready=self._get(service.ready)[1] if service.ready else None,
            # as the flow does: with the headers, and with the credentials
            probe=self._get(service.probe, self._headers, self._auth)[1] if service.probe else None,
            version=redact(_version(response), self._secrets, _SNIPPET_CHARACTERS),
            certificate_until=float(ssl.cert_time_to_seconds(expires)) if expires else None,
            clock_skew_s=clock_skew_s(response, midway_at),
        )

    def _get(
        self, path: str, headers: Mapping[str, str] | None = None, auth: ServiceAuth | None = None
    ) -> tuple[Fetched | None, EndpointResponse]:
        url = self._service.url + path
        try:
            response = fetch(self._client, url, headers=headers, auth=auth)
        except ResponseLate:
            error = f"did not respond within {self._client.timeout.read:g} s"
            remedy = "see whether it is overloaded, and read its log"
            return None, EndpointResponse(url, error=error, remedy=remedy)
        except FetchFailed as failure:
            what, remedy, is_theirs = refusal_of(failure, self._asked)
            return None, EndpointResponse(url, error=what, remedy=remedy, is_theirs=is_theirs)
        snippet = redact(response.text, self._secrets, _SNIPPET_CHARACTERS)
        return response, EndpointResponse(url, status=response.status, snippet=snippet)


def _version(response: Fetched) -> str:
    """Return the version, with the commit where the service reports one, as in `1.2 (4c1f9e0)`."""
    try:
        content = decode_json(response.body)
    except ValueError:
        return ""
    known = content if isinstance(content, dict) else {}
    texts = {name: text for name, text in known.items() if isinstance(text, str) and text}
    commit = next((texts[name] for name in _COMMIT_KEYS if name in texts), "")[:_COMMIT_CHARACTERS]
    version = texts.get("version", "")
    return f"{version} ({commit})" if version and commit else version or commit
