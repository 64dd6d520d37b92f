"""Where are the services, Prometheus and the databases, and which traffic may be sent there?"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import uuid4

from pydantic import BeforeValidator, ConfigDict, Field

from config.documents import Document, StrictModel, read_document, read_model
from config.errors import ConfigError, Problem
from config.headers import FlowHeaders, HeaderName, HeaderValue
from config.network import CertificateFile, Network, Routes
from config.prometheus import Prometheus
from config.secrets import (
    open_secrets,
    secrets_of_databases,
    secrets_of_headers,
    secrets_of_prometheus,
)
from config.units import Rate
from config.urls import BaseUrl, Url, UrlPath

FOLDER = Path(__file__).parent
PER_RUN = "per run"


def _addresses(value: object) -> object:
    return value.split() if isinstance(value, str) else value


class Service(StrictModel):
    """One service of the SUT: its address, and where each of its replicas shows its metrics.

    `health`, `ready` and `probe` are paths below `url`: the first two answer 200 where all is well;
    `probe` is read with the environment's headers, and tells whether they are accepted. `metrics`
    is a list, or one text with spaces in between, as a variable has it. `job` is the value of
    Prometheus' job label for it; the service's own name where absent.
    """

    url: BaseUrl
    health: UrlPath = "/health"
    ready: UrlPath | None = None
    probe: UrlPath | None = None
    metrics: Annotated[list[Url], BeforeValidator(_addresses)] | None = None
    job: str | None = None

    def metrics_urls(self) -> list[str]:
        """Return one exposition address a replica."""
        return self.metrics or [f"{self.url}/metrics"]


class LoadLimits(StrictModel):
    """What traffic the environment stands: none at all, or so many users at once, so much in all.

    `max_rate` is what an open model may ask for, in iterations a second.
    No option of any command goes beyond it.
    """

    allowed: bool
    max_users: Annotated[int, Field(gt=0)] = 100
    max_iterations: Annotated[int, Field(gt=0)] = 1_000_000
    max_rate: Rate = 50.0


class Environment(StrictModel):
    """One deployment of the SUT, as its file says; every `${VARIABLE}` is already replaced.

    `headers` go with every request of the flow, `metrics_headers` with every look at metrics.
    `connect_to` and `ca_file` are of every address, Prometheus' too. `tenant` is the one that the
    run's traffic is of, or "per run": a new one each.
    """

    model_config = ConfigDict(hide_input_in_errors=True)  # it may be a secret

    environment: str
    stack: Literal["reference_services"] | None = None
    services: Annotated[dict[str, Service], Field(min_length=1)]
    prometheus: Prometheus | None = None
    databases: Annotated[dict[str, str], Field(repr=False)] = {}
    headers: Annotated[FlowHeaders, Field(repr=False)] = {}
    metrics_headers: Annotated[dict[HeaderName, HeaderValue], Field(repr=False)] = {}
    connect_to: Routes = {}
    ca_file: CertificateFile = None
    tenant: Annotated[str, Field(min_length=1)] = PER_RUN
    exclusive: bool = False
    load: LoadLimits = LoadLimits(allowed=False)

    @property
    def network(self) -> Network:
        """How the hosts are reached."""
        return Network(self.connect_to, self.ca_file)

    def tenant_of_run(self) -> str:
        """Return the tenant of a run that begins: a new one, unless one is fixed."""
        return str(uuid4()) if self.tenant == PER_RUN else self.tenant

    def secrets(self) -> tuple[str, ...]:
        """Return every value that shows who asks, and is never to be told."""
        of_prometheus = secrets_of_prometheus(self.prometheus) if self.prometheus else ()
        return (
            *secrets_of_headers(self.headers),
            *secrets_of_headers(self.metrics_headers),
            *secrets_of_databases(self.databases.values()),
            *of_prometheus,
        )


@dataclass(frozen=True)
class EnvironmentFile:
    """An environment's file before its variables are known: what to start, what to show.

    `headers` are as written, with `${…}` where a secret goes.
    """

    path: Path
    name: str
    starts_stack: bool
    headers: dict[str, str]


def find_environment(name: str) -> Path:
    """Return the file of an environment: a path to a YAML file, or a name in `config/`.

    Raises ConfigError naming the environments that exist.
    """
    path = Path(name) if name.endswith((".yaml", ".yml")) else FOLDER / f"{name}.yaml"
    if path.is_file():
        return path
    known = ", ".join(sorted(each.stem for each in FOLDER.glob("*.yaml")))
    raise ConfigError(Problem(path, None, f"no such environment; known: {known}, or a YAML file"))


def read_environment_file(path: Path) -> EnvironmentFile:
    """Read only what does not depend on variables. Raises ConfigError."""
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
    """Read an environment; `variables` go before the process's own. Raises ConfigError."""
    problems = open_secrets(read_document(path))
    try:
        document = read_document(path, {**os.environ, **(variables or {})})
        environment = read_model(_with_ca_files(document), Environment)
    except ConfigError as error:
        raise ConfigError(*problems, *error.problems) from error
    if problems:
        raise ConfigError(*problems)
    return environment


def _with_ca_files(document: Document) -> Document:
    """Make the paths of CA files relative to the environment's file."""
    if not isinstance(document.content, dict):
        return document
    content = _beside(document.path.parent, document.content)
    if isinstance(content.get("prometheus"), dict):
        content["prometheus"] = _beside(document.path.parent, content["prometheus"])
    return replace(document, content=content)


def _beside(folder: Path, content: Mapping[str, Any]) -> dict[str, Any]:
    match content:
        case {"ca_file": str(ca_file)} if ca_file:
            return {**content, "ca_file": str(folder / ca_file)}
    return dict(content)
