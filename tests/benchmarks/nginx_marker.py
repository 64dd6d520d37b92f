"""The marker that skips a test where nginx is not installed."""

import pytest

from benchmarks.engine_targets import find_nginx


def _has_nginx() -> bool:
    try:
        return bool(find_nginx())
    except SystemExit:
        return False


needs_nginx = pytest.mark.skipif(not _has_nginx(), reason="nginx is not installed")
