"""The services of an environment: their addresses, and the headers that only one of them takes."""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)

from config.auth import NO_AUTH, Auth
from config.headers import OwnFlowHeaders, OwnHeaders
from config.models import StrictModel
from config.other_names import OF_SERVICE
from config.pushed import PushedMetrics
from config.suggestions import stands_for_none
from config.urls import BaseUrl, Url, UrlPath, origin_of
from config.value_errors import CompleteError

NONE = "none"
DISCOVERED = "discovered"
_SERVICE_NAME = re.compile(r"\w[\w.-]*")


def _replicas(value: Any) -> Any:
    """Split a text with several addresses. Raises ValueError where there is none at all."""
    if value == "pushed":
        raise ValueError("write pushed: true in its place")
    addresses = value.split() if isinstance(value, str) and value != NONE else value
    if addresses is None or addresses == []:
        raise CompleteError(
            "names no replica; write metrics: none to declare that the service shows none, leave "
            "the key out for /metrics below url, or write the URL of each replica"
        )
    return addresses


MetricsUrls = Annotated[list[Url] | Literal["none"] | None, BeforeValidator(_replicas)]

# the model itself does not allow that nothing authenticates


def _metrics_auth(value: Any, validate: ValidatorFunctionWrapHandler) -> Auth:
    if isinstance(value, str) and value != NONE:
        hint = "; did you mean none?" if stands_for_none(value) else ""
        raise ValueError(f"must be none, or a mapping with the keys of auth{hint}")
    auth: Auth = NO_AUTH if value == NONE else validate(value)
    return auth


MetricsAuth = Annotated[Auth, WrapValidator(_metrics_auth)]


def _discovered(value: Any) -> Any:
    if value != DISCOVERED:
        remedy = "to name the replicas, write metrics: [URL of each replica]"
        raise ValueError(f"must be discovered; {remedy}")
    return value


Replicas = Annotated[Literal["discovered"] | None, BeforeValidator(_discovered)]


class Service(StrictModel):
    """One service of the SUT: its base URL, and the metrics URL of each replica.

    `health`, `ready` and `probe` are paths below `url`. The first two return 200 if the service is
    up; `probe` is requested with the environment's headers, to find out whether they are accepted.
    `metrics` is a list, or text separated by spaces, so that one variable can hold all replicas.
    `none` declares that a service has no health endpoint, or shows no metrics of its own. `pushed`
    declares that it pushes its metrics; then it shows none of its own unless `metrics` names them.
    `job` is the value of Prometheus' `job` label; default: the service's name. `headers` and
    `metrics_headers` are sent beside the environment's, or instead of those of the same name; null
    leaves one out. `replicas: discovered` takes the replicas from the targets that Prometheus has
    of the job, in place of a list in `metrics`.

    `auth` authenticates the requests of the flow and `probe`, and scrapes of the same origin: a
    secret goes to no other. `metrics_auth` replaces it for all scrapes; `none` leaves it out. An
    address that was discovered gets neither of them, nor a header, unless it is of that origin.
    """

    other_names = OF_SERVICE

    url: BaseUrl
    health: Literal["none"] | UrlPath = "/health"
    ready: UrlPath | None = None
    probe: UrlPath | None = None
    metrics: MetricsUrls = None
    replicas: Replicas = None
    pushed: PushedMetrics = None
    job: str | None = None
    headers: Annotated[OwnFlowHeaders, Field(repr=False)] = {}
    metrics_headers: Annotated[OwnHeaders, Field(repr=False)] = {}
    auth: Auth = NO_AUTH
    metrics_auth: MetricsAuth | None = None

    @property
    def shows_none(self) -> bool:
        """Whether it is declared to show no metrics of its own."""
        return self.metrics == NONE or (self.pushed is not None and self.metrics is None)

    def metrics_urls(self) -> list[str]:
        """Return the metrics URL of each replica that is named; default: `/metrics` below `url`."""
        if self.shows_none or self.is_discovered:
            return []
        return list(self.metrics or [f"{self.url}/metrics"])

    def auth_of_metrics(self, url: str) -> Auth:
        """Return the credentials of scrapes at a URL."""
        is_own = self.is_of_origin(url)
        if self.metrics_auth is None or (self.is_discovered and not is_own):
            return self.auth if is_own else NO_AUTH
        return self.metrics_auth

    def is_of_origin(self, url: str) -> bool:
        """Return whether a URL has scheme, host and port of the service's own."""
        return origin_of(url) == origin_of(self.url)

    @property
    def is_discovered(self) -> bool:
        """Whether its replicas are those that Prometheus has."""
        return self.replicas == DISCOVERED

    @model_validator(mode="after")
    def _names_its_replicas_once(self) -> Self:
        if self.is_discovered and isinstance(self.metrics, list):
            message = (
                "replicas: discovered and a list in metrics exclude each other; keep one of them"
            )
            raise ValueError(message)
        if self.is_discovered and self.pushed:
            message = "nothing scrapes what is pushed, so no target shows its replicas"
            raise ValueError(f"{message}; write either replicas: discovered or pushed")
        return self

    @model_validator(mode="after")
    def _sends_each_header_once(self) -> Self:
        for key, headers in (("auth", self.headers), ("metrics_auth", self.metrics_headers)):
            auth: Auth | None = getattr(self, key)
            for name in headers:
                if auth and auth.header_name and name.lower() == auth.header_name.lower():
                    of_headers = key.replace("auth", "headers")
                    message = f"{key} sends {auth.header_name} itself; remove it from {of_headers}"
                    raise ValueError(message)
        return self

    @property
    def health_path(self) -> str:
        """The path that shows that the service is up: any response does, if it has no health."""
        return "/" if self.health == NONE else self.health


def _named(services: dict[str, Service]) -> dict[str, Service]:
    for name in services:
        if not _SERVICE_NAME.fullmatch(name):
            message = f"{name!r} is not the name of a service; use letters, digits and _ . -"
            raise ValueError(message)
    return services


Services = Annotated[dict[str, Service], Field(min_length=1), AfterValidator(_named)]
