"""Structured log: one JSON object per line on stderr, without bodies and secrets."""

import json
import logging
import sys
from datetime import UTC, datetime

from reference_services.common.api.trace import current_trace_id

logger = logging.getLogger("reference_services")


class JsonFormatter(logging.Formatter):
    """Formats a record, with the fields of `extra={"fields": …}`, as one line of JSON."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        """Format one record."""
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "service": self._service,
            "event": record.getMessage(),
            "trace_id": current_trace_id(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line)


def configure_logs(service: str, level: str, log: logging.Logger = logger) -> None:
    """Send a logger, by default `reference_services`, to stderr; replaces its earlier handlers."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(service))
    log.handlers = [handler]
    log.setLevel(level)
    log.propagate = False
