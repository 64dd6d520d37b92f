"""Refuse a query of MySQL or MariaDB that does more than read, before it is sent.

A read-only transaction refuses to write rows. It does not refuse what writes a file, reads one,
takes a lock or ends the transaction, so that the text itself is divided into tokens here, as the
server divides it. Where its sql_mode or version decides what a quote or comment is, the query is
refused.
"""

import re
from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

from witnesses.database.dialect import QueryRefused, does_more_than_read

_TOKEN = re.compile(
    r"""
    (?P<apart> \s+ | \#[^\n]* | --(?=[\x00-\x20\x7f]|\Z)[^\n]* | /\*(?![Mm]?!).*?\*/ )
  | (?P<quoted> '(?:[^'\\]|\\[^']|'')*+' | "(?:[^"\\]|\\[^"]|"")*+" | `(?:[^`]|``)*+` )
  | (?P<word> [\w$]+ )
  | (?P<executed> /\*[Mm]?! )
  | (?P<open> ['"`] | /\* | \x00 )
  | (?P<sign> . )
    """,
    re.VERBOSE | re.DOTALL,
)
_MISREAD = {
    "executed": "its query has a comment that the server executes; leave it out",
    "open": "its query has a quote or a comment without an end, or a quote after a backslash; "
            "write '' for a quote",
}  # fmt: skip
_FIRST_WORDS = ("select", "with", "values", "table")
_WRITES = {
    ("for", "update"): "FOR UPDATE locks rows",
    ("for", "share"): "FOR SHARE locks rows",
    ("lock", "in"): "LOCK IN SHARE MODE locks rows",
    ("next", "value"): "NEXT VALUE changes a sequence",
}
# Functions that read files, take locks, change sequences, or administrate a server.
_FUNCTIONS = re.compile(
    r"load_file|(?:get|release)_lock|release_all_locks|nextval|setval|sys_\w+"
    r"|(?:asynchronous_connection_failover|audit_log|group_replication|keyring|mysql_firewall"
    r"|service|version_tokens)_\w+"
)
# Keywords and the server's own functions: a stored function of such a name must be qualified.
_EVERYWHERE = frozenset((
    "and", "as", "avg", "by", "cast", "coalesce", "count", "date_format", "distinct", "exists",
    "from", "hex", "if", "ifnull", "in", "join", "lower", "max", "min", "not", "on", "or", "over",
    "select", "sum", "then", "union", "upper", "using", "values", "when", "where", "with",
))  # fmt: skip


class _Token(NamedTuple):
    kind: str
    written: str

    @property
    def name(self) -> str:
        """As a keyword, or as a name without its quotes."""
        return self.written.strip("`\"'").lower()


class MysqlQuery:
    """A query, divided into tokens."""

    def __init__(self, text: str) -> None:
        self._tokens = [_Token(str(each.lastgroup), each[0]) for each in _TOKEN.finditer(text)]
        self._telling = [each for each in self._tokens if each.kind != "apart"]
        while self._telling and self._telling[-1].written == ";":
            self._telling.pop()

    @property
    def functions(self) -> list[str]:
        """The functions that it calls and that may be stored ones, without those of every query."""
        before = ["", *(each.written for each in self._telling)]
        names = (
            token.name
            for previous, (token, following) in zip(before, pairwise(self._telling), strict=False)
            if following.written == "(" and token.kind in ("word", "quoted")
            if previous == "." or token.name not in _EVERYWHERE
        )
        return list(dict.fromkeys(names))

    @property
    def text(self) -> str:
        r"""The query, in which a colon within quotes or a comment begins no parameter.

        >>> print(MysqlQuery("SELECT ':tea' WHERE tenant = :tenant").text)
        SELECT '\:tea' WHERE tenant = :tenant
        """
        return "".join(map(_without_parameters, self._tokens))

    def refuse_writes(self) -> None:
        """Raise QueryRefused for a query that does more than read."""
        for token in self._telling:
            if token.kind in _MISREAD:
                raise QueryRefused(_MISREAD[token.kind])
        first = next((each.name for each in self._telling if each.written != "("), "")
        if first not in _FIRST_WORDS:
            raise does_more_than_read()
        if any(each.written == ";" for each in self._telling):
            raise does_more_than_read("it has several statements")
        for reason in self._writes():
            raise does_more_than_read(reason)

    def _writes(self) -> Iterable[str]:
        names = [each.name if each.kind == "word" else "" for each in self._telling]
        if "into" in names:
            yield "INTO writes to a file or a variable"
        yield from (_WRITES[pair] for pair in pairwise(names) if pair in _WRITES)
        yield from (f"{each.upper()}()" for each in self.functions if _FUNCTIONS.fullmatch(each))


def _without_parameters(token: _Token) -> str:
    """Return a token with its colons escaped, unless one may begin a parameter."""
    may_begin = token.kind in ("word", "sign")
    return token.written if may_begin else re.sub(r"(?<!\\):", r"\:", token.written)
