"""Settings of a service, read from environment variables once at start."""

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


class StartupError(Exception):
    """The service cannot start; the message names the reason and the remedy."""


def _split_tokens(text: Any) -> Any:
    """Split `a,b`: with two accepted tokens, one can be rotated without downtime."""
    tokens = [part for part in map(str.strip, text.split(",")) if part]
    if not tokens:
        # A variable that is set but holds no token would open the API to everyone.
        raise ValueError("write at least one token, or unset the variable")
    return tokens


def _check_token(secret: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[\x21-\x2b\x2d-\x7e]+", secret.get_secret_value()):
        raise ValueError("a token consists of visible ASCII characters except the comma")
    return secret


def _parse_rate(text: Any) -> Any:
    # Not left to the library: its error shows the text, and of several rates it takes the first.
    try:
        (rate,) = parse_many(text)
    except ValueError:
        rate = None
    if rate is None or rate.amount < 1:
        raise ValueError("write one rate of at least one request, such as 100/minute")
    return rate


def _check_database_url(text: str) -> str:
    form = r"sqlite:///(?!:memory:).+|postgresql(\+psycopg)?://.+"
    if not re.fullmatch(form, text) or not _is_readable(make_url, text):
        raise ValueError("write sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE")
    return text


def _check_service_url(text: str) -> str:
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


Secret = Annotated[SecretStr, AfterValidator(_check_token)]
Secrets = Annotated[tuple[Secret, ...], BeforeValidator(_split_tokens)]
Rate = Annotated[RateLimitItem, BeforeValidator(_parse_rate)]


class Settings(BaseModel):
    """Settings of one service; each field is read from the environment variable of its name."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    service: str
    # Hidden in the repr: it may hold a password.
    database_url: Annotated[str, AfterValidator(_check_database_url), Field(repr=False)]
    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(str.upper)
    ] = "INFO"
    fault: str | None = None
    # Deployed version, shown by /health.
    service_version: Annotated[str, Field(max_length=200)] = ""
    # Per worker process. PostgreSQL allows 100 in total by default.
    database_connections: Annotated[int, Field(ge=1, le=1000)] = 20

    # Accepted tokens, and the rate per tenant. Without tokens the API is open.
    api_tokens: Secrets = ()
    service_tokens: Secrets = ()
    rate_limit: Rate | None = None  # such as "100/minute", per tenant and worker process

    # Calls to Cards.
    cards_url: Annotated[str, AfterValidator(_check_service_url)] = "http://127.0.0.1:8002"
    cards_token: Secret | None = None
    cards_deadline_s: Seconds = 5.0
    cards_cache_ttl_s: Seconds = 300.0
    circuit_failures: Annotated[int, Field(ge=1, le=1000)] = 5
    circuit_open_s: Seconds = 2.0

    # Artificial delay of generation: a seeded log-normal distribution, or none.
    generation_delay_median_s: Seconds | None = None
    generation_delay_p95_s: Seconds | None = None
    generation_delay_seed: int = 0

    @model_validator(mode="after")
    def _check_delay(self) -> "Settings":
        median_s, p95_s = self.generation_delay_median_s, self.generation_delay_p95_s
        if (median_s is None) != (p95_s is None):
            raise ValueError(
                "GENERATION_DELAY_MEDIAN_S and GENERATION_DELAY_P95_S go together: set both or none"
            )
        if median_s is not None and p95_s is not None and p95_s <= median_s:
            raise ValueError("GENERATION_DELAY_P95_S must be above GENERATION_DELAY_MEDIAN_S")
        return self


def read_settings(service: str, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings of a service; an empty variable counts as unset.

    Raises StartupError, which names every invalid variable but no value.
    """
    names = Settings.model_fields.keys() - {"service"}
    given = {name: environ[name.upper()] for name in names if environ.get(name.upper())}
    try:
        return Settings.model_validate(
            {"service": service, "database_url": f"sqlite:///{service}.db", **given}
        )
    except ValidationError as error:
        reasons = "; ".join(_describe(item["loc"], item["msg"]) for item in error.errors())
        raise StartupError(f"{reasons}.") from None


def _describe(location: tuple[int | str, ...], message: str) -> str:
    message = message.removeprefix("Value error, ")
    return f"{str(location[0]).upper()}: {message}" if location else message
