"""Where is Prometheus, or what answers like it, and how does one show who asks?"""

import re
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from config.documents import StrictModel
from config.headers import HeaderName, HeaderValue
from config.network import CertificateFile
from config.units import Duration
from config.urls import PrometheusUrl


def _token(text: str) -> str:
    if not re.fullmatch(r"[!-~]+", text):
        raise ValueError("it is not a token: one word of visible ASCII, without Bearer")
    return text


def _username(text: str) -> str:
    if ":" in text:
        raise ValueError("a user's name has no colon in it")
    return _password(text)


def _password(text: str) -> str:
    if not text or any(ord(each) < ord(" ") or each == "\x7f" for each in text):
        raise ValueError("it is empty, or has a line break or another control character in it")
    return text


Token = Annotated[str, AfterValidator(_token)]


class BasicAuth(StrictModel):
    """A user and password, as HTTP's basic authentication shows them."""

    username: Annotated[str, AfterValidator(_username)]
    password: Annotated[str, AfterValidator(_password), Field(repr=False)]


class Prometheus(StrictModel):
    """What keeps the services' samples and answers Prometheus' query interface.

    `url` is what `/api/v1` lies below. `timeout` is of one query, in seconds: of its connection,
    and of each wait for more of its answer. `headers` go with every query, verbatim. `ca_file` has
    the certificates to trust instead of the environment's, in PEM form; its path is relative to the
    environment's file, or to the current folder where there is none.
    """

    url: PrometheusUrl
    timeout: Duration = 10.0
    bearer_token: Annotated[Token | None, Field(repr=False)] = None
    basic_auth: BasicAuth | None = None
    headers: Annotated[dict[HeaderName, HeaderValue], Field(repr=False)] = {}
    ca_file: CertificateFile = None

    def credentials(self) -> list[str]:
        """Return the keys that say who asks: one, or none."""
        keys = [key for key in ("bearer_token", "basic_auth") if getattr(self, key)]
        named = (name for name in self.headers if name.lower() == "authorization")
        return [*keys, *(f"headers.{name}" for name in named)]

    @model_validator(mode="after")
    def _is_of_one_mind(self) -> Self:
        keys = self.credentials()
        if len(keys) > 1:
            raise ValueError(f"{' and '.join(keys)} exclude each other; keep one of them")
        return self
