"""Validate the requests to usage APIs: their templates, their expressions, and what they pick."""

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError

from config.model_keys import Location
from config.secrets import SECRET_NAME, is_public_name
from config.suggestions import did_you_mean
from config.variables import texts_in
from scenarios.language.apis import ApiRequest
from scenarios.language.jmespath_validation import find_mistakes
from scenarios.language.quantities import Quantity
from scenarios.language.target import compile_target
from scenarios.language.templates import TemplateError, compile_value, members_in, variables_in
from scenarios.language.violations import Violation, template_violations

TENANT, RUN = "tenant", "run"
VALUE = "value"
# of `run`: when the window begins and ends, as RFC 3339 and in epoch units, and how long it is
RUN_MEMBERS = ("begun", "ended", *(f"{end}_{unit}" for end in ("begun", "ended")
               for unit in ("s", "ms", "ns")), "length_s")  # fmt: skip

# Of a query: a parameter such as token_type says what is counted.
_KEY = re.compile(
    r"(?i)(?:api|access|auth|secret)?[-_]?(?:key|token)|password|secret|sig(?:nature)?"
)
_PROJECTIONS = ("projection", "value_projection", "filter_projection")
# A projection drops each element of which one of these finds nothing.
_LEAVES_OUT = ("field", "index", "index_expression")
_SUM = "sum"


def find_api_violations(quantity: Quantity, place: Location) -> Iterator[Violation]:
    """Yield every violation of the requests of a quantity to usage APIs."""
    for name, request in (quantity.api or {}).items():
        yield from _request(request, quantity.by, (*place, name))


def _request(request: ApiRequest, labels: list[str], place: Location) -> Iterator[Violation]:
    yield from _templates(request, place)
    yield from _secrets(request, place)
    for key, expression in _expressions(request):
        yield from (((*place, *key), mistake) for mistake in find_mistakes(expression))
    for name in request.each:
        if name not in labels:
            yield (
                (*place, "each", name),
                f"the quantity is not counted by {name!r}; {did_you_mean(name, labels)}",
            )
    yield from _picked(request, labels, (*place, "pick"))
    if request.absolute and not uses_tenant(request):
        yield (
            (*place, "absolute"),
            "an absolute count is that of the run's tenant alone; write {{ tenant }} in the "
            "request, or remove absolute",
        )


def uses_tenant(request: ApiRequest) -> bool:
    """Return whether a request asks for the run's tenant only."""
    return any(TENANT in _variables(value) for _, value in request.sent)


def _variables(value: Any) -> set[str]:
    with suppress(TemplateError):
        return variables_in(value)
    return set()


def _templates(request: ApiRequest, place: Location) -> Iterator[Violation]:
    known = [TENANT, RUN, *request.each]
    for key, value in request.sent:
        compile_as = _compile_path if value is request.path else compile_value
        yield from template_violations(value, known, (*place, key), compile_as)
        for _, text in texts_in(value):
            with suppress(TemplateError):
                yield from _run_members(text, (*place, key))


def _secrets(request: ApiRequest, place: Location) -> Iterator[Violation]:
    """Report credentials, which a scenario must not have: its copy is evidence."""
    for key, values, is_secret in (
        ("headers", request.headers, SECRET_NAME.search), ("query", request.query, _KEY.fullmatch)
    ):  # fmt: skip
        for name, value in values.items():
            if is_secret(name) and not is_public_name(name) and "{{" not in str(value):
                yield (
                    (*place, key, name),
                    f"{name} looks like a credential; write it in auth of the API in the "
                    "environment file, from a ${VARIABLE}",
                )


def _compile_path(path: str) -> object:
    return compile_target("", path, {})


def _run_members(text: str, place: Location) -> Iterator[Violation]:
    for owner, member in sorted(members_in(text)):
        if owner == RUN and member not in RUN_MEMBERS:
            yield place, f"run has no {member!r}; {did_you_mean(member, list(RUN_MEMBERS))}"


def _expressions(request: ApiRequest) -> Iterator[tuple[Location, str]]:
    yield ("pick",), request.pick
    if request.since:
        yield ("since",), request.since
    for key in ("cursor", "url", "more", "total"):
        if expression := request.paging and getattr(request.paging, key):
            yield ("paging", key), expression
    yield from ((("expect", expression), expression) for expression in request.expect)


def _picked(request: ApiRequest, labels: list[str], place: Location) -> Iterator[Violation]:
    """Report names that are picked and are no label, and labels that are not picked."""
    wanted = [*(label for label in labels if label not in request.each), VALUE]
    as_in = f"{{{', '.join(f'{each}: …' for each in wanted)}}}"
    node, is_projected = _last_node(request.pick)
    if (node.get("type") in _LEAVES_OUT and is_projected) or node.get("value") == _SUM:
        yield (
            place,
            "it leaves out what it does not find, so that a misspelt name would look like a loss; "
            f"end it in .{as_in}, objects whose values are added up",
        )
    if node.get("type") != "multi_select_dict":
        return
    names = [pair["value"] for pair in node["children"]]
    for name in names:
        if name not in wanted:
            yield place, f"it picks {name!r}, which is no label; write {as_in}"
    for name in wanted:
        if name not in names:
            what = "no value" if name == VALUE else f"no {name!r}, a label of the quantity"
            yield place, f"it picks {what}; write {as_in}"


def _last_node(expression: str) -> tuple[dict[str, Any], bool]:
    """Return what an expression makes last, as jmespath's tree has it, and whether of each element.

    The tree is empty where the expression is no JMESPath.
    """
    try:
        node: dict[str, Any] = dict(jmespath.compile(expression).parsed)
    except JMESPathError:
        return {}, False
    is_projected = False
    while node["type"] in (*_PROJECTIONS, "pipe", "subexpression"):
        is_projected = (is_projected or node["type"] in _PROJECTIONS) and node["type"] != "pipe"
        node = node["children"][1]  # of a filter, the last child is the condition
    return node, is_projected
