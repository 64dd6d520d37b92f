"""Settings of the Prometheus to query: its address, credentials and timeout."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from config.auth import Auth, BasicAuth, OAuth2
from config.client_certificate import ClientCertificate
from config.headers import HeaderName, HeaderValue
from config.models import StrictModel
from config.network import CertificateFile
from config.other_names import OF_PROMETHEUS
from config.requirements import matches, requires
from config.units import Duration
from config.urls import PrometheusUrl

_IS_TOKEN = matches(r"[!-~]+", "not a token: one word of visible ASCII, without Bearer")
LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


def _labels_of_targets(match: dict[str, str]) -> dict[str, str]:
    for name in match:
        if not LABEL.fullmatch(name):
            message = "letters, digits and _, as Prometheus shows it under Status, Targets"
            raise ValueError(f"{name!r} is not a label of a target; write {message}")
        if name == "job":
            raise ValueError("the job is that of each service; write job in the service instead")
        if name.startswith("__"):
            raise ValueError(f"no target keeps {name}: Prometheus drops labels that begin with __")
    return match


_IS_VALUE = requires(str.strip, "must be the value that the label has; an empty one is no label")

TargetMatch = Annotated[dict[str, Annotated[str, _IS_VALUE]], AfterValidator(_labels_of_targets)]


class Prometheus(StrictModel):
    """A server with Prometheus' HTTP API: Prometheus itself, Mimir, Thanos or the like.

    `url` is the base of `/api/v1`. `timeout` applies to one query, in seconds: to connecting, and
    to each read of the response. `headers` are sent with every query, verbatim. `ca_file` is a PEM
    file that replaces the environment's; its path is relative to the environment file, or to the
    current folder if there is none. `oauth2` and `certificate` are those of `auth` of a service.
    `match` are labels of targets, and their values, to which everything that is asked is restricted
    where the server is shared.
    """

    other_names = OF_PROMETHEUS

    url: PrometheusUrl
    timeout: Duration = 10.0
    bearer_token: Annotated[Annotated[str, _IS_TOKEN] | None, Field(repr=False)] = None
    basic_auth: BasicAuth | None = None
    oauth2: OAuth2 | None = None
    certificate: ClientCertificate | None = None
    headers: Annotated[dict[HeaderName, HeaderValue], Field(repr=False)] = {}
    ca_file: CertificateFile = None
    match: TargetMatch = {}

    def credentials(self) -> list[str]:
        """Return the settings that authenticate: a token, a password, a client or a header."""
        keys = [key for key in ("bearer_token", "basic_auth", "oauth2") if getattr(self, key)]
        # Any other header, such as X-Scope-OrgID, may select a tenant without authenticating.
        headers = (name for name in self.headers if name.lower() == "authorization")
        return [*keys, *(f"headers.{name}" for name in headers)]

    @property
    def fetched(self) -> Auth:
        """The credentials that are obtained during a run, and the client certificate."""
        return Auth.model_construct(oauth2=self.oauth2, certificate=self.certificate)

    @model_validator(mode="after")
    def _has_at_most_one_credential(self) -> Self:
        keys = self.credentials()
        if len(keys) > 1:
            raise ValueError(f"{' and '.join(keys)} exclude each other; keep one of them")
        return self


def matchers_of(match: Mapping[str, str]) -> Iterator[str]:
    """Yield the PromQL matchers of labels that have to have a value.

    >>> list(matchers_of({"env": "staging", "team": "a"}))
    ['env="staging"', 'team="a"']
    """
    for label, value in match.items():
        yield f"{label}={json.dumps(value, ensure_ascii=False)}"
