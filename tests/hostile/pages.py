"""Pages of metrics that are well-formed HTTP: some are refused, some are read in one way only."""

from collections.abc import Callable

from tests.hostile.case import Case, once, typed, whole

_TYPE = "text/plain; version=0.0.4"
_HUGE: dict[str, Callable[[], bytes]] = {
    "200,000 samples": lambda: b"a 1\n" * 200_000,
    "a million samples": lambda: b'a{b="%d"} 1\n' * 1_000_000,
    "a million empty lines": lambda: b"a 1\n" + b"\n" * 1_000_000,
    "400,000 comments": lambda: b"a 1\n" + b"#\n" * 400_000,
    "one long line": lambda: b"a" * 1_000_000,
    "one long label": lambda: b'a{b="' + b"c" * 1_000_000 + b'"} 1\n',
    "100,000 labels": lambda: b"a{" + b'b="c",' * 100_000 + b"} 1\n",
    "one long comment": lambda: b"# HELP a " + b"x" * 1_000_000 + b"\na 1\n",
    "one long value": lambda: b"a " + b"9" * 1_000_000 + b"\n",
    "one long timestamp": lambda: b"a 1 " + b"9" * 1_000_000 + b"\n",
    "one long exemplar": lambda: b"a 1 # {" + b" " * 1_000_000 + b"} 1\n",
}
_REFUSED: dict[str, bytes] = {
    "a label that is no UTF-8": b'a{b="\xff\xfe"} 1\n',
    "a name that is no UTF-8": b"a\xe4 1\n",
    "UTF-16": "a 1\n".encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbfa 1\n",
    "protocol buffers": b"\x94\x01\n\x0ego_gc_duration",
    "HTML": b"<!DOCTYPE html><title>Sign in</title>",
    "JSON": b'{"a": 1}',
    "Graphite": b"a.b 1 1600000000\n",
    "InfluxDB": b"a,b=c d=1i 1600000000\n",
    "StatsD": b"a:1|c\n",
    "commands": b"::error::odd\n::add-mask::a\n##[group]odd\n",
    "escape sequences": b"\x1b[2J\x1b]0;odd\x07\n",
    "a NUL": b"a 1\n\0\n",
    "lines that end in CR": b"a 1\rb 2\r",
    "an open quote": b'a{b="c} 1\n',
    "a backslash before the quote": b'a{b="c\\"} 1\n',
    "a label over two lines": b'a{b="c\nd"} 1\n',
    "an open brace": b'a{b="c"\n',
    "a brace too many": b'a{b="c"}} 1\n',
    "a label twice": b'a{b="c",b="d"} 1\n',
    "a label without a name": b'a{="c"} 1\n',
    "a label without quotes": b"a{b=c} 1\n",
    "a label in single quotes": b"a{b='c'} 1\n",
    "two commas": b'a{b="c",,d="e"} 1\n',
    "no name": b"{} 1\n",
    "an empty name": b'{""} 1\n',
    "two names": b'a{"b"} 1\n',
    "a name that begins with a digit": b"1a 1\n",
    "a name with a dash": b"a-b 1\n",
    "no value": b"a\n",
    "an empty value": b'a{b="c"} \n',
    "a value of words": b"a soon\n",
    "a value with a comma": b"a 1,5\n",
    "a value with an underscore": b"a 1_000\n",
    "a value in hexadecimal": b"a 0x10\n",
    "a value with two signs": b"a ++1\n",
    "a timestamp of words": b"a 1 now\n",
    "a comment behind a sample": b"a 1 # odd\n",
}
_TEA = b'uses_total{kind="tea"}'
# What `uses_total{kind="tea"}` is on these.
_READ: dict[str, tuple[bytes, str]] = {
    "+Inf": (_TEA + b" +Inf\n", "inf"),
    "-Inf": (_TEA + b" -Inf\n", "-inf"),
    "NaN": (_TEA + b" NaN\n", "nan"),
    "1e999": (_TEA + b" 1e999\n", "inf"),
    "a negative counter": (b"# TYPE uses_total counter\n" + _TEA + b" -7\n", "-7.0"),
    "a value of 9,000 digits": (_TEA + b" 0." + b"9" * 9000 + b"\n", "1.0"),
    "escapes": (b'a{b="\\n\\\\\\"\\x"} 1\n' + _TEA + b" 7\n", "7.0"),
    "raw control characters": (b'a{b="\x1b[2J\x01"} 1\n' + _TEA + b" 7\n", "7.0"),
    "bidi controls": ('a{b="\u202etea\u2066"} 1\n'.encode() + _TEA + b" 7\n", "7.0"),
    "commands in labels": (b'a{b="::error::odd"} 1\n' + _TEA + b" 7\n", "7.0"),
    "one series twice": (_TEA + b" 7\n" + _TEA + b" 7\n", "7.0"),
    "one series with two values": (_TEA + b" 7\n" + _TEA + b" 8\n", "contradictory"),
    "one series at two moments": (
        _TEA + b" 7 1600000002000\n" + _TEA + b" 6 1600000001000\n", "7.0",
    ),
    "two HELP": (b"# HELP uses_total a\n# HELP uses_total b\n" + _TEA + b" 7\n", "7.0"),
    "two TYPE": (b"# TYPE uses_total gauge\n# TYPE uses_total counter\n" + _TEA + b" 7\n", "7.0"),
    "a TYPE behind": (_TEA + b" 7\n# TYPE uses_total counter\n", "7.0"),
    "a TYPE that nobody knows": (b"# TYPE uses_total odd\n" + _TEA + b" 7\n", "7.0"),
    "a TYPE without a type": (b"# TYPE uses_total\n" + _TEA + b" 7\n", "7.0"),
    "comments that are none": (b"#\n##\n#TYPE\n# EOF odd\n" + _TEA + b" 7\n", "7.0"),
    "an exemplar": (_TEA + b' 7 # {trace_id="\\" # {"} 1 1\n', "7.0"),
    "OpenMetrics without EOF": (b"# TYPE uses counter\n" + _TEA + b" 7\n", "7.0"),
    "OpenMetrics behind its EOF": (b"# EOF\n" + _TEA + b" 7\n# EOF\n", "7.0"),
    "names in quotes": (b'{"uses_total",kind="tea"} 7\n', "7.0"),
    "names of UTF-8": ('{"größe.in.kB"} 1\n'.encode() + _TEA + b" 7\n", "7.0"),
    "labels of UTF-8": ('a{"größe"="ä"} 1\n'.encode() + _TEA + b" 7\n", "7.0"),
    "an empty label": (b'uses_total{kind="tea",b=""} 7\n' + _TEA + b" 7\n", "7.0"),
    "spaces everywhere": (b' \tuses_total { kind = "tea" , }  7 \n', "7.0"),
    "lines that end in CR LF": (_TEA + b" 7\r\n", "7.0"),
    "a timestamp beyond time": (_TEA + b" 7 99999999999999999999\n", "7.0"),
    "a timestamp before time": (_TEA + b" 7 -99999999999999999999\n", "7.0"),
    "a timestamp of NaN": (_TEA + b" 7 NaN\n", "7.0"),
    "a start time of NaN": (b"process_start_time_seconds NaN\n" + _TEA + b" 7\n", "7.0"),
    "a start time of +Inf": (b"process_start_time_seconds +Inf\n" + _TEA + b" 7\n", "7.0"),
    "a start time beyond time": (b"process_start_time_seconds 1e308\n" + _TEA + b" 7\n", "7.0"),
}  # fmt: skip


def _page(name: str, content: bytes) -> Case:
    return once(f"a page of {name}", lambda: whole(content, f"Content-Type: {_TYPE}"))


HUGE_PAGES = [typed(f"a page of {name}", build, _TYPE) for name, build in _HUGE.items()]
PAGES = [*HUGE_PAGES, *(_page(name, content) for name, content in _REFUSED.items())]
READABLE_PAGES = [(_page(name, content), value) for name, (content, value) in _READ.items()]
