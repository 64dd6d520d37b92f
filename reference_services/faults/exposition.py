"""How can the page of metrics be wrong?"""

import time
from collections.abc import Callable

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Scope

from reference_services.common.api.errors import error_answer
from reference_services.common.api.middleware import is_api_request
from reference_services.common.metrics import render_metrics
from reference_services.faults.seams import Seams, between

_SCRAPERS = ("Prometheus/", "vm_promscrape")
_FAILING_S = 20.0


def metrics_empty(seams: Seams) -> None:
    """Show an empty page of metrics, with status 200."""
    seams.answer_instead(lambda scope: _page(b"") if _is_scrape(scope) else None)


def scrapes_failing(seams: Seams, now: Callable[[], float] = time.monotonic) -> None:
    """Answer Prometheus' scrapes with 500 for 20 seconds from the fiftieth API request on."""
    is_turn, ends_at = between(50, 50), 0.0

    def refuse_some(scope: Scope) -> Response | None:
        nonlocal ends_at
        if is_api_request(scope) and is_turn():
            ends_at = now() + _FAILING_S
        if _is_scrape(scope) and _is_prometheus(scope) and now() < ends_at:
            return error_answer(500, "Seeded fault: this scrape fails.")
        return None

    seams.answer_instead(refuse_some)


def histogram_without_target(seams: Seams) -> None:
    """Leave the bucket of 2.5 seconds out of workflow_execution_duration_seconds."""

    def leave_out(scope: Scope) -> Response | None:
        if not _is_scrape(scope):
            return None
        lines = render_metrics(seams.app.state.registry).splitlines(keepends=True)
        return _page(b"".join(line for line in lines if not _is_target(line)))

    seams.answer_instead(leave_out)


def _is_target(line: bytes) -> bool:
    bucket = b"workflow_execution_duration_seconds_bucket{"
    return line.startswith(bucket) and b'le="2.5"' in line


def _is_scrape(scope: Scope) -> bool:
    return bool(scope["path"] == "/metrics")


def _is_prometheus(scope: Scope) -> bool:
    return Headers(scope=scope).get("User-Agent", "").startswith(_SCRAPERS)


def _page(text: bytes) -> Response:
    return Response(text, media_type=CONTENT_TYPE_LATEST)
