"""Metrics that a service pushes, by OTLP, remote write or an import API: nothing scrapes them."""

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator

from config.models import StrictModel
from config.other_names import OF_PUSHED
from config.prometheus import LABEL
from config.requirements import requires
from config.units import Duration

# A query shows a sample for five minutes; one of them is kept for a clock that is ahead.
_MAX_INTERVAL_S = 240.0
_MIN_INTERVAL_S = 0.05
_IS_LABEL = requires(LABEL.fullmatch, "{0!r} is not a label; write letters, digits and _")


def _pushable(every: float) -> float:
    if not _MIN_INTERVAL_S <= every <= _MAX_INTERVAL_S:
        raise ValueError("must be from 50ms to 4m: a query shows a sample for five minutes")
    return every


class Pushed(StrictModel):
    """How a service pushes its metrics to the backend that `prometheus` names.

    `every` is the interval of its exports; by default it is measured. `job_label` is the label of
    its series that has the value of `job`.
    """

    other_names = OF_PUSHED

    every: Annotated[Duration, AfterValidator(_pushable)] | None = None
    job_label: Annotated[str, _IS_LABEL] = "job"


def _settings(value: Any) -> Any:
    """Return the settings that `true` and `false` stand for. Raises ValueError."""
    if isinstance(value, bool):
        return {} if value else None
    if not isinstance(value, dict | Pushed):
        raise ValueError("must be true, or a mapping such as {every: 60s}")
    return value


PushedMetrics = Annotated[Pushed | None, BeforeValidator(_settings)]
