"""In which order do tests run? Files that take long go first, so that none is begun at the end.

`make test-long` gives a worker a file at a time, since some share a costly fixture. It has one more
worker than there are tests that look at the clock at a time: the first file and the last leave the
processor to the others (`tests.patience`).
"""

from pathlib import Path

import pytest

_FIRST = (
    "test_openapi.py",
    "test_deploy_staging.py",
    "test_nightly_on_staging.py",
    "test_audit.py",
    "test_crash.py",
    "test_tenants.py",
    "test_doctor_on_staging.py",
    "test_faults_stack.py",
    "test_load_engine.py",
    "test_load_workers.py",
    "test_migration.py",
    "test_nightly.py",
    "test_watch.py",
)
_LAST = "test_histories.py"
_RANKS = {name: rank for rank, name in enumerate(_FIRST)} | {_LAST: len(_FIRST) + 1}


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: _RANKS.get(Path(item.path).name, len(_FIRST)))
