"""Requests to usage APIs: what is asked, how pages follow each other, what is picked."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from config.headers import FlowHeaders
from config.models import StrictModel
from config.requirements import matches
from config.units import Duration
from scenarios.language.identifiers import Name
from scenarios.language.other_names import OF_API_REQUEST, OF_PAGING

_MOST_VALUES = 1_000
_KINDS = ("cursor", "page", "url", "link")

RunPath = Annotated[
    str, matches(r"(?s)/.*", "{0!r} is not a path; write /…, below the url of the API")
]
Expression = Annotated[str, Field(min_length=1, max_length=1_000)]
Parameter = Annotated[str, matches(r"[^\s&=#?]+", "{0!r} is not the name of a parameter")]


class Paging(StrictModel):
    """How the pages of a response follow each other.

    `cursor` finds in a page what the next request has as its `parameter`; `page` names the
    parameter of the page number, or of an offset, from `first` on by `step`; `url` finds the
    address of the next page, and `link: next` has it in the `Link` header. Cursor and address are
    over where they are null, page numbers at two pages without rows, unless `more` finds in each
    page whether another one follows. `total` finds how many rows all pages have together.

    A parameter is in the query, or in the body of a request that has one, unless it is `in: query`.
    In JSON, `a.b` is the member `b` of `a`.
    """

    other_names = OF_PAGING

    cursor: Expression | None = None
    parameter: Parameter | None = None
    page: Parameter | None = None
    first: Annotated[int, Field(ge=0)] = 1
    step: Annotated[int, Field(ge=1)] = 1
    url: Expression | None = None
    link: Literal["next"] | None = None
    more: Expression | None = None
    total: Expression | None = None
    place: Annotated[Literal["query"] | None, Field(alias="in")] = None

    @model_validator(mode="after")
    def _has_one_kind(self) -> Self:
        kinds = [key for key in _KINDS if getattr(self, key) is not None]
        if len(kinds) != 1:
            raise ValueError("write one of cursor, page, url and link, as in {link: next}")
        if (self.cursor is None) != (self.parameter is None):
            raise ValueError("a cursor needs its parameter, and only a cursor has one; write "
                             "cursor: EXPRESSION, parameter: NAME")  # fmt: skip
        if not self.page and self.model_fields_set & {"first", "step"}:
            raise ValueError("only a page number has first and step; write page: PARAMETER")
        if self.place and (self.url or self.link):
            raise ValueError("an address has no parameter; remove in")
        if self.link and self.more:
            raise ValueError("the Link header itself says whether a page follows; remove more")
        return self


class ApiRequest(StrictModel):
    """A request whose response has the counts of a quantity.

    The path of `get` or `post`, `query`, `headers`, `json` and `form` have templates over `tenant`,
    `run` and the label of `each`. `pick` is a JMESPath expression that finds one object per set of
    labels, with the labels and `value`; or a number, for a quantity without labels. `expect` is
    what a complete response has, by expression. `each` sends the request once per value of a label.

    The counts are those after the run without those before it; with `absolute`, which needs a new
    tenant in each run, those after it. `settle` is how long after the last response the API may
    lack counts, in seconds; by default that of the quantity. `run.begun` is rounded down and
    `run.ended` up to a multiple of `align`, in seconds. `since` finds the time from which the API
    counts, as the start of a billing period.
    """

    other_names = OF_API_REQUEST

    get: RunPath | None = None
    post: RunPath | None = None
    query: dict[str, Any] = {}
    headers: FlowHeaders = {}
    json_body: Annotated[Any, Field(alias="json")] = None
    form: dict[str, Any] = {}
    pick: Annotated[Expression, Field(examples=["data[].value"])]
    paging: Paging | None = None
    expect: dict[Expression, Any] = {}
    each: Annotated[
        dict[Name, Annotated[list[str], Field(min_length=1, max_length=_MOST_VALUES)]],
        Field(max_length=1),
    ] = {}
    settle: Duration | None = None
    align: Duration = 1.0
    absolute: bool = False
    since: Expression | None = None

    @model_validator(mode="after")
    def _is_one_request(self) -> Self:
        if (self.get is None) == (self.post is None):
            raise ValueError("a request has one path; write either get: /path or post: /path")
        if self.get and (self.json_body is not None or self.form):
            raise ValueError("a GET has no body; write post: /path, or query:")
        if self.json_body is not None and self.form:
            raise ValueError("a request has one body; write json or form, not both")
        return self

    @property
    def method(self) -> str:
        """The method of the request: GET or POST."""
        return "GET" if self.get else "POST"

    @property
    def path(self) -> str:
        """The path, a template."""
        return self.get or self.post or ""

    @property
    def sent(self) -> tuple[tuple[str, Any], ...]:
        """What has templates, by key."""
        return (
            ("get" if self.get else "post", self.path), ("query", self.query),
            ("headers", self.headers), ("json", self.json_body), ("form", self.form),
        )  # fmt: skip
