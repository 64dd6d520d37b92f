"""What a witness reports about one part of a scenario before anything is sent."""

from dataclasses import dataclass
from enum import StrEnum

from config.model_keys import Location


class Outcome(StrEnum):
    """Whether a run can carry out a part of its scenario."""

    FOUND = "found"
    WRONG = "wrong"  # the scenario is wrong: a name that nobody has, a query that is refused
    UNSEEN = "unseen"  # it is not known, for example before the first count
    DOWN = "down"  # the witness that knows cannot be asked


@dataclass(frozen=True, slots=True)
class Inspection:
    """One part of a scenario, by its place in the file, and what became of asking for it.

    `subject` is the name of the quantity or check, and the source that was asked.
    """

    location: Location
    subject: tuple[str, ...]
    outcome: Outcome
    observed: str
    remedy: str = ""
