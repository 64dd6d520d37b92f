"""The log of a run, `run.log`: what the harness itself reports, without secrets."""

import logging
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path

from config.redaction import Secrets, redact
from scenarios.evidence.files import open_to_append
from scenarios.evidence.run_folder import RunFolder


def log_to(folder: RunFolder) -> None:
    """Send what the harness logs, tracebacks of its own faults included, to the run's log.

    Raises OSError.
    """
    handler = _RunLog(folder.path / "run.log", encoding="utf-8", errors="backslashreplace")
    handler.setFormatter(_RedactingFormatter(folder.secrets))
    logging.basicConfig(handlers=[handler], force=True, level=logging.WARNING)


class _RedactingFormatter(logging.Formatter):
    """Formats records, tracebacks included, without secrets."""

    def __init__(self, secrets: Secrets) -> None:
        """Use the format of `logging`."""
        super().__init__(logging.BASIC_FORMAT)
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        """Return the line or lines of a record."""
        return redact(super().format(record), self._secrets)


class _RunLog(logging.FileHandler):
    """A log that is a file of a run, which may come from elsewhere."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record; a log that was closed is opened again, unless its folder is gone."""
        try:
            super().emit(record)
        except OSError:
            self.handleError(record)

    def _open(self) -> TextIOWrapper:
        file = open_to_append(Path(self.baseFilename))
        return TextIOWrapper(file, encoding=self.encoding, errors=self.errors, write_through=True)

    def close(self) -> None:
        """Close the file; what a full disk did not take is lost."""
        with suppress(OSError):
            super().close()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Leave out what cannot be written: a full disk has a sentence of its own."""
