"""Validate profiles: the keys of a load model belong together."""

from collections.abc import Iterator

from config.model_keys import Location
from scenarios.language.model import Scenario
from scenarios.language.objectives import NO_LIMIT
from scenarios.language.profiles import AbortOn, Profile
from scenarios.language.violations import Violation

# the keys of one load model, and what is wrong with them in a profile of the other
_OF_CLOSED_MODEL = (
    ("users", "iterations", "think", "max_duration"),
    "belongs to the closed model; remove it, or remove the rate or stages",
)
_OF_OPEN_MODEL = (
    ("arrivals", "seed", "max_users"),
    "belongs to the open model; remove it, or write a rate instead of users",
)


def find_profile_violations(scenario: Scenario) -> Iterator[Violation]:
    """Yield every violation of the profiles."""
    for name, profile in scenario.profiles.items():
        place: Location = ("profiles", name)
        others, remedy = _OF_CLOSED_MODEL if profile.is_open else _OF_OPEN_MODEL
        misplaced = [key for key in others if getattr(profile, key) is not None]
        yield from (((*place, key), f"{key} {remedy}") for key in misplaced)
        # a profile with keys of both models has no model whose rules it could break
        if not misplaced:
            yield from ((place, message) for message in _profile(profile))
            if profile.abort_on is not None:
                place = (*place, "abort_on")
                yield from ((place, message) for message in _abort_on(profile, profile.abort_on))


def _abort_on(profile: Profile, abort_on: AbortOn) -> Iterator[str]:
    if not abort_on.limits():
        yield f"abort_on {NO_LIMIT}"
    measured_s = profile.duration_s - (profile.warm_up or 0.0)
    if profile.iterations is None and abort_on.over >= measured_s > 0:
        yield (f"abort_on observes {abort_on.over:g} s, and the load is measured for "
               f"{measured_s:g} s; make over: shorter")  # fmt: skip


def _profile(profile: Profile) -> Iterator[str]:
    if profile.is_open:
        yield from _open_model(profile)
    elif profile.users is None:
        yield "no load is given; write users and iterations or duration, or a rate and duration"
    elif (profile.iterations is None) == (profile.duration is None):
        yield "write either iterations or duration"
    elif profile.duration is not None and profile.max_duration is not None:
        yield "max_duration limits iterations; remove it, or remove duration"
    if profile.warm_up is not None and profile.iterations is not None:
        yield "warm_up is a part of the duration; write duration instead of iterations"
    elif profile.warm_up is not None and 0 < profile.duration_s <= profile.warm_up:
        yield "warm_up covers the whole load; make it shorter, or the load longer"


def _open_model(profile: Profile) -> Iterator[str]:
    if profile.rate is not None and profile.stages is not None:
        yield "write either rate or stages"
    elif isinstance(profile.rate, float) and profile.duration is None:
        yield "the rate has no duration; add one, as in duration: 10m"
    elif not isinstance(profile.rate, float) and profile.duration is not None:
        yield "ramps and stages have their own durations; remove duration"
    elif not sum(stage.arrivals for stage in profile.open_stages):
        yield "no iteration arrives at a rate of 0; write for example 20/s"
    if profile.seed is not None and profile.arrivals != "poisson":
        yield "evenly spaced arrivals have no seed; remove it, or write arrivals: poisson"
