"""In which order do tests run? Files that take long go first, so that none is begun at the end.

`make test-long` gives a worker a file at a time, since some share a costly fixture. Two of its
four workers begin with what only takes long and leaves the processor to the others
(`tests.patience`), so that hardly ever more than two tests at a time look at the clock.
"""

from pathlib import Path

import pytest

_LONGEST_FIRST = (
    "test_openapi.py",
    "test_histories.py",
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
_RANKS = {name: rank for rank, name in enumerate(_LONGEST_FIRST)}


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: _RANKS.get(Path(item.path).name, len(_RANKS)))
