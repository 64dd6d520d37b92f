"""What a response must have, and what a step saves of it."""

from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from config.headers import HeaderName
from config.models import StrictModel
from config.requirements import requires
from scenarios.language.other_names import OF_CAPTURE, OF_EXPECT
from scenarios.language.streams import WrittenEventCount
from scenarios.language.text_pattern import TextPattern

_CLASSES = {f"{first}xx": range(first * 100, first * 100 + 100) for first in range(1, 6)}
_STATUSES = range(100, 600)


def _listed(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


def _is_status(value: Any) -> bool:
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return value in _STATUSES if is_number else isinstance(value, str) and value in _CLASSES


_IS_STATUS = requires(
    _is_status, "{0!r} is not a status; write 200, a class such as 2xx, or a list of them"
)
_IS_NOT_EMPTY = requires(bool, "no status is expected; write 200, or a class such as 2xx")
Statuses = Annotated[list[Annotated[Any, _IS_STATUS]], _IS_NOT_EMPTY, BeforeValidator(_listed)]


def statuses_of(key: str) -> frozenset[int]:
    """Return the statuses that a key of a mapping means: one or a class; none if it is neither.

    >>> sorted(statuses_of("409")), len(statuses_of("4xx")), statuses_of("many")
    ([409], 100, frozenset())
    """
    if key in _CLASSES:
        return frozenset(_CLASSES[key])
    is_status = key.isascii() and key.isdecimal() and int(key) in _STATUSES
    return frozenset({int(key)} if is_status else ())


def _pattern(pattern: str) -> str:
    TextPattern(pattern)
    return pattern


def _group(pattern: str) -> str:
    if TextPattern(pattern).groups != 1:
        raise ValueError(f"{pattern!r} needs one group, which is saved; write one (…)")
    return pattern


Pattern = Annotated[str, AfterValidator(_pattern)]


class TextMatch(StrictModel):
    """What a text must be, contain, and match at any place; all that are given."""

    equals: str | None = None
    contains: str | None = None
    matches: Pattern | None = None

    @model_validator(mode="after")
    def _has_one(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("nothing is expected; write equals, contains or matches")
        return self


def _schema(value: Any) -> Any:
    if not isinstance(value, str | bool | dict):
        raise ValueError("a schema is a mapping, or the name of a file, as in order.json")
    return value


_IS_SCHEMA = BeforeValidator(_schema)


def _match(key: str) -> BeforeValidator:
    def as_match(value: Any) -> Any:
        if isinstance(value, bool | int | float):
            text = str(value).lower()
            raise ValueError(f"it is compared as text; quote it: '{text}'")
        return {key: value} if isinstance(value, str) else value

    return BeforeValidator(as_match)


class Expect(StrictModel):
    """What any response must have: its status, headers, text, and values at JMESPath expressions.

    A header that is null must be absent. `schema` is a JSON Schema, or names one in a file.
    `events` is how many a stream has.
    """

    other_names = OF_EXPECT

    status: Statuses = [200]
    headers: dict[HeaderName, Annotated[TextMatch | None, _match("equals")]] = {}
    text: Annotated[TextMatch | None, _match("contains")] = None
    body_values: Annotated[dict[str, Any], Field(alias="json")] = {}
    body_schema: Annotated[
        str | bool | dict[str, Any] | None, _IS_SCHEMA, Field(alias="schema")
    ] = None
    events: WrittenEventCount | None = None

    @property
    def statuses(self) -> frozenset[int]:
        """Every status that is expected."""
        return frozenset(
            status for each in self.status for status in _CLASSES.get(each, (each,))
        )  # fmt: skip

    @property
    def status_text(self) -> str:
        """The statuses as they are written, for people."""
        return " or ".join(map(str, self.status))


class Capture(StrictModel):
    """Where a saved value comes from: JMESPath, a header, a cookie, or the group of a pattern.

    `default` is what is saved of a response that lacks it.
    """

    other_names = OF_CAPTURE

    json_path: Annotated[str | None, Field(alias="json")] = None
    header: HeaderName | None = None
    cookie: Annotated[str | None, Field(min_length=1)] = None
    text: Annotated[str | None, AfterValidator(lambda text: text and _group(text))] = None
    default: Any = None

    @model_validator(mode="after")
    def _has_one_source(self) -> Self:
        sources = (self.json_path, self.header, self.cookie, self.text)
        if sum(source is not None for source in sources) != 1:
            raise ValueError("a value is saved from one of json, header, cookie and text")
        if "default" in self.model_fields_set and self.default is None:
            raise ValueError("a default is a value, and null is none; write one, or remove default")
        if isinstance(self.default, str) and "{{" in self.default:
            raise ValueError("a default is no template; write a fixed value")
        return self


# a text alone is a JMESPath expression
WrittenCapture = Annotated[
    Capture, BeforeValidator(lambda value: {"json": value} if isinstance(value, str) else value)
]
