"""Faults of the exposition at `/metrics`."""

import re
import time
from collections.abc import Callable

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Scope

from reference_services.common.api.errors import error_response
from reference_services.common.api.middleware import is_api_request
from reference_services.common.metrics import render_metrics
from reference_services.faults.seams import Seams, between

_SCRAPERS = ("Prometheus/", "vm_promscrape")
_FAILING_S = 20.0
_TARGET_S = 2.5
_EDGE = re.compile(rb'le="([^"]+)"')


def metrics_empty(seams: Seams) -> None:
    """Return an empty body from /metrics with status 200."""
    seams.override_response(lambda scope: _metrics_response(b"") if _is_scrape(scope) else None)


def scrapes_failing(seams: Seams, now: Callable[[], float] = time.monotonic) -> None:
    """Answer the scrapes of Prometheus with 500 for 20 seconds from the fiftieth API request."""
    is_selected, ends_at = between(50, 50), 0.0

    def refuse_some(scope: Scope) -> Response | None:
        nonlocal ends_at
        if is_api_request(scope) and is_selected():
            ends_at = now() + _FAILING_S
        if _is_scrape(scope) and _is_prometheus(scope) and now() < ends_at:
            return error_response(500, "Seeded fault: scrape failed.")
        return None

    seams.override_response(refuse_some)


def histogram_without_target(seams: Seams) -> None:
    """Omit the buckets of workflow_execution_duration_seconds up to 2.5 s."""

    def omit_bucket(scope: Scope) -> Response | None:
        if not _is_scrape(scope):
            return None
        lines = render_metrics(seams.app.state.registry).splitlines(keepends=True)
        return _metrics_response(b"".join(line for line in lines if not _is_target_bucket(line)))

    seams.override_response(omit_bucket)


def _is_target_bucket(line: bytes) -> bool:
    prefix = b"workflow_execution_duration_seconds_bucket{"
    edge = _EDGE.search(line)
    return line.startswith(prefix) and edge is not None and float(edge[1]) <= _TARGET_S


def _is_scrape(scope: Scope) -> bool:
    return bool(scope["path"] == "/metrics")


def _is_prometheus(scope: Scope) -> bool:
    return Headers(scope=scope).get("User-Agent", "").startswith(_SCRAPERS)


def _metrics_response(text: bytes) -> Response:
    return Response(text, media_type=CONTENT_TYPE_LATEST)
