"""Read an environment file: the addresses and credentials of one deployment, and its load limits.

`${VARIABLE}` in a value is expanded from the process's environment. A secret written into the file
is an error, because the file is copied into the evidence of every run.
"""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import uuid4

from pydantic import ConfigDict, Field, PrivateAttr

from config.apis import Api
from config.auth import AUTHORIZATION
from config.documents import Document, parse_document
from config.errors import ConfigError, Problem
from config.headers import FlowHeaders, Headers, TraceHeaderName, override
from config.links import Links, values_of_link
from config.local_files import with_local_files
from config.model_keys import Location
from config.models import StrictModel, read_model
from config.named_files import find_named_file
from config.network import CertificateFile, Network, Routes
from config.other_names import OF_ENVIRONMENT, OF_LOAD_LIMITS
from config.plaintext import hide_misread_secrets, plaintext_secrets
from config.project import ENVIRONMENTS, find_project
from config.prometheus import Prometheus
from config.requirements import matches, requires
from config.secrets import (
    Publicity,
    Value,
    values_of_auth,
    values_of_headers,
    values_of_prometheus,
    values_of_url,
)
from config.services import Services
from config.units import Rate
from config.urls import DatabaseUrl
from config.variables import mapping_in, texts_in
from config.verbatim import TextPart

PER_RUN = "per run"

# It stands in the names of files.
_IS_NAME = matches(r"\w[\w .-]*", "{0!r} is not a name; use letters, digits, spaces and _ . -")
# It stands in headers, in selectors of PromQL and in texts of SQL.
_PER_RUN_MISSPELT = re.compile(r"per[\W_]*run", re.IGNORECASE)
_IS_NOT_MISSPELT = requires(
    lambda text: text == PER_RUN or not _PER_RUN_MISSPELT.fullmatch(text),
    "write per run for a tenant of each run's own; {0!r} would be one tenant of that name",
)
_IS_TENANT = matches(
    r"""(?! )[^\x00-\x1f\x7f-\U0010ffff"'`\\]+(?<! )""",
    "not a tenant: visible ASCII without quotes and backslashes, no spaces around it",
)


class LoadLimits(StrictModel):
    """The most load that may be sent to an environment; no command-line option exceeds it.

    `max_users` are concurrent virtual users, `max_iterations` the iterations of a whole run, and
    `max_rate` the arrival rate of an open model, in iterations per second.
    """

    other_names = OF_LOAD_LIMITS

    allowed: bool
    max_users: Annotated[int, Field(gt=0)] = 100
    max_iterations: Annotated[int, Field(gt=0)] = 1_000_000
    max_rate: Rate = 50.0


class Environment(StrictModel):
    """One deployment of the SUT; every `${VARIABLE}` is already expanded.

    `headers` are sent with every request of the flow, `metrics_headers` with every scrape, unless a
    service has its own.
    `connect_to` and `ca_file` apply to every address, including Prometheus. `trace_header` carries
    the id of each request; as `traceparent`, in the form of W3C. `tenant` is the tenant of all
    traffic, or "per run" for a new one in each run. `exclusive` states that nobody else
    sends traffic to the deployment. `links` are those of a report. `public` names the headers,
    query parameters and variables whose values are no secrets.
    """

    other_names = OF_ENVIRONMENT

    model_config = ConfigDict(hide_input_in_errors=True)  # the input may be a secret

    environment: Annotated[str, _IS_NAME]
    stack: Literal["reference_services"] | None = None
    services: Services
    prometheus: Prometheus | None = None
    databases: Annotated[dict[str, DatabaseUrl], Field(repr=False)] = {}
    apis: dict[str, Api] = {}
    headers: Annotated[FlowHeaders, Field(repr=False)] = {}
    metrics_headers: Annotated[Headers, Field(repr=False)] = {}
    connect_to: Routes = {}
    ca_file: CertificateFile = None
    trace_header: TraceHeaderName = "X-Trace-ID"
    tenant: Annotated[str, _IS_TENANT, _IS_NOT_MISSPELT] = PER_RUN
    exclusive: bool = False
    load: LoadLimits = LoadLimits(allowed=False)
    links: Links | None = None
    public: list[str] = []
    _expanded: Mapping[Location, tuple[TextPart, ...]] = PrivateAttr(default_factory=dict)

    def headers_of(self, service: str) -> dict[str, tuple[TextPart, ...]]:
        """Return the headers of requests to a service, in parts, but for a token that is fetched.

        A part is a template, or what a variable held, verbatim.
        """
        common = self._parts_of_headers(self.headers, "headers")
        own = self._own_headers(service, "headers")
        return override(override(common, self._auth_header(service)), own)

    def placed_headers(self) -> Iterator[tuple[tuple[str, ...], tuple[TextPart, ...]]]:
        """Yield every header of the flow, in parts, with its place in the file."""
        for name, parts in self._parts_of_headers(self.headers, "headers").items():
            yield ("headers", name), parts
        for service in self.services:
            for name, parts in override({}, self._own_headers(service, "headers")).items():
                yield ("services", service, "headers", name), parts

    def metrics_headers_of(self, service: str, url: str) -> dict[str, str]:
        """Return the headers of scrapes of a service at a URL, without those of its credentials.

        Whoever can add a target to Prometheus chooses an address that is discovered: of another
        origin than the service's, it gets none.
        """
        settings = self.services[service]
        if settings.is_discovered and not settings.is_of_origin(url):
            return {}
        name = settings.metrics_auth and settings.metrics_auth.header_name
        common = override(self.metrics_headers, {name: None} if name else {})
        return override(common, settings.metrics_headers)

    def remember_expanded(self, expanded: Mapping[Location, tuple[TextPart, ...]]) -> None:
        """Remember which parts of the values came from variables."""
        self._expanded = expanded

    @property
    def network(self) -> Network:
        """The route and the CA file of every host."""
        return Network(self.connect_to, self.ca_file)

    def tenant_of_run(self) -> str:
        """Return the tenant of a new run: a random UUID, unless the file fixes one."""
        return str(uuid4()) if self.tenant == PER_RUN else self.tenant

    @property
    def has_new_tenant(self) -> bool:
        """Whether a run's tenant is its own, and nothing is sent for it before the flow."""
        return self.tenant == PER_RUN and not any(each.probe for each in self.services.values())

    def secrets(self) -> tuple[str, ...]:
        """Return every secret of the environment; none may appear in evidence, log or report."""
        return self.publicity().secrets(self.values())

    def publicity(self) -> Publicity:
        """Return what is no secret: what is declared public, and the names that reports show."""
        jobs = (service.job or "" for service in self.services.values())
        tenant = "" if self.tenant == PER_RUN else self.tenant
        match = self.prometheus.match.values() if self.prometheus else ()
        names = [self.environment, *self.services, *self.databases, *self.apis]
        return Publicity.of(self.public, [*names, *jobs, tenant, *match])

    def values(self) -> Iterator[Value]:
        """Yield every value that may be a secret."""
        for key in ("headers", "metrics_headers"):
            yield from values_of_headers(self._parts_of_headers(getattr(self, key), key))
            for name in self.services:
                yield from values_of_headers(override({}, self._own_headers(name, key)))
        for name, url in self.databases.items():
            yield from values_of_url(self._parts(url, "databases", name))
        for name, api in self.apis.items():
            yield from values_of_auth(api.auth)
            headers = self._parts_of_headers(api.headers, "apis", name, "headers")
            yield from values_of_headers(headers)
            for key in ("url", "probe"):
                yield from values_of_url(self._parts(getattr(api, key) or "", "apis", name, key))
        for name, service in self.services.items():
            for auth in filter(None, (service.auth, service.metrics_auth)):
                yield from values_of_auth(auth)
            for key in ("url", "health", "ready", "probe"):
                yield from values_of_url(
                    self._parts(getattr(service, key) or "", "services", name, key)
                )
            for number, url in enumerate(service.metrics_urls()):
                one: Location = ("services", name, "metrics", number)
                location = one if one in self._expanded else one[:-1]
                yield from values_of_url(self._parts(url, *location))
        if self.prometheus:
            headers = self._parts_of_headers(self.prometheus.headers, "prometheus", "headers")
            yield from values_of_prometheus(self.prometheus, headers)
            yield from values_of_url(self._parts(self.prometheus.url, "prometheus", "url"))
        if self.links:
            yield from values_of_link(self._parts(self.links.trace, "links", "trace"))

    def unfit_discovery(self) -> Iterator[tuple[Location, str]]:
        """Yield what keeps replicas from being discovered, or pushes from being watched."""
        for name, service in self.services.items():
            if service.pushed and self.prometheus is None:
                message = "add prometheus: {url: …}, the backend to which the metrics are pushed"
                yield ("services", name, "pushed"), message
        jobs = {name: service.job or name for name, service in self.services.items()}
        for name in (name for name, service in self.services.items() if service.is_discovered):
            place: Location = ("services", name, "replicas")
            if self.prometheus is None:
                message = "replicas are discovered from Prometheus, and the environment has none"
                remedy = "add prometheus: {url: …}, or write metrics: [URL of each replica]"
                yield place, f"{message}; {remedy}"
            others = [other for other in jobs if jobs[other] == jobs[name] and other != name]
            if others:
                message = f"the targets of job {jobs[name]} are those of {name} and of "
                remedy = "give each service a job of its own (job:)"
                yield place, f"{message}{', '.join(others)}; {remedy}"

    def _auth_header(self, service: str) -> dict[str, tuple[TextPart, ...] | None]:
        """Return the header of a service's credentials; it is None where a token is fetched."""
        auth = self.services[service].auth
        if auth.header_name is None:
            return {}
        value = auth.header_value
        return {auth.header_name: (TextPart(value, is_verbatim=True),) if value else None}

    def _own_headers(self, service: str, key: str) -> dict[str, tuple[TextPart, ...] | None]:
        headers: Mapping[str, str | None] = getattr(self.services[service], key)
        return {
            name: None if value is None else self._parts(value, "services", service, key, name)
            for name, value in headers.items()
        }

    def _parts_of_headers(
        self, headers: Mapping[str, str], *location: str
    ) -> dict[str, tuple[TextPart, ...]]:
        return {name: self._parts(value, *location, name) for name, value in headers.items()}

    def _parts(self, value: str, *location: str | int) -> tuple[TextPart, ...]:
        """Return a value in parts; one that its model has changed came from variables whole."""
        parts = self._expanded.get(location, ())
        if not parts or "".join(part.text for part in parts).rstrip("/") == value.rstrip("/"):
            return parts or (TextPart(value),)
        names = [part.variable for part in parts if part.variable]
        return (TextPart(value, is_verbatim=True, variable=names[0]),)


@dataclass(frozen=True)
class EnvironmentFile:
    """The parts of an environment file that need no variables.

    `headers` are those of the requests to each service, as written: with `${…}` unexpanded.
    """

    path: Path
    name: str
    starts_stack: bool
    headers: dict[str, dict[str, str]]


def find_environment(name: str) -> Path:
    """Return the file of an environment, given its path or its name in the project.

    Raises ConfigError with the known environments.
    """
    folders = (find_project().environments, ENVIRONMENTS)
    return find_named_file(name, [f"{name}.yaml"], folders, "environment")


def read_environment_file(path: Path) -> EnvironmentFile:
    """Read the parts of a file that need no variables. Raises ConfigError."""
    document = parse_document(path)
    content = document.content if isinstance(document.content, dict) else {}
    return EnvironmentFile(
        path=path,
        name=str(content.get("environment") or path.stem),
        starts_stack=bool(content.get("stack")),
        headers={
            name: override(
                override({}, _written_headers(content)),
                {**_written_auth(service), **_written_headers(service)},
            )
            for name, service in mapping_in(content, "services").items()
        },
    )


def _written_headers(content: Any) -> dict[str, str | None]:
    headers = mapping_in(content, "headers")
    return {name: None if value is None else str(value) for name, value in headers.items()}


def _written_auth(service: Any) -> dict[str, str | None]:
    """Return the header of a service's credentials as written; a variable stands for a token."""
    auth = mapping_in(service, "auth")
    api_key = mapping_in(auth, "api_key")
    if isinstance(header := api_key.get("header"), str):
        return {header: str(api_key.get("value"))}
    if "basic" in auth:
        return {AUTHORIZATION: "Basic ${BASIC_CREDENTIALS}"}
    token = "${ACCESS_TOKEN}" if "oauth2" in auth else auth.get("bearer")
    return {AUTHORIZATION: f"Bearer {token}"} if token else {}


def read_environment(path: Path, variables: Mapping[str, str] | None = None) -> Environment:
    """Read an environment; `variables` override the process's own. Raises ConfigError."""
    problems = problems_as_written(parse_document(path))
    try:
        document = hide_misread_secrets(parse_document(path, {**os.environ, **(variables or {})}))
        environment = read_model(with_local_files(document), Environment)
        environment.remember_expanded(document.expanded)
        problems += [document.problem(*each) for each in environment.unfit_discovery()]
    except ConfigError as error:
        raise ConfigError(*problems, *error.problems) from error
    if problems:
        raise ConfigError(*problems)
    return environment


def problems_as_written(document: Document) -> list[Problem]:
    """Return what shows only before variables are expanded: secrets, and misplaced templates.

    A secret may contain anything, braces included, so that its value is not searched.
    """
    content = document.content if isinstance(document.content, dict) else {}
    message = "templates are evaluated in headers only; write the value, or a ${VARIABLE}"
    templates = [
        document.problem(place, message)
        for place, text in texts_in(content)
        if "{{" in text and not _is_of_headers(place)
    ]
    return [*plaintext_secrets(document), *templates]


def _is_of_headers(place: Location) -> bool:
    return place[:1] == ("headers",) or (place[:1] == ("services",) and place[2:3] == ("headers",))
