"""Whether a database that can be read passes, and one that cannot is inconclusive."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import URL

from checks.verdict import Verdict
from commands.shared.database_check import check_database
from tests.mariadb_server import mariadb_database


def test_a_file_with_a_table_passes(tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE uses (n INT)")
    finding = check_database("shop", f"sqlite:///{path}")
    assert (finding.id, finding.verdict) == ("health/database/shop", Verdict.PASS)
    assert (finding.observed, finding.detail) == ("it responds", "")


def test_a_missing_file_is_inconclusive_with_a_remedy_and_is_not_made(tmp_path: Path) -> None:
    path = tmp_path / "none.db"
    finding = check_database("shop", f"sqlite:///{path}")
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.observed.startswith("the database 'shop': ")
    assert finding.detail == "Correct its address in the environment's file."
    assert not path.exists()


@pytest.mark.long
def test_a_database_of_mariadb_passes_and_its_excess_rights_are_named(mariadb: URL) -> None:
    with mariadb_database(mariadb) as url:
        finding = check_database("shop", url)
    assert finding.verdict is Verdict.PASS
    assert finding.observed == (
        "it responds; its role may write, too"
        "; its role may read and write files of the server, or administrate it"
    )


@pytest.mark.long
def test_a_wrong_password_for_mariadb_is_inconclusive_and_not_repeated(mariadb: URL) -> None:
    wrong = mariadb.set(username="nobody", password="hunter2", query={})
    finding = check_database("shop", wrong.render_as_string(hide_password=False))
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "Access denied for user 'nobody'" in finding.observed
    assert "hunter2" not in finding.observed
