"""The keys of a step whose response is a stream: after how many events the client hangs up."""

from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from config.models import StrictModel
from scenarios.http.streams import MAX_EVENTS, StreamKind
from scenarios.language.identifiers import Name
from scenarios.language.other_names import OF_EVENT_COUNT, OF_HANG_UP

EVENTS_VARIABLE = "events"

WrittenStreamKind = Annotated[StreamKind, Field(strict=False)]
_Count = Annotated[int, Field(ge=0, le=MAX_EVENTS)]


class HangUp(StrictModel):
    """The client closes the connection right after an event; the exchange has then succeeded.

    `at_most` is how much of a quantity may be counted until the service notices; by default, it is
    what `counts` says.
    """

    other_names = OF_HANG_UP

    after_events: Annotated[int, Field(ge=1, le=MAX_EVENTS, examples=[3])]
    at_most: dict[Name, int | float | str] = {}


class EventCount(StrictModel):
    """How many events a stream must have."""

    other_names = OF_EVENT_COUNT

    at_least: _Count | None = None
    at_most: _Count | None = None

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("nothing is expected; write a number, at_least or at_most")
        if self.at_most is not None and (self.at_least or 0) > self.at_most:
            raise ValueError("at_least is more than at_most; swap them")
        return self

    def has(self, count: int) -> bool:
        """Return whether a number of events is expected."""
        return (
            (self.at_least or 0) <= count <= (MAX_EVENTS if self.at_most is None else self.at_most)
        )

    @property
    def words(self) -> str:
        """What is expected, for people.

        >>> EventCount(at_least=3).words, EventCount(at_least=3, at_most=3).words
        ('at least 3', '3')
        """
        if self.at_least == self.at_most:
            return f"{self.at_least}"
        bounds = (("at least", self.at_least), ("at most", self.at_most))
        return " and ".join(f"{name} {bound}" for name, bound in bounds if bound is not None)


def _exact(value: Any) -> Any:
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return {"at_least": value, "at_most": value} if is_number else value


WrittenEventCount = Annotated[EventCount, BeforeValidator(_exact)]
