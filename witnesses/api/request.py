"""Render a request to a usage API: its templates, the window of the run, and a page's parameter."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

from config.verbatim import TextPart
from scenarios.language.apis import ApiRequest
from scenarios.language.payload import FORM_TYPE, JSON_TYPE
from scenarios.language.request_body import encode_body
from scenarios.language.target import compile_target
from scenarios.language.templates import TemplateError, compile_header, compile_value
from scenarios.language.urlencoded import encode_form, encode_query, joined

# The clock of the API, and that of what sends it events, may be as far from this one.
CLOCK_MARGIN_S = 60

_NS = 1_000_000_000


@dataclass(frozen=True)
class SentRequest:
    """A request as it is sent; `target` is its path and query, below the URL of the API."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes | None = None


@dataclass(frozen=True)
class Parameter:
    """A parameter that selects a page, and its value."""

    name: str
    value: Any
    in_query: bool = False


def run_members(begun_at: float, asked_at: float, align_s: float) -> dict[str, Any]:
    """Return the members of `run`: a window that holds the run whole, in multiples of `align_s`.

    >>> members = run_members(1_764_000_075.5, 1_764_000_125.0, 60)
    >>> members["begun"], members["ended_s"], members["length_s"]
    ('2025-11-24T16:00:00Z', 1764000240, 240)
    """
    step_ns = round(align_s * _NS)
    # a float of nanoseconds would be off by some hundred of them
    begun_ns = int((Fraction(begun_at) - CLOCK_MARGIN_S) * _NS) // step_ns * step_ns
    ended_ns = -(-int((Fraction(asked_at) + CLOCK_MARGIN_S) * _NS) // step_ns) * step_ns
    members: dict[str, Any] = {"length_s": _of_unit(ended_ns - begun_ns, _NS)}
    for name, instant_ns in (("begun", begun_ns), ("ended", ended_ns)):
        members |= {
            name: _rfc_3339(instant_ns), f"{name}_s": _of_unit(instant_ns, _NS),
            f"{name}_ms": _of_unit(instant_ns, _NS // 1_000), f"{name}_ns": instant_ns,
        }  # fmt: skip
    return members


def render_request(
    request: ApiRequest, variables: Mapping[str, Any], page: Parameter | None = None
) -> SentRequest:
    """Render a request, perhaps for a page. Raises TemplateError."""
    query, form = (dict(compile_value(each)(variables)) for each in (request.query, request.form))
    content = compile_value(request.json_body)(variables)
    has_body = page is not None and not page.in_query
    if page and has_body and isinstance(content, dict):
        content = _with_member(content, page)
    elif page and has_body and form:
        form[page.name] = page.value
    elif page:
        query[page.name] = page.value
    target = joined(compile_target("", request.path, {})(variables), encode_query(query))
    headers = {name: compile_header([TextPart(value)])(variables)
               for name, value in request.headers.items()}  # fmt: skip
    content_type, body = _body(content, form, is_json=request.json_body is not None)
    return SentRequest(request.method, target, {**content_type, **headers}, body)


def _body(content: Any, form: dict[str, Any], *, is_json: bool) -> tuple[dict[str, str], Any]:
    if is_json:
        return {"Content-Type": JSON_TYPE}, encode_body(content)
    if form:
        return {"Content-Type": FORM_TYPE}, encode_form(form).encode()
    return {}, None


def _with_member(content: dict[str, Any], page: Parameter) -> dict[str, Any]:
    """Return JSON with a member set; `a.b` is the member `b` of `a`."""
    whole = copy.deepcopy(content)
    *path, name = page.name.split(".")
    owner = whole
    for key in path:
        owner = owner.setdefault(key, {})
        if not isinstance(owner, dict):
            raise TemplateError(f"the request has no place for {page.name}: {key} is no mapping")
    owner[name] = page.value
    return whole


def _of_unit(instant_ns: int, unit_ns: int) -> int | float:
    whole, rest = divmod(instant_ns, unit_ns)
    return instant_ns / unit_ns if rest else whole


def _rfc_3339(instant_ns: int) -> str:
    """Return an instant as RFC 3339 has it, in UTC, to the microsecond where it is not whole."""
    seconds, rest_ns = divmod(instant_ns, _NS)
    at = datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest_ns // 1_000, tzinfo=None)
    return f"{at.isoformat()}Z"
