"""Parse durations, rates, pauses and percentages: "500ms", "20/s", "1s to 3s", "99.5%"."""

import re
from collections.abc import Callable
from typing import Annotated

from pydantic import BeforeValidator

_WHOLE = 100
_LONGEST_S, _FASTEST_PER_S = 1_000 * 86_400.0, 1_000_000.0
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_PER_S = {"s": 1.0, "m": 1 / 60.0, "h": 1 / 3600.0}
_RATE = re.compile(r"(\d+(?:\.\d+)?)\s*/\s*(s|m|h)")
_SPELLED_UNITS = {
    **dict.fromkeys(("ms", "msec", "millis", "milliseconds", "millisecond"), 0.001),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1.0),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), 60.0),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), 3600.0),
    **dict.fromkeys(("d", "day", "days"), 86_400.0),
}
_UNIT = "|".join(sorted(_SPELLED_UNITS, reverse=True))
_SPELLED_PART = re.compile(rf"(\d+(?:\.\d+)?)\s*({_UNIT})")
_SPELLED_RATE = re.compile(
    r"(\d+(?:\.\d+)?)\s*(?:rps|qps|tps|ps|hz|req/s|/\s*sec(?:ond)?|per sec(?:ond)?)"
)
_RATIO = re.compile(r"0?\.\d*[1-9]")
_HYPHENED = re.compile(r"(\d\S*?)\s*(?:-|–|\.\.)\s*(\d\S*)")
_PERCENTAGE = re.compile(r"(\d+(?:\.\d+)?)\s*%")


def parse_duration(text: object) -> float:
    """Return a duration in seconds. Raises ValueError unless the text is a number with a unit.

    >>> parse_duration("500ms"), parse_duration("2.5s"), parse_duration("10m")
    (0.5, 2.5, 600.0)
    """
    match = _DURATION.fullmatch(text.strip()) if isinstance(text, str) else None
    if match is None:
        hint = _meant(text, _spelled_seconds, "{:g}s")
        message = f"{text!r} is not a duration; write a number and a unit: 500ms, 2.5s, 10m"
        raise ValueError(f"{message}{hint}")
    seconds = float(match[1]) * _SECONDS[match[2]]
    if not 0 < seconds <= _LONGEST_S:
        reason = "is not a duration above zero" if seconds <= 0 else "is longer than 1000 days"
        raise ValueError(f"{text!r} {reason}")
    return seconds


def parse_rate(text: object) -> float:
    """Return a rate per second. Raises ValueError unless the text is a number per s, m or h.

    >>> parse_rate("20/s"), parse_rate("90/m")
    (20.0, 1.5)
    """
    match = _RATE.fullmatch(text.strip()) if isinstance(text, str) else None
    if match is None:
        hint = _meant(text, _spelled_rate, "{:g}/s")
        raise ValueError(f"{text!r} is not a rate; write for example 20/s, 90/m or 500/h{hint}")
    per_s = float(match[1]) * _PER_S[match[2]]
    if per_s > _FASTEST_PER_S:
        raise ValueError(f"{text!r} is more than 1000000/s")
    return per_s


def parse_pause(text: object) -> tuple[float, float]:
    """Return the least and the greatest length of a pause, in seconds. Raises ValueError.

    >>> parse_pause("1s"), parse_pause("500ms to 3s")
    ((1.0, 1.0), (0.5, 3.0))
    """
    if isinstance(text, str) and (ends := _HYPHENED.fullmatch(text.strip())):
        raise ValueError(f"{text!r} is not a pause; write {ends[1]} to {ends[2]}")
    least, to, most = text.partition(" to ") if isinstance(text, str) else (text, "", "")
    pause = parse_duration(least), parse_duration(most if to else least)
    if pause[1] < pause[0]:
        raise ValueError(f"{text!r} is not a pause; write the shorter time first, as in 1s to 3s")
    return pause


def parse_share(text: object) -> float:
    """Return a ratio from 0 to 1. Raises ValueError unless the text is a percentage.

    >>> parse_share("99.5%")
    0.995
    """
    match = _PERCENTAGE.fullmatch(text.strip()) if isinstance(text, str) else None
    # The pattern has no sign, so that only the upper bound is left to check.
    if match is None or float(match[1]) > _WHOLE:
        hint = _meant(text, _spelled_share, "{:g}%")
        message = f"{text!r} is not a percentage from 0% to 100%; write for example 99.5%"
        raise ValueError(f"{message}{hint}")
    return float(match[1]) / _WHOLE


def _meant(text: object, read: Callable[[str], float | None], form: str) -> str:
    """Return a hint at what was meant, if another spelling shows it, or ""."""
    found = read(str(text).strip().lower()) if not isinstance(text, bool) else None
    return f"; did you mean {form.format(found)}?" if found else ""


def _spelled_seconds(text: str) -> float | None:
    """Return the seconds of a duration with other names of units, or of several units."""
    parts = _SPELLED_PART.findall(text)
    is_whole = parts and not _SPELLED_PART.sub("", text).strip(" ,<=")
    return sum(float(number) * _SPELLED_UNITS[unit] for number, unit in parts) if is_whole else None


def _spelled_rate(text: str) -> float | None:
    match = _SPELLED_RATE.fullmatch(text)
    return float(match[1]) if match else None


def _spelled_share(text: str) -> float | None:
    """Return the percentage of a ratio below 1."""
    return float(text) * _WHOLE if _RATIO.fullmatch(text) else None


Duration = Annotated[float, BeforeValidator(parse_duration)]
Pause = Annotated[tuple[float, float], BeforeValidator(parse_pause)]
Rate = Annotated[float, BeforeValidator(parse_rate)]
Share = Annotated[float, BeforeValidator(parse_share)]
