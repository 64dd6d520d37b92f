"""Steps: the requests of a flow, and what each expects, saves and counts."""

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from config.headers import OwnFlowHeaders
from config.models import StrictModel
from config.units import Duration
from scenarios.language.bodies import Parts, WrittenFileBody
from scenarios.language.expect import Expect, WrittenCapture
from scenarios.language.identifiers import Name
from scenarios.language.other_names import OF_STEP, OF_UNTIL
from scenarios.language.quantities import Counts
from scenarios.language.streams import HangUp, WrittenStreamKind

BODY_KEYS = ("json", "form", "multipart", "text", "file")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")

_REQUEST = re.compile(rf"({'|'.join(METHODS)})\s+([\w.-]+)\s+(/\S.*|/|\{{\{{.+\}}\}}.*)")
_URL = re.compile(r"https?://[^/\s]*(\S*)")
_WRITTEN = "METHOD service /path, as in POST cards /api/v1/cards"


def _request(value: Any) -> Any:
    """Refuse what is no request. Raises ValueError with the part that is wrong."""
    if isinstance(value, dict):
        raise ValueError(f"a request is one text; write {_WRITTEN}, and other keys beside request")
    if isinstance(value, str) and not _REQUEST.fullmatch(value):
        raise ValueError(f"{value!r} is not a request; {_remedy(value.split())}")
    return value


def _remedy(words: list[str]) -> str:
    method, places = (words[0], words[1:]) if words else ("", [])
    if method.upper() not in METHODS:
        return f"write {_WRITTEN}; the methods are {', '.join(METHODS)}"
    if url := _URL.fullmatch(places[0]) if places else None:
        path = url[1] or "/"
        return (f"name a service of the environment in place of the address, as in "
                f"{method.upper()} service {path}")  # fmt: skip
    if method not in METHODS:
        return f"write the method in capitals: {method.upper()}"
    if places and places[0].startswith("/"):
        return f"name the service before the path, as in {method} service {places[0]}"
    return f"write {_WRITTEN}"


class Until(Expect):
    """When a step that is repeated is done: its request is sent `every` so often, `within` a time.

    A status that it names is waited for; without one, every response must have that of `expect`.
    """

    other_names = OF_UNTIL

    every: Duration = 1.0
    within: Duration = 30.0


class Step(StrictModel):
    """One request of the flow: what it sends, expects, saves and counts.

    The body is one of `json`, `form` (URL-encoded), `multipart`, `text` and `file`. In `query` and
    `form`, a list repeats its name. A header that is null is left out.
    `counts` maps a quantity to an amount, or to a mapping by label value, nested for further
    labels. Amounts and label values may be templates, also of what the step saves. `at_most` is how
    much of a quantity a request without a response can have counted.
    `reported_by` names a later step, whose response has the amounts that this one counts.
    `counts_by_status` is what an unexpected response of a status, or a class such as 4xx, counts.
    The events of a response that is a `stream` are read as they come; the client may `hang_up`.
    `timeout` limits the whole exchange, in seconds. `when_rejected` is what an unexpected response
    means for `counts`; by default a 4xx counts nothing, and any other is in doubt.
    """

    other_names = OF_STEP

    step: Annotated[str, Field(min_length=1, max_length=80, examples=["a step"])]
    request: Annotated[str, BeforeValidator(_request), Field(examples=["GET service /"])]
    query: dict[str, Any] = {}
    headers: OwnFlowHeaders = {}
    json_body: Annotated[Any, Field(alias="json")] = None
    form: dict[str, Any] = {}
    multipart: dict[str, Parts] = {}
    text: str = ""
    file_body: Annotated[WrittenFileBody | None, Field(alias="file")] = None
    timeout: Duration = 10.0
    expect: Expect = Expect()
    until: Until | None = None
    stream: WrittenStreamKind | None = None
    hang_up: HangUp | None = None
    save: dict[Name, WrittenCapture] = {}
    counts: dict[Name, Counts] = {}
    at_most: dict[Name, int | float | str] = {}
    reported_by: str | None = None
    counts_by_status: dict[str, dict[Name, Counts]] = {}
    when_rejected: Literal["nothing", "in doubt"] | None = None

    @property
    def wait(self) -> str | None:
        """The name of the time until this step is done, if it is repeated until then."""
        return f"{self.step}: until done" if self.until else None

    @property
    def first_event(self) -> str | None:
        """The name of the time until the first event of its stream, if it has one."""
        return f"{self.step}: first event" if self.stream else None

    @property
    def longest_gap(self) -> str | None:
        """The name of the longest time between two events of its stream, if it has one."""
        return f"{self.step}: longest gap" if self.stream else None

    @property
    def timed(self) -> tuple[str, ...]:
        """What is timed of it, by name: each request, and what else its keys say."""
        names = (self.step, self.wait, self.first_event, self.longest_gap)
        return tuple(name for name in names if name)

    def expectations(self) -> Iterator[tuple[str, Expect]]:
        """Yield what responses are compared with, each with its key."""
        yield "expect", self.expect
        if self.until:
            yield "until", self.until

    @property
    def counted(self) -> set[str]:
        """The quantities that it can count."""
        return set(self.counts).union(*self.counts_by_status.values())

    def status_key(self, status: int | None) -> str | None:
        """Return the key of `counts_by_status` for a status: its own, or that of its class."""
        of_class = f"{(status or 0) // 100}xx"
        return next((key for key in (str(status), of_class) if key in self.counts_by_status), None)

    def request_parts(self) -> tuple[str, str, str]:
        """Return method, service and path (a template)."""
        method, service, path = self.request.split(maxsplit=2)
        return method, service, path

    @property
    def body_keys(self) -> tuple[str, ...]:
        """The keys of a body that are written, in the order of `BODY_KEYS`."""
        fields = {field.alias or name: name for name, field in type(self).model_fields.items()}
        return tuple(key for key in BODY_KEYS if fields[key] in self.model_fields_set)
