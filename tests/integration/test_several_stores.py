"""A log of uses and running totals of a real database: whether the one that is wrong is named."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL

from tests.integration.command import Start
from tests.integration.ledger import ledger
from tests.mariadb_server import mariadb_database

pytestmark = pytest.mark.long

LOG, TOTALS = "database:billing/log", "database:billing/totals"


@pytest.fixture(params=["sqlite", "mariadb"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Name an empty database of each dialect."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/billing.db"
        return
    server: URL = request.getfixturevalue("mariadb")
    with mariadb_database(server) as address:
        yield address


def test_totals_that_began_long_before_balance_with_the_log(
    start: Start, tmp_path: Path, url: str
) -> None:
    with ledger(tmp_path, url) as options:
        ended = start("load", *options).wait()
    assert ended.code == 0, ended.stdout + ended.stderr
    rows = ended.rows("tokens")
    assert [row["labels"]["customer"] for row in rows] == ["ann", "bob", "eve"]
    for row in rows:
        assert list(row["figures"]) == [LOG, TOTALS]
        assert {figure["low"] for figure in row["figures"].values()} == {row["client"]["confirmed"]}


@pytest.mark.parametrize(
    ("fault", "code", "agreeing", "apart"),
    [
        ("lost-row", "LOST_ROW", TOTALS, LOG),
        ("lost-total", "LOST_ROW", LOG, TOTALS),
        ("doubled-total", "EXTRA_ROW", LOG, TOTALS),
    ],
)
def test_a_fault_in_one_of_them_is_found_there(
    start: Start, tmp_path: Path, url: str, fault: str, code: str, agreeing: str, apart: str
) -> None:
    with ledger(tmp_path, url, fault) as options:
        ended = start("load", *options).wait()
    assert ended.code == 1, ended.stdout + ended.stderr
    (wrong,) = (row for row in ended.rows("tokens") if row["verdict"] == "fail")
    assert wrong["code"] == code
    assert wrong["figures"][agreeing]["low"] == wrong["client"]["confirmed"]
    assert wrong["figures"][apart]["low"] != wrong["client"]["confirmed"]
    assert f"{apart} stands" in ended.finding("usage/tokens")["detail"]
