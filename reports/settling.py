"""Put into words how long a run waits after its last response."""

from witnesses.prometheus.settling import Settling

_MINUTE_S = 60.0
_SHORT_S = 2 * _MINUTE_S


def render_settling(settling: Settling) -> str:
    """Return the sentence.

    >>> render_settling(Settling(15.0))
    'Prometheus scrapes every 15 s: settling takes about 45 s after the last response'
    >>> render_settling(Settling(60.0, delay_s=2.0))
    'Prometheus scrapes every 60 s: settling takes about 3 min after the last response'
    """
    duration = _rounded(settling.duration_s)
    by = settling.pushed_by
    what = f"{by} pushes its metrics" if by else "Prometheus scrapes"
    return (
        f"{what} every {settling.interval_s:.3g} s: "
        f"settling takes about {duration} after the last response"
    )


def render_api_settling(name: str, settle_s: float) -> str:
    """Return the sentence about a usage API.

    >>> render_api_settling("billing", 120.0)
    'the API billing settles for 120 s after the last response'
    """
    return f"the API {name} settles for {_rounded(settle_s)} after the last response"


def _rounded(duration_s: float) -> str:
    is_short = duration_s <= _SHORT_S
    return f"{duration_s:.0f} s" if is_short else f"{duration_s / _MINUTE_S:.2g} min"
