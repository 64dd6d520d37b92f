"""How is this service configured? From environment variables, read once at start."""

import os
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from limits import RateLimitItem, parse
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

Seconds = Annotated[float, Field(gt=0, le=3600, allow_inf_nan=False)]


class StartError(Exception):
    """The service cannot start; the text says why, and what to do."""


def _secrets(text: Any) -> Any:
    """Split `a,b`: several tokens at once let one be replaced without a moment of refusal."""
    return [part for part in map(str.strip, text.split(",")) if part]


def _rate(text: Any) -> Any:
    return parse(text)


def _database(text: str) -> str:
    if not text.startswith(("sqlite:///", "postgresql://", "postgresql+psycopg://")):
        raise ValueError("write sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE")
    return text


Secrets = Annotated[tuple[SecretStr, ...], BeforeValidator(_secrets)]
Rate = Annotated[RateLimitItem, BeforeValidator(_rate)]


class Settings(BaseModel):
    """What a service is told at start; each field is the environment variable of its name."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    service: str
    database_url: Annotated[str, AfterValidator(_database)]
    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(str.upper)
    ] = "INFO"
    fault: str | None = None
    # For each worker process. PostgreSQL allows 100 in all, unless told otherwise.
    database_connections: Annotated[int, Field(ge=1, le=1000)] = 20

    # Who may call, and how often. Without tokens anybody may.
    api_tokens: Secrets = ()
    service_tokens: Secrets = ()
    rate_limit: Rate | None = None  # "100/minute", for each tenant and worker process

    # How Cards is called.
    cards_url: str = "http://127.0.0.1:8002"
    cards_token: SecretStr | None = None
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
