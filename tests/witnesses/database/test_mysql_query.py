"""Queries of MySQL as text: what does more than read is refused, and nothing else is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from witnesses.database.dialect import QueryRefused
from witnesses.database.mysql_query import MysqlQuery

READS = [
    "SELECT kind, count(*) FROM uses WHERE tenant = :tenant GROUP BY kind",
    "  (SELECT 1) UNION ALL (SELECT 2);",
    "WITH t AS (SELECT 1 AS n) SELECT n FROM t",
    "VALUES (1, 2)",
    "TABLE uses",
    "-- for update\nSELECT 1",
    "SELECT 1 # into outfile\n",
    "SELECT 1 /* into outfile 'x' */",
    "SELECT 'into outfile', \"for update\", `into` FROM uses",
    "SELECT 'it''s; into', '\\n', '\\\\'",
    "SELECT count(*) FROM uses FOR SYSTEM_TIME ALL",
    "SELECT substring(kind FROM 1 FOR 2) FROM uses",
    "SELECT load_file, get_lock FROM uses",
    "SELECT 5--1",
    "SELECT intos, updates FROM uses",
]
WRITES = [
    "INSERT INTO uses VALUES (1)",
    "UPDATE uses SET kind = 'x'",
    "SET @@session.transaction_read_only = 0",
    "COMMIT AND CHAIN",
    "CALL clean()",
    "DO get_lock('a', 1)",
    "HANDLER uses OPEN",
    "LOCK TABLES uses WRITE",
    "BEGIN NOT ATOMIC DELETE FROM uses; END",
    "SET STATEMENT max_statement_time = 0 FOR SELECT 1",
    "SHOW TABLES",
    "",
    ";",
    "SELECT 1; DELETE FROM uses",
    "SELECT 1;;SELECT 2",
    "SELECT 1 INTO OUTFILE '/tmp/x'",
    "SELECT 1 INTO/**/DUMPFILE '/tmp/x'",
    "SELECT 1 in\u0074o @a",
    "VALUES (1) INTO OUTFILE '/tmp/x'",
    "TABLE uses INTO OUTFILE '/tmp/x'",
    "SELECT r.* FROM (SELECT 1) AS r UNION SELECT 1 INTO OUTFILE '/tmp/x' FROM (SELECT 1) AS s",
    "SELECT * FROM uses FOR UPDATE",
    "SELECT * FROM uses FOR\n-- a comment\nUPDATE",
    "SELECT * FROM uses FOR SHARE",
    "SELECT * FROM uses LOCK IN SHARE MODE",
    "SELECT LOAD_FILE('/etc/passwd')",
    "SELECT load_file ('/etc/passwd')",
    "SELECT `load_file`('/etc/passwd')",
    "SELECT \"load_file\" ('/etc/passwd')",
    "SELECT mysql.`Load_File` /**/ ('/etc/passwd')",
    "SELECT GET_LOCK('a', 1)",
    "SELECT RELEASE_ALL_LOCKS()",
    "SELECT NEXTVAL(numbers)",
    "SELECT NEXT VALUE FOR numbers",
    "SELECT SETVAL(numbers, 100)",
    "SELECT sys_exec('id')",
    "SELECT group_replication_set_as_primary('x')",
    "SELECT 1 -- a comment\nINTO OUTFILE '/tmp/x'",
    "SELECT 1 # a comment\nINTO OUTFILE '/tmp/x'",
    "SELECT '/*' INTO OUTFILE '/tmp/x' -- '*/'",
]
DEPENDS = [
    "SELECT 1 /*! INTO OUTFILE '/tmp/x' */",
    "SELECT 1 /*!50000 INTO OUTFILE '/tmp/x' */",
    "SELECT 1 /*M!100100 INTO OUTFILE '/tmp/x' */",
    # The end of the first text depends on the sql_mode NO_BACKSLASH_ESCAPES.
    "SELECT '\\' INTO OUTFILE ''/tmp/x' -- '",
    'SELECT "\\" INTO OUTFILE "/tmp/x" -- "',
    "SELECT 'without an end",
    "SELECT 1 /* without an end",
    "SELECT `without an end",
    "SELECT 1 \x00 INTO OUTFILE '/tmp/x'",
]


@pytest.mark.parametrize("query", READS)
def test_a_query_that_reads_is_sent(query: str) -> None:
    MysqlQuery(query).refuse_writes()
    assert MysqlQuery(query).text == query


@pytest.mark.parametrize("query", WRITES)
def test_a_query_that_does_more_is_refused(query: str) -> None:
    with pytest.raises(QueryRefused, match="it is read-only, and its query does more than read"):
        MysqlQuery(query).refuse_writes()


@pytest.mark.parametrize("query", DEPENDS)
def test_a_query_whose_meaning_depends_on_the_server_is_refused(query: str) -> None:
    with pytest.raises(QueryRefused, match=r"a comment that the server|without an end"):
        MysqlQuery(query).refuse_writes()


def test_what_is_refused_is_named() -> None:
    with pytest.raises(QueryRefused, match=r"LOAD_FILE\(\)$"):
        MysqlQuery("SELECT `load_file`('/etc/passwd')").refuse_writes()


@pytest.mark.parametrize("around", ["'{}'", '"{}"', "`{}`", "/* {} */", "-- {}\n", "# {}\n"])
@given(inside=st.text(alphabet="into uf;:tenant()-#", max_size=30))
def test_what_is_quoted_or_a_comment_means_nothing(around: str, inside: str) -> None:
    MysqlQuery(f"SELECT 1 {around.format(inside)} FROM uses").refuse_writes()


def test_a_colon_begins_a_parameter_only_outside_of_quotes_and_comments() -> None:
    query = "SELECT ':tenant', `:a`, '12:30', '\\:b' /* :c */ WHERE tenant = :tenant -- :d"
    assert MysqlQuery(query).text == (
        "SELECT '\\:tenant', `\\:a`, '12\\:30', '\\:b' /* \\:c */ WHERE tenant = :tenant -- \\:d"
    )


def test_functions_are_the_names_before_a_parenthesis() -> None:
    query = "SELECT shop.`Price` (1), count(*), 'f' (2) FROM uses WHERE kind IN ('tea(')"
    assert MysqlQuery(query).functions == ["price", "f"]


def test_a_function_of_every_query_may_be_a_stored_one_if_it_is_qualified() -> None:
    assert MysqlQuery("SELECT count(*), COALESCE (sum(n), 0) FROM uses").functions == []
    assert MysqlQuery("SELECT shop.count(1), shop . `Sum` (n)").functions == ["count", "sum"]
