"""Settings of the Prometheus to query: its address, credentials and timeout."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from config.auth import Auth, BasicAuth, OAuth2
from config.client_certificate import ClientCertificate
from config.headers import HeaderName, HeaderValue
from config.models import StrictModel
from config.network import CertificateFile
from config.requirements import matches
from config.units import Duration
from config.urls import PrometheusUrl

_IS_TOKEN = matches(r"[!-~]+", "not a token: one word of visible ASCII, without Bearer")


class Prometheus(StrictModel):
    """A server with Prometheus' HTTP API: Prometheus itself, Mimir, Thanos or the like.

    `url` is the base of `/api/v1`. `timeout` applies to one query, in seconds: to connecting, and
    to each read of the response. `headers` are sent with every query, verbatim. `ca_file` is a PEM
    file that replaces the environment's; its path is relative to the environment file, or to the
    current folder if there is none. `oauth2` and `certificate` are those of `auth` of a service.
    """

    url: PrometheusUrl
    timeout: Duration = 10.0
    bearer_token: Annotated[Annotated[str, _IS_TOKEN] | None, Field(repr=False)] = None
    basic_auth: BasicAuth | None = None
    oauth2: OAuth2 | None = None
    certificate: ClientCertificate | None = None
    headers: Annotated[dict[HeaderName, HeaderValue], Field(repr=False)] = {}
    ca_file: CertificateFile = None

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
