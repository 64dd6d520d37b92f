"""How is this service configured? From environment variables, read once at start."""

import os
import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from limits import RateLimitItem, parse_many
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

Seconds = Annotated[float, Field(gt=0, le=3600, allow_inf_nan=False)]


class StartError(Exception):
    """The service cannot start; the text says why, and what to do."""


def _secrets(text: Any) -> Any:
    """Split `a,b`: several tokens at once let one be replaced without a moment of refusal."""
    tokens = [part for part in map(str.strip, text.split(",")) if part]
    if not tokens:
        # Whoever sets the variable wants tokens: none at all would let everybody in.
        raise ValueError("write at least one token, or leave the variable away")
    return tokens


def _token(secret: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[\x21-\x2b\x2d-\x7e]+", secret.get_secret_value()):
        raise ValueError("a token is of visible ASCII characters other than the comma")
    return secret


def _rate(text: Any) -> Any:
    # The library would show the text, and of several rates quietly take the first.
    try:
        (rate,) = parse_many(text)
    except ValueError:
        rate = None
    if rate is None or rate.amount < 1:
        raise ValueError("write one rate of at least one request, such as 100/minute")
    return rate


def _database(text: str) -> str:
    form = r"sqlite:///(?!:memory:).+|postgresql(\+psycopg)?://.+"
    if not re.fullmatch(form, text) or not _is_readable(make_url, text):
        raise ValueError("write sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE")
    return text


def _service(text: str) -> str:
    if not re.fullmatch(r"https?://[^\s/?#@]+/?", text) or not _is_readable(_host_and_port, text):
        raise ValueError("write http://HOST:PORT or https://HOST:PORT")
    return text


def _is_readable(read: Callable[[str], object], text: str) -> bool:
    try:
        return bool(read(text))
    except (ValueError, ArgumentError):
        return False


def _host_and_port(url: str) -> tuple[str, int | None] | None:
    parts = urlsplit(url)
    return (parts.hostname, parts.port) if parts.hostname else None


Secret = Annotated[SecretStr, AfterValidator(_token)]
Secrets = Annotated[tuple[Secret, ...], BeforeValidator(_secrets)]
Rate = Annotated[RateLimitItem, BeforeValidator(_rate)]


class Settings(BaseModel):
    """What a service is told at start; each field is the environment variable of its name."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    service: str
    # Not in the repr: it may hold a password.
    database_url: Annotated[str, AfterValidator(_database), Field(repr=False)]
    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(str.upper)
    ] = "INFO"
    fault: str | None = None
    # What is deployed, as /health tells it.
    service_version: Annotated[str, Field(max_length=200)] = ""
    # For each worker process. PostgreSQL allows 100 in all, unless told otherwise.
    database_connections: Annotated[int, Field(ge=1, le=1000)] = 20

    # Who may call, and how often. Without tokens anybody may.
    api_tokens: Secrets = ()
    service_tokens: Secrets = ()
    rate_limit: Rate | None = None  # "100/minute", for each tenant and worker process

    # How Cards is called.
    cards_url: Annotated[str, AfterValidator(_service)] = "http://127.0.0.1:8002"
    cards_token: Secret | None = None
    cards_deadline_s: Seconds = 5.0
    cards_cache_ttl_s: Seconds = 300.0
    circuit_failures: Annotated[int, Field(ge=1, le=1000)] = 5
    circuit_open_s: Seconds = 2.0

    # How long generation is made to take: a seeded log-normal distribution, or no time at all.
    generation_delay_median_s: Seconds | None = None
    generation_delay_p95_s: Seconds | None = None
    generation_delay_seed: int = 0

    @model_validator(mode="after")
    def _delay_is_whole(self) -> "Settings":
        median_s, p95_s = self.generation_delay_median_s, self.generation_delay_p95_s
        if (median_s is None) != (p95_s is None):
            raise ValueError(
                "GENERATION_DELAY_MEDIAN_S and GENERATION_DELAY_P95_S go together: set both or none"
            )
        if median_s is not None and p95_s is not None and p95_s <= median_s:
            raise ValueError("GENERATION_DELAY_P95_S must be above GENERATION_DELAY_MEDIAN_S")
        return self


def read_settings(service: str, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings of the named service; an empty variable is an absent one.

    Raises StartError, which names every variable that is wrong and no value.
    """
    names = Settings.model_fields.keys() - {"service"}
    given = {name: environ[name.upper()] for name in names if environ.get(name.upper())}
    try:
        return Settings.model_validate(
            {"service": service, "database_url": f"sqlite:///{service}.db", **given}
        )
    except ValidationError as error:
        wrong = "; ".join(_sentence(problem["loc"], problem["msg"]) for problem in error.errors())
        raise StartError(f"{wrong}.") from None


def _sentence(where: tuple[int | str, ...], what: str) -> str:
    what = what.removeprefix("Value error, ")
    return f"{str(where[0]).upper()}: {what}" if where else what
