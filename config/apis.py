"""Settings of the usage APIs to ask: the address, the credentials and the time limit of each."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from config.auth import NO_AUTH, Auth
from config.headers import FlowHeaders
from config.models import StrictModel
from config.network import CertificateFile
from config.other_names import OF_API
from config.units import Duration
from config.urls import BaseUrl, UrlPath


class Api(StrictModel):
    """A usage API, as customers are billed by, or any HTTP API that reports counts as JSON.

    The paths of requests are below `url`. `auth` is as that of a service; `headers` are sent with
    every request, verbatim. `timeout` applies to one request, in seconds, with its whole response.
    `probe` is a path below `url` that needs the credentials; `doctor` requests it. `ca_file` is a
    PEM file that replaces the environment's; its path is relative to the environment file.
    """

    other_names = OF_API

    url: BaseUrl
    auth: Auth = NO_AUTH
    headers: Annotated[FlowHeaders, Field(repr=False)] = {}
    timeout: Duration = 10.0
    probe: UrlPath | None = None
    ca_file: CertificateFile = None

    @model_validator(mode="after")
    def _sends_each_header_once(self) -> Self:
        name = self.auth.header_name
        if name and name.lower() in map(str.lower, self.headers):
            raise ValueError(f"auth sends {name} itself; remove it from headers")
        return self
