"""Where are the services, Prometheus and the databases, and which traffic may be sent there?"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field

from config.documents import Document, StrictModel, read_document, read_model
from config.errors import ConfigError, Problem
from config.prometheus import Prometheus

FOLDER = Path(__file__).parent


def _base_url(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise ValueError(f"{text!r} is not an address; write http://… or https://…")
    return text.rstrip("/")


def _addresses(value: object) -> object:
    return value.split() if isinstance(value, str) else value


Url = Annotated[str, AfterValidator(_base_url)]


class Service(StrictModel):
    """One service of the SUT: its address, and where each of its replicas shows its metrics.

    `metrics` is a list, or one text with spaces in between, as a variable has it. `job` is the
    value of Prometheus' job label for it; the service's own name where absent.
    """

    url: Url
    health: str = "/health"
    metrics: Annotated[list[Url], BeforeValidator(_addresses)] | None = None
    job: str | None = None

    def metrics_urls(self) -> list[str]:
        """Return one exposition address a replica."""
        return self.metrics or [f"{self.url}/metrics"]


class LoadLimits(StrictModel):
    """What traffic the environment stands: none at all, or up to so many users at once."""

    allowed: bool
    max_users: Annotated[int, Field(gt=0)] = 100


class Environment(StrictModel):
    """One deployment of the SUT, as its file says; every `${VARIABLE}` is already replaced."""

    model_config = ConfigDict(hide_input_in_errors=True)  # it may be a secret

    environment: str
    stack: Literal["reference_services"] | None = None
    services: Annotated[dict[str, Service], Field(min_length=1)]
    prometheus: Prometheus | None = None
    databases: dict[str, str] = {}
    headers: dict[str, str] = {}
    tenant: str = "per run"
    exclusive: bool = False
    load: LoadLimits = LoadLimits(allowed=False)


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
    document = read_document(path, {**os.environ, **(variables or {})})
    return read_model(_with_ca_file(document), Environment)


def _with_ca_file(document: Document) -> Document:
    """Make the path of Prometheus' CA relative to the environment's file."""
    match document.content:
        case {"prometheus": {"ca_file": str(ca_file)} as prometheus}:
            beside = {**prometheus, "ca_file": str(document.path.parent / ca_file)}
            return replace(document, content={**document.content, "prometheus": beside})
    return document
