"""Whether a database that can be read passes, and one that cannot is inconclusive."""

import sqlite3
from contextlib import closing
from pathlib import Path

from checks.verdict import Verdict
from commands.shared.database_check import check_database


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
