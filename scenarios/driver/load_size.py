"""The size of a load that a command line asks for, in place of that of a profile."""

from collections.abc import Iterator
from dataclasses import dataclass

from scenarios.language.profiles import Profile


@dataclass(frozen=True, slots=True)
class LoadSize:
    """What replaces the size of a profile; None leaves what the profile has.

    A rate makes any profile an open model, of which `users` are the most at once.
    """

    users: int | None = None
    iterations: int | None = None
    rate_per_s: float | None = None
    duration_s: float | None = None


UNCHANGED = LoadSize()


def with_load(profile: Profile, size: LoadSize) -> Profile:
    """Return a profile of another size, where given.

    Iterations replace a duration and its warm-up, a duration replaces iterations, and a rate
    replaces users, stages and their durations. An open model keeps its rate otherwise.
    """
    if size.rate_per_s is not None:
        return _with_rate(profile, size.rate_per_s, size)
    duration = {"duration": size.duration_s} if size.duration_s else {}
    if profile.is_open:
        return profile.model_copy(update=duration)
    changes: dict[str, float | None] = {}
    if size.users:
        changes["users"] = size.users
    if duration:
        changes |= {"iterations": None, "max_duration": None, **duration}
    if size.iterations:
        changes |= {"iterations": size.iterations, "duration": None, "warm_up": None}
    return profile.model_copy(update=changes)


def _with_rate(profile: Profile, rate_per_s: float, size: LoadSize) -> Profile:
    closed = dict.fromkeys(("users", "iterations", "think", "max_duration"))
    return profile.model_copy(
        update={
            **closed,
            "rate": rate_per_s,
            "stages": None,
            "duration": size.duration_s or profile.duration,
            "max_users": size.users or profile.max_users,
        }
    )


def find_size_conflicts(name: str, profile: Profile, size: LoadSize) -> Iterator[str]:
    """Yield why a profile cannot have a size, in the words of the command line."""
    given = {"--users": size.users, "--iterations": size.iterations}
    options = " and ".join(option for option, value in given.items() if value)
    if size.rate_per_s is not None:
        yield from _rate_conflicts(profile, size)
    elif profile.is_open and options:
        yield f"{name} is an open model: its rate determines the load; remove {options}"
    elif profile.is_open and size.duration_s and not isinstance(profile.rate, float):
        yield f"{name} has stages with durations of their own; remove --duration, or add --rate"
    elif size.iterations and size.duration_s:
        yield "write either --iterations or --duration"
    warm_up_s, sized = profile.warm_up, with_load(profile, size)
    if size.duration_s and warm_up_s and sized.warm_up and sized.duration_s <= warm_up_s:
        yield f"the warm-up of {name}, {warm_up_s:g} s, covers the whole load; lengthen --duration"


def _rate_conflicts(profile: Profile, size: LoadSize) -> Iterator[str]:
    if size.iterations:
        yield "--iterations belongs to the closed model; remove it, or remove --rate"
    if not (size.duration_s or profile.duration):
        yield "--rate has no duration; add one, as in --duration 10m"
    if not size.rate_per_s:
        yield "no iteration arrives at a rate of 0; write for example --rate 20/s"
