"""What did the service do? One JSON object a line on stderr, without bodies or secrets."""

import json
import logging
import sys
from datetime import UTC, datetime

from reference_services.common.api.trace import current_trace_id

logger = logging.getLogger("reference_services")


class JsonLines(logging.Formatter):
    """Render a record, and the fields given as `extra={"fields": …}`, as one line of JSON."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        """Render one record."""
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
    """Send a log, by default the services' own, to stderr; a second call replaces the first."""
    lines = logging.StreamHandler(sys.stderr)
    lines.setFormatter(JsonLines(service))
    log.handlers = [lines]
    log.setLevel(level)
    log.propagate = False
