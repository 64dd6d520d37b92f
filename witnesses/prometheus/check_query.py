"""The query of a promql check as it is evaluated: its variables known, restricted if possible."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from scenarios.http.bounded_json import UnboundedJson, decode_json
from scenarios.language.objectives import PromqlCheck
from scenarios.language.promql_restriction import restrict_query
from scenarios.language.templates import compile_text
from witnesses.prometheus.client import PrometheusDown


@dataclass(frozen=True, slots=True)
class CheckQuery:
    """A query without variables; `is_restricted` unless it may select other targets, too."""

    text: str
    is_restricted: bool

    @classmethod
    def of_check(
        cls, check: PromqlCheck, match: Mapping[str, str], tenant: str, window: str
    ) -> "CheckQuery":
        """Return the query of a check for a run; `match` are labels of the environment's targets.

        A query that cannot be restricted for certain is evaluated as it is written.
        """
        text = compile_text(check.query)({"tenant": tenant, "window": window})
        restricted = restrict_query(text, match) if match else text
        return cls(text if restricted is None else restricted, restricted is not None)

    def recorded(self, response: Mapping[str, Any]) -> bytes:
        """Return the query and its response, as they are kept."""
        recorded = {
            "query": self.text, "is_restricted": self.is_restricted, "response": response
        }  # fmt: skip
        return json.dumps(recorded, indent=1).encode()


def response_of(ask: Callable[[str], str], promql: str) -> dict[str, Any]:
    """Evaluate a query by `ask`; an error is a response, too."""
    try:
        response: dict[str, Any] = decode_json(ask(promql).encode())
    except UnboundedJson as error:
        return {"error": f"Prometheus does not respond as Prometheus does: {error}"}
    except PrometheusDown as error:
        return {"error": str(error)}
    return response


def is_without_data(response: Mapping[str, Any]) -> bool:
    """Return whether a query was evaluated and selected nothing."""
    data = response.get("data")
    return isinstance(data, dict) and data.get("result") == []
