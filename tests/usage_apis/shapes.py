"""Responses in the shapes of six usage APIs, written from their public documents.

Each refuses what the real one refuses: an unknown meter, a time that is not aligned, a body that is
no query.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tests.usage_apis.events import Events

CUSTOMERS = {"cus_tea": "tea", "cus_coffee": "coffee"}
_HOUR_S = 3_600


@dataclass(frozen=True)
class Asked:
    """A request: the values of its query by name, its headers in small letters, its body."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes = b""

    def one(self, name: str, default: str = "") -> str:
        """Return a value of the query."""
        return self.query.get(name, [default])[0]


Answer = tuple[int, Any]
Shape = Callable[[Asked, Events], Answer]


def openmeter(asked: Asked, events: Events) -> Answer:
    """Respond as `GET /api/v1/meters/{slug}/query` does."""
    found = re.fullmatch(r"/api/v1/meters/(\w+)/query", asked.path)
    if not found or found[1] != "calls":
        return 404, {"type": "about:blank", "title": "Not Found", "status": 404,
                     "detail": "meter not found"}  # fmt: skip
    begin_at, end_at = (_epoch(asked.one(name)) for name in ("from", "to"))
    if begin_at % 60 or end_at % 60:
        return 400, {"type": "about:blank", "title": "Bad Request", "status": 400,
                     "detail": "from and to must be aligned with the window size"}  # fmt: skip
    subject = asked.one("subject")
    return 200, {
        "from": asked.one("from"), "to": asked.one("to"),
        "data": [
            {"value": units, "windowStart": asked.one("from"), "windowEnd": asked.one("to"),
             "subject": subject, "groupBy": {"kind": kind}}
            for kind, units in events.usage(subject, begin_at, end_at).items()
        ],
    }  # fmt: skip


def stripe(asked: Asked, events: Events) -> Answer:
    """Respond as `GET /v1/billing/meters/{id}/event_summaries` does, by hour; pages have two."""
    begin_s, end_s = int(asked.one("start_time", "1")), int(asked.one("end_time", "1"))
    if asked.path != "/v1/billing/meters/mtr_calls/event_summaries":
        return 404, _stripe_error("Unrecognized request URL")
    if begin_s % _HOUR_S or end_s % _HOUR_S:
        return 400, _stripe_error("start_time and end_time must be aligned with hour boundaries")
    kind = CUSTOMERS.get(asked.one("customer"))
    if kind is None:
        return 400, _stripe_error("No such customer")
    hours = range(begin_s - 5 * _HOUR_S, end_s, _HOUR_S)
    summaries = [
        {"id": f"mtrusg_{hour}", "object": "billing.meter_event_summary",
         "aggregated_value": float(events.usage("acme", hour, hour + _HOUR_S).get(kind, 0)),
         "start_time": hour, "end_time": hour + _HOUR_S, "livemode": False, "meter": "mtr_calls"}
        for hour in reversed(hours)
    ]  # fmt: skip
    after = asked.one("starting_after")
    first = next((i + 1 for i, each in enumerate(summaries) if each["id"] == after), 0)
    page = summaries[first : first + 2]
    return 200, {"object": "list", "data": page, "has_more": first + 2 < len(summaries),
                 "url": asked.path}  # fmt: skip


def lago(asked: Asked, events: Events) -> Answer:
    """Respond as `GET /api/v1/customers/{id}/current_usage` does."""
    found = re.fullmatch(r"/api/v1/customers/([\w-]+)/current_usage", asked.path)
    if not found or asked.one("external_subscription_id") != found[1]:
        return 404, {"status": 404, "error": "Not Found", "code": "customer_not_found"}
    charges = [
        {"units": f"{units}.0", "events_count": units, "amount_cents": 123 * units,
         "amount_currency": "EUR",
         "charge": {"lago_id": f"1a90-{code}", "charge_model": "standard"},
         "billable_metric": {"lago_id": f"2b80-{code}", "name": code.title(), "code": code,
                             "aggregation_type": "sum_agg"},
         "filters": [], "grouped_usage": []}
        for code, units in events.usage(found[1]).items()
    ]  # fmt: skip
    return 200, {"customer_usage": {
        "from_datetime": "2022-07-01T00:00:00Z", "to_datetime": "2062-07-31T23:59:59Z",
        "issuing_date": "2062-08-01", "currency": "EUR", "amount_cents": 123,
        "taxes_amount_cents": 0, "total_amount_cents": 123, "charges_usage": charges,
    }}  # fmt: skip


def clickhouse(asked: Asked, events: Events) -> Answer:
    """Respond as the HTTP interface does in the format JSON, with 64-bit integers as text."""
    sql = asked.one("query")
    if not sql.startswith("SELECT") or "FORMAT JSON" not in sql:
        return 400, "Code: 62. DB::Exception: Syntax error: failed at position 1. (SYNTAX_ERROR)"
    if "{tenant:String}" in sql and "param_tenant" not in asked.query:
        return 400, "Code: 456. DB::Exception: Substitution `tenant` is not set."
    rows = [{"kind": kind, "value": str(units)}
            for kind, units in events.usage(asked.one("param_tenant")).items()]  # fmt: skip
    meta = [{"name": "kind", "type": "String"}, {"name": "value", "type": "UInt64"}]
    statistics = {"elapsed": 0.001, "rows_read": len(rows), "bytes_read": 64}
    return 200, {"meta": meta, "data": rows, "rows": len(rows), "statistics": statistics}


def loki(asked: Asked, events: Events) -> Answer:
    """Respond as an instant query of a metric does, a vector by kind."""
    query = asked.one("query")
    found = re.search(r'tenant="([^"]*)" \[(\d+)s\]', query)
    if not found or asked.path != "/loki/api/v1/query":
        return 400, "parse error at line 1, col 1: syntax error: unexpected IDENTIFIER"
    end_at = int(asked.one("time")) / 1e9
    usage = events.usage(found[1], end_at - int(found[2]), end_at)
    result = [{"metric": {"kind": kind}, "value": [end_at, str(units)]}
              for kind, units in usage.items()]  # fmt: skip
    stats = {"summary": {"totalLinesProcessed": 1}}
    data = {"resultType": "vector", "result": result, "stats": stats}
    return 200, {"status": "success", "data": data}


def elasticsearch(asked: Asked, events: Events) -> Answer:
    """Respond as `POST /{index}/_count` does, with a filter of terms and a range."""
    if asked.path != "/usage-*/_count" or asked.method != "POST":
        return 405, {"error": "Incorrect HTTP method for uri", "status": 405}
    filters = json.loads(asked.body)["query"]["bool"]["filter"]
    terms = {name: value for each in filters for name, value in each.get("term", {}).items()}
    window = next(each["range"]["@timestamp"] for each in filters if "range" in each)
    usage = events.usage(terms["tenant"], _epoch(window["gte"]), _epoch(window["lt"]))
    shards = {"total": 3, "successful": 3, "skipped": 0, "failed": 0}
    return 200, {"count": usage.get(terms["kind"], 0), "_shards": shards}


SHAPES: Mapping[str, Shape] = {
    "openmeter": openmeter, "stripe": stripe, "lago": lago, "clickhouse": clickhouse,
    "loki": loki, "elasticsearch": elasticsearch,
}  # fmt: skip


def _stripe_error(message: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error"}}


def _epoch(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
