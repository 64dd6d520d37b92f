"""Refuse unquoted YAML values that are read as something else than they look like.

YAML 1.1 reads `12:30:00` as 45000, `NO` as false and `1.10` as 1.1; `1e5` is text in YAML 1.1 and a
number in YAML 1.2. One rule finds them all: whatever a YAML reader takes for a number, a boolean or
null must be written exactly as JSON would write the value that was read. An empty value is null.
"""

import json
import math
import re
from decimal import Decimal
from typing import Any

import yaml

_TEXT = "tag:yaml.org,2002:str"
_READ = {f"tag:yaml.org,2002:{name}" for name in ("null", "bool", "int", "float")}
# What a reader makes of these is neither text nor JSON: dates, and two signs of YAML's own.
NOT_JSON = {
    "tag:yaml.org,2002:timestamp": "a date",
    "tag:yaml.org,2002:value": "a sign of YAML",
    "tag:yaml.org,2002:merge": "a sign of YAML",
}
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_OTHER_BASE = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_LARGEST_PLAIN = 1e16


def misreading(node: yaml.ScalarNode, value: Any) -> str:
    """Return why a scalar is not what it looks like, and the remedy, or "".

    `value` is what the node was read as.

    >>> node = yaml.compose("01234", Loader=yaml.SafeLoader)
    >>> misreading(node, 668)
    "01234 is read as 668; quote it: '01234', or write 668"
    """
    text = node.value
    if node.style:  # quoted, or a block of text; a plain one has None, or "" of libyaml
        return ""
    if node.tag == _TEXT:
        return _seeming_number(text)
    if node.tag in NOT_JSON:  # also where there is no such date, and `value` is None
        return f"{text} is read as {NOT_JSON[node.tag]}; quote it: '{text}'"
    if isinstance(value, float) and not math.isfinite(value):
        return f"{text} is no number of JSON; quote it: '{text}'"
    is_empty = value is None and not text
    if node.tag not in _READ or is_empty or text == _plain(value):
        return ""
    return f"{text} is read as {_plain(value)}; quote it: '{text}', or write {_plain(value)}"


def _seeming_number(text: str) -> str:
    """Return why a text looks like a number, and the remedy, or ""."""
    if _OTHER_BASE.fullmatch(text):
        number: float = int(text, 0)
    elif _NUMBER.fullmatch(text):
        number = float(text)
    else:
        return ""
    is_whole = number.is_integer() if isinstance(number, float) else True
    remedy = f", or write {_plain(int(number) if is_whole else number)}"
    return (
        f"{text} looks like a number but is read as text; quote it: '{text}'"
        f"{remedy if abs(number) < _LARGEST_PLAIN else ''}"
    )


def _plain(value: Any) -> str:
    """Write a value as JSON, a number without an exponent."""
    if isinstance(value, float):
        return format(Decimal(repr(value)), "f")
    return json.dumps(value)
