"""Read an environment file: the addresses and credentials of one deployment, and its load limits.

`${VARIABLE}` in a value is expanded from the process's environment. A secret written into the file
is an error, because the file is copied into the evidence of every run.
"""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import uuid4

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, PrivateAttr

from config.documents import Document, StrictModel, read_document, read_model
from config.errors import ConfigError, Problem
from config.headers import FlowHeaders, HeaderName, HeaderValue
from config.model_keys import Location
from config.network import CertificateFile, Network, Routes
from config.plaintext import hide_misread_secrets, plaintext_secrets
from config.prometheus import Prometheus
from config.requirements import matches
from config.secrets import Publicity, Value, values_of_headers, values_of_prometheus, values_of_url
from config.units import Rate
from config.urls import BaseUrl, DatabaseUrl, Url, UrlPath
from config.variables import texts_in
from config.verbatim import TextPart

FOLDER = Path(__file__).parent
PER_RUN = "per run"

NONE = "none"
_SERVICE_NAME = re.compile(r"\w[\w.-]*")

MetricsUrls = Annotated[
    list[Url] | Literal["none"],
    BeforeValidator(
        lambda value: value.split() if isinstance(value, str) and value != NONE else value
    ),
]
# It stands in the names of files.
_IS_NAME = matches(r"\w[\w .-]*", "{0!r} is not a name; use letters, digits, spaces and _ . -")
# It stands in headers, in selectors of PromQL and in texts of SQL.
_IS_TENANT = matches(
    r"""(?! )[^\x00-\x1f\x7f-\U0010ffff"'`\\]+(?<! )""",
    "not a tenant: visible ASCII without quotes and backslashes, no spaces around it",
)


class Service(StrictModel):
    """One service of the SUT: its base URL, and the metrics URL of each replica.

    `health`, `ready` and `probe` are paths below `url`. The first two return 200 if the service is
    up; `probe` is requested with the environment's headers, to find out whether they are accepted.
    `metrics` is a list, or text separated by spaces, so that one variable can hold all replicas.
    `none` declares that a service has no health endpoint, or shows no metrics of its own. `job` is
    the value of Prometheus' `job` label; default: the service's name.
    """

    url: BaseUrl
    health: Literal["none"] | UrlPath = "/health"
    ready: UrlPath | None = None
    probe: UrlPath | None = None
    metrics: MetricsUrls | None = None
    job: str | None = None

    def metrics_urls(self) -> list[str]:
        """Return the metrics URL of each replica; default: `/metrics` below `url`."""
        if self.metrics == NONE:
            return []
        return list(self.metrics or [f"{self.url}/metrics"])

    @property
    def health_path(self) -> str:
        """The path that shows that the service is up: any response does, if it has no health."""
        return "/" if self.health == NONE else self.health


def _services(services: dict[str, Service]) -> dict[str, Service]:
    for name in services:
        if not _SERVICE_NAME.fullmatch(name):
            message = f"{name!r} is not the name of a service; use letters, digits and _ . -"
            raise ValueError(message)
    return services


class LoadLimits(StrictModel):
    """The most load that may be sent to an environment; no command-line option exceeds it.

    `max_users` are concurrent virtual users, `max_iterations` the iterations of a whole run, and
    `max_rate` the arrival rate of an open model, in iterations per second.
    """

    allowed: bool
    max_users: Annotated[int, Field(gt=0)] = 100
    max_iterations: Annotated[int, Field(gt=0)] = 1_000_000
    max_rate: Rate = 50.0


class Environment(StrictModel):
    """One deployment of the SUT; every `${VARIABLE}` is already expanded.

    `headers` are sent with every request of the flow, `metrics_headers` with every scrape.
    `connect_to` and `ca_file` apply to every address, including Prometheus. `tenant` is the tenant
    of all traffic, or "per run" for a new one in each run. `exclusive` states that nobody else
    sends traffic to the deployment. `public` names the headers, query parameters and variables
    whose values are no secrets.
    """

    model_config = ConfigDict(hide_input_in_errors=True)  # the input may be a secret

    environment: Annotated[str, _IS_NAME]
    stack: Literal["reference_services"] | None = None
    services: Annotated[dict[str, Service], Field(min_length=1), AfterValidator(_services)]
    prometheus: Prometheus | None = None
    databases: Annotated[dict[str, DatabaseUrl], Field(repr=False)] = {}
    headers: Annotated[FlowHeaders, Field(repr=False)] = {}
    metrics_headers: Annotated[dict[HeaderName, HeaderValue], Field(repr=False)] = {}
    connect_to: Routes = {}
    ca_file: CertificateFile = None
    tenant: Annotated[str, _IS_TENANT] = PER_RUN
    exclusive: bool = False
    load: LoadLimits = LoadLimits(allowed=False)
    public: list[str] = []
    _expanded: Mapping[Location, tuple[TextPart, ...]] = PrivateAttr(default_factory=dict)

    @property
    def header_parts(self) -> dict[str, tuple[TextPart, ...]]:
        """The headers of the flow in parts: templates, and what variables held, verbatim."""
        return self._parts_of_headers(self.headers, "headers")

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

    def secrets(self) -> tuple[str, ...]:
        """Return every secret of the environment; none may appear in evidence, log or report."""
        return self.publicity().secrets(self.values())

    def publicity(self) -> Publicity:
        """Return what is no secret: what is declared public, and the names that reports show."""
        jobs = (service.job or "" for service in self.services.values())
        tenant = "" if self.tenant == PER_RUN else self.tenant
        return Publicity.of(
            self.public, [self.environment, *self.services, *jobs, *self.databases, tenant]
        )

    def values(self) -> Iterator[Value]:
        """Yield every value that may be a secret."""
        yield from values_of_headers(self.header_parts)
        of_metrics = self._parts_of_headers(self.metrics_headers, "metrics_headers")
        yield from values_of_headers(of_metrics)
        for name, url in self.databases.items():
            yield from values_of_url(self._parts(url, "databases", name))
        for name, service in self.services.items():
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

    `headers` are as written, with `${…}` unexpanded.
    """

    path: Path
    name: str
    starts_stack: bool
    headers: dict[str, str]


def find_environment(name: str) -> Path:
    """Return the file of an environment, given its path or its name in `config/`.

    Raises ConfigError with the known environments.
    """
    path = Path(name) if name.endswith((".yaml", ".yml")) else FOLDER / f"{name}.yaml"
    if path.is_file():
        return path
    known = ", ".join(sorted(path.stem for path in FOLDER.glob("*.yaml")))
    raise ConfigError(Problem(path, None, f"no such environment; known: {known}, or a YAML file"))


def read_environment_file(path: Path) -> EnvironmentFile:
    """Read the parts of a file that need no variables. Raises ConfigError."""
    document = read_document(path)
    content = document.content if isinstance(document.content, dict) else {}
    name, headers = content.get("environment"), content.get("headers")
    return EnvironmentFile(
        path=path,
        name=str(name or path.stem),
        starts_stack=bool(content.get("stack")),
        headers={str(k): str(v) for k, v in headers.items()} if isinstance(headers, dict) else {},
    )


def read_environment(path: Path, variables: Mapping[str, str] | None = None) -> Environment:
    """Read an environment; `variables` override the process's own. Raises ConfigError."""
    problems = problems_as_written(read_document(path))
    try:
        document = hide_misread_secrets(read_document(path, {**os.environ, **(variables or {})}))
        environment = read_model(with_ca_files(document), Environment)
        environment.remember_expanded(document.expanded)
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
    elsewhere = {key: value for key, value in content.items() if key != "headers"}
    message = "templates are evaluated in headers only; write the value, or a ${VARIABLE}"
    templates = [
        document.problem(place, message) for place, text in texts_in(elsewhere) if "{{" in text
    ]
    return [*plaintext_secrets(document), *templates]


def with_ca_files(document: Document) -> Document:
    """Make the paths of CA files relative to the environment's file."""
    if not isinstance(document.content, dict):
        return document
    content = _with_ca_file(document.path.parent, document.content)
    if isinstance(content.get("prometheus"), dict):
        content["prometheus"] = _with_ca_file(document.path.parent, content["prometheus"])
    return replace(document, content=content)


def _with_ca_file(folder: Path, content: Mapping[str, Any]) -> dict[str, Any]:
    match content:
        case {"ca_file": str(ca_file)} if ca_file:
            return {**content, "ca_file": str(folder / ca_file)}
    return dict(content)
